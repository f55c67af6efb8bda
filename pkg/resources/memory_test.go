package resources

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func TestMemory(t *testing.T) {
	const process, heap = "jobmanager.memory.process.size", "jobmanager.memory.heap.size"
	for name, test := range map[string]struct {
		limit, request  string
		ratio, offHeap  *int32
		offHeapMinimum  string
		user            map[string]string
		flink           string
		option, process string
	}{
		"80 percent of the limit":           {limit: "2Gi", request: "1Gi", option: process, process: "1638m"},
		"the request without a limit":       {request: "1Gi", option: process, process: "819m"},
		"decimal units":                     {limit: "1G", option: process, process: "762m"},
		"no memory at all":                  {option: process, process: "1600m"},
		"another ratio":                     {limit: "2Gi", ratio: new(int32(50)), option: process, process: "1024m"},
		"all of it":                         {limit: "2Gi", ratio: new(int32(100)), option: process, process: "2048m"},
		"odd sizes are rounded down":        {limit: "1000001k", ratio: new(int32(100)), option: process, process: "953m"},
		"the largest size":                  {limit: "8Ei", ratio: new(int32(100)), option: process, process: "8796093022207m"},
		"too small for Flink":               {limit: "1Mi"},
		"off heap by ratio":                 {limit: "4Gi", offHeap: new(int32(25)), offHeapMinimum: "600M", option: heap, process: "3072m"},
		"off heap by minimum":               {limit: "1Gi", offHeap: new(int32(25)), offHeapMinimum: "600M", option: heap, process: "451m"},
		"off heap, default minimum":         {limit: "1Gi", offHeap: new(int32(10)), option: heap, process: "451m"},
		"off heap, default ratio":           {limit: "4Gi", offHeapMinimum: "1Mi", option: heap, process: "3072m"},
		"off heap, of the request":          {request: "4Gi", offHeapMinimum: "1Mi", option: heap, process: "3072m"},
		"off heap, nothing left":            {limit: "1Gi", offHeap: new(int32(100))},
		"user: process":                     {limit: "2Gi", user: map[string]string{process: "1g"}},
		"user: flink":                       {limit: "2Gi", user: map[string]string{"jobmanager.memory.flink.size": "1g"}},
		"user: heap":                        {limit: "2Gi", user: map[string]string{heap: "1g"}},
		"user: legacy, unknown version":     {limit: "2Gi", user: map[string]string{"jobmanager.heap.size": "1g"}},
		"user: legacy, version that reads":  {limit: "2Gi", flink: "1.20", user: map[string]string{"jobmanager.heap.mb": "1"}},
		"user: legacy, version that doesnt": {limit: "2Gi", flink: "2.0", user: map[string]string{"jobmanager.heap.size": "1g"}, option: process, process: "1638m"},
		"user: off heap with model":         {limit: "4Gi", offHeap: new(int32(25)), user: map[string]string{process: "1g"}},
		"user: a part is not a total":       {limit: "2Gi", user: map[string]string{"jobmanager.memory.off-heap.size": "1g"}, option: process, process: "1638m"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &v1beta1.ComponentSpec{MemoryProcessRatio: test.ratio, MemoryOffHeapRatio: test.offHeap}
			spec.Resources.Limits = memoryList(test.limit)
			spec.Resources.Requests = memoryList(test.request)
			if test.offHeapMinimum != "" {
				spec.MemoryOffHeapMin = new(resource.MustParse(test.offHeapMinimum))
			}
			var expected map[string]string
			if test.option != "" {
				expected = map[string]string{test.option: test.process}
			}
			require.Equal(t, expected, jobManagerMemory.properties(spec, test.user, parseRelease(test.flink)))
		})
	}
}

func TestTaskManagerMemory(t *testing.T) {
	cluster := newJobCluster()
	for _, test := range []struct {
		user     []string
		expected string
	}{
		{nil, "1638m"},
		{[]string{"taskmanager.memory.task.heap.size"}, "1638m"},
		{[]string{"taskmanager.memory.managed.size"}, "1638m"},
		// Together they fix the total.
		{[]string{"taskmanager.memory.task.heap.size", "taskmanager.memory.managed.size"}, ""},
		{[]string{"taskmanager.memory.flink.size"}, ""},
	} {
		cluster.Spec.FlinkProperties = map[string]string{}
		for _, name := range test.user {
			cluster.Spec.FlinkProperties[name] = "1g"
		}
		require.Equal(t, test.expected, Properties(inputFor(cluster))["taskmanager.memory.process.size"], "%v", test.user)
	}
	cluster.Spec.FlinkProperties = nil
	cluster.Spec.TaskManager.MemoryOffHeapMin = new(resource.MustParse("1Gi"))
	require.Equal(t, "1024m", Properties(inputFor(cluster))["taskmanager.memory.flink.size"])
}

func TestTaskSlots(t *testing.T) {
	for limit, expected := range map[string]int64{"": 1, "200m": 1, "1": 1, "2": 1, "3500m": 1, "4": 2, "5": 2, "16": 8} {
		resources := corev1.ResourceRequirements{}
		if limit != "" {
			resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(limit)}
		}
		require.Equal(t, expected, taskSlots(resources), limit)
	}
}

func memoryList(size string) corev1.ResourceList {
	if size == "" {
		return nil
	}
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(size)}
}
