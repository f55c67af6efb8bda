package resources

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

const (
	mebibyte = 1 << 20

	defaultProcessRatio = 80
	// The defaults of the memory model of the first FlinkCluster operator.
	defaultOffHeapRatio   = 25
	defaultOffHeapMinimum = 600 * 1000 * 1000
)

// memoryModel says how the memory of one component is told to Flink.
type memoryModel struct {
	processOption string
	// heapOption is what Flink itself takes the pre-1.10 option "heap.size" for.
	heapOption string
	// shipped is the process size in Flink's own configuration file, for a container without memory resources.
	// Flink does not start without a total.
	shipped string
	// totals are the sets of options that each fix the total; with one of them set no default is added.
	totals [][]string
	// legacyTotals were totals before Flink 2.0.
	legacyTotals []string
}

var (
	jobManagerMemory = memoryModel{
		processOption: "jobmanager.memory.process.size",
		heapOption:    "jobmanager.memory.heap.size",
		shipped:       "1600m",
		totals: [][]string{
			{"jobmanager.memory.process.size"}, {"jobmanager.memory.flink.size"}, {"jobmanager.memory.heap.size"},
		},
		legacyTotals: []string{"jobmanager.heap.size", "jobmanager.heap.mb"},
	}
	taskManagerMemory = memoryModel{
		processOption: "taskmanager.memory.process.size",
		heapOption:    "taskmanager.memory.flink.size",
		shipped:       "1728m",
		totals: [][]string{
			{"taskmanager.memory.process.size"}, {"taskmanager.memory.flink.size"},
			{"taskmanager.memory.task.heap.size", "taskmanager.memory.managed.size"},
		},
		legacyTotals: []string{"taskmanager.heap.size", "taskmanager.heap.mb"},
	}
)

// properties returns the option that tells Flink its memory; empty if the user has settled the total.
func (m memoryModel) properties(spec *v1beta1.ComponentSpec, user map[string]string, flink release) map[string]string {
	if m.settledBy(user, flink) {
		return nil
	}
	available := availableMemory(spec.Resources)
	if available == 0 {
		return map[string]string{m.processOption: m.shipped}
	}
	if spec.MemoryOffHeapRatio != nil || spec.MemoryOffHeapMin != nil {
		return sized(m.heapOption, available-offHeap(spec, available))
	}
	ratio := int64(defaultProcessRatio)
	if spec.MemoryProcessRatio != nil {
		ratio = int64(*spec.MemoryProcessRatio)
	}
	return sized(m.processOption, percent(available, ratio))
}

func (m memoryModel) settledBy(user map[string]string, flink release) bool {
	for _, total := range m.totals {
		if hasAll(user, total) {
			return true
		}
	}
	return !flink.atLeast(2, 0) && hasAny(user, m.legacyTotals)
}

// offHeap is how much the older memory model keeps off the heap.
func offHeap(spec *v1beta1.ComponentSpec, available int64) int64 {
	ratio, minimum := int64(defaultOffHeapRatio), int64(defaultOffHeapMinimum)
	if spec.MemoryOffHeapRatio != nil {
		ratio = int64(*spec.MemoryOffHeapRatio)
	}
	if spec.MemoryOffHeapMin != nil {
		minimum = spec.MemoryOffHeapMin.Value()
	}
	return max(percent(available, ratio), minimum)
}

// sized gives a size in whole mebibytes, which is what Flink's "m" means. A size below one is left out: Flink then
// says itself that it has no memory.
func sized(option string, bytes int64) map[string]string {
	if bytes < mebibyte {
		return nil
	}
	return map[string]string{option: strconv.FormatInt(bytes/mebibyte, 10) + "m"}
}

// percent does not overflow for any size that Kubernetes can hold.
func percent(bytes, ratio int64) int64 {
	return bytes/100*ratio + bytes%100*ratio/100
}

// availableMemory is the container's memory limit, else its request, else 0.
func availableMemory(resources corev1.ResourceRequirements) int64 {
	if limit := resources.Limits.Memory().Value(); limit > 0 {
		return limit
	}
	return max(0, resources.Requests.Memory().Value())
}

// taskSlots is half of the TaskManager's processor limit, as in the older FlinkCluster operators.
func taskSlots(resources corev1.ResourceRequirements) int64 {
	return max(1, resources.Limits.Cpu().MilliValue()/2000)
}

func hasAny(properties map[string]string, names []string) bool {
	for _, name := range names {
		if _, found := properties[name]; found {
			return true
		}
	}
	return false
}

func hasAll(properties map[string]string, names []string) bool {
	for _, name := range names {
		if _, found := properties[name]; !found {
			return false
		}
	}
	return true
}
