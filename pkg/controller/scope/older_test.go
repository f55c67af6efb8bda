package scope_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// older reads the objects of a running cluster as an operator of before left them: the first that knew no upgrades.
func older(t *testing.T, name string) []runtime.Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "older", name+".json"))
	require.NoError(t, err)
	types := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(types))
	utilruntime.Must(v1beta1.AddToScheme(types))
	decoder := serializer.NewCodecFactory(types).UniversalDeserializer()
	var list corev1.List
	_, _, err = decoder.Decode(data, nil, &list)
	require.NoError(t, err)
	var objects []runtime.Object
	for _, item := range list.Items {
		object, _, err := decoder.Decode(item.Raw, nil, nil)
		require.NoError(t, err)
		objects = append(objects, object)
	}
	return objects
}

// A new operator restarts nothing of what an older one has made: its revision is what the spec asks for, its workloads are
// left alone, and its pods are taken for those of the run.
func TestUpgradeOfTheOperator(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// served: the API server fills the defaults of a newer schema into what it stored before.
		served bool
	}{{"job", false}, {"session", false}, {"job", true}, {"session", true}} {
		name := test.name
		t.Run(fmt.Sprintf("%s, new defaults %t", name, test.served), func(t *testing.T) {
			world.Test(t, func(t *testing.T, w *world.World) {
				objects := older(t, name)
				for _, object := range objects {
					if cluster, is := object.(*v1beta1.FlinkCluster); is && test.served {
						v1beta1.SetDefaults(cluster)
					}
				}
				w.API.Add(t, objects...)
				w.Settle(time.Minute)
				before := w.Cluster("a").Status
				w.StartOperator()
				w.Settle(15 * time.Minute)
				after := w.Cluster("a").Status
				if name == "job" {
					// Its checkpoints, from before, have proved it.
					before.Revision.Stable, before.Revision.StableGeneration = before.Revision.Current, 1
				}
				require.Equal(t, before.Revision, after.Revision)
				require.Equal(t, before.SavepointHistory, after.SavepointHistory)
				if name == "job" {
					require.Equal(t, before.Components.Job.Attempt, after.Components.Job.Attempt)
					require.Equal(t, v1beta1.JobStateRunning, after.Components.Job.State)
				}
				for _, write := range w.Writes() {
					require.False(t, strings.HasPrefix(write, "delete ") || strings.Contains(write, " jobs ") || strings.Contains(write, " controllerrevisions "), write)
				}
				require.Empty(t, w.Calls(func(call world.Call) bool {
					// Savepoints by schedule go on.
					return world.IsEffect(call) && !strings.HasSuffix(call.What, "/savepoints")
				}))
			})
		})
	}
}
