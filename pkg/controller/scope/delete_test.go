package scope_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

var bySavepoint = builders.Job(func(job *v1beta1.JobSpec) { job.DeletionPolicy = v1beta1.DeletionPolicySavepoint })

func gone(w *world.World) bool {
	return fixture.Get[v1beta1.FlinkCluster](w.T(), w.API, builders.Namespace, "a") == nil
}

// deletedWithin deletes the cluster and requires that it is gone in time, with all that belonged to it.
func deletedWithin(t *testing.T, w *world.World, bound time.Duration) {
	t.Helper()
	w.Delete("a")
	took := w.Within(2*bound, "the cluster is gone", func() bool { return gone(w) })
	require.LessOrEqual(t, took, bound)
	require.Empty(t, w.Children())
}

// Whatever the JobManager does, a deletion ends in time.
func TestDeletionIsBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options []builders.ClusterOption
		trouble func(w *world.World)
		bound   time.Duration
		cancels int
	}{
		"it answers": {trouble: func(*world.World) {}, bound: 10 * time.Second, cancels: 1},
		"it is silent": {
			trouble: func(w *world.World) { w.JobManager("a").Inject(flinktest.Fault{Hang: true}) }, bound: 50 * time.Second,
		},
		"it is silent, and a savepoint is wanted": {
			options: []builders.ClusterOption{bySavepoint},
			trouble: func(w *world.World) { w.JobManager("a").Inject(flinktest.Fault{Hang: true}) }, bound: 50 * time.Second,
		},
		"it says for ever that the job runs": {
			trouble: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Route: flinktest.RouteCancel, Status: 202})
			}, bound: 70 * time.Second,
		},
		"it takes no stop": {
			options: []builders.ClusterOption{bySavepoint}, cancels: 1,
			trouble: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Route: flinktest.RouteStop, Status: 400})
			}, bound: 20 * time.Second,
		},
		"its savepoint never ends": {
			options: []builders.ClusterOption{bySavepoint}, cancels: 1,
			trouble: func(w *world.World) { w.HoldSavepoints() }, bound: 12 * time.Minute,
		},
		"it ends": {trouble: func(w *world.World) { w.ExitPod("a-jobmanager-1", world.OOMKilled) }, bound: 20 * time.Second},
		"its children go first": {
			trouble: func(w *world.World) {
				for _, child := range []string{"Job/a-jobmanager", "Service/a-jobmanager", "StatefulSet/a-taskmanager", "ConfigMap/a-configmap"} {
					w.Remove(child)
				}
				for _, revision := range fixture.List[appsv1.ControllerRevision](w.T(), w.API, builders.Namespace) {
					w.Remove("ControllerRevision/" + revision.Name)
				}
			},
			bound: 20 * time.Second,
		},
		"its pods are slow": {trouble: func(w *world.World) { w.SlowPods(time.Minute) }, bound: 70 * time.Second, cancels: 1},
		"the spec is wrong by now": {
			trouble: func(w *world.World) {
				w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "https://example.com/a.jar" }))
			},
			bound: 10 * time.Second, cancels: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				w.Settle(time.Minute)
				test.trouble(w)
				deletedWithin(t, w, test.bound)
				require.Len(t, w.Ledger().Cancels, test.cancels)
				require.Len(t, w.Ledger().Starts, 1, "nothing is started")
				requireQuiet(t, w, time.Minute)
			}, test.options...)
		})
	}
}

// Pods on a node that is gone never go: they are waited for in vain for a while.
func TestDeletionWithPodsThatNeverGo(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.SlowPods(24 * time.Hour)
		w.Delete("a")
		took := w.Eventually("the cluster is gone", func() bool { return gone(w) })
		require.Greater(t, took, 2*time.Minute)
		require.Less(t, took, 3*time.Minute)
		require.Contains(t, w.EventReasons(), v1beta1.EventDeletionFallback)
	})
}

// A job that does not run has nothing to be stopped.
func TestDeletionOfWhatDoesNotRun(t *testing.T) {
	t.Parallel()
	badJar := builders.Job(func(job *v1beta1.JobSpec) { job.JarFile = "https://example.com/job.jar" })
	suspended := builders.Job(func(job *v1beta1.JobSpec) { job.State = v1beta1.DesiredJobStateSuspended })
	for name, test := range map[string]struct {
		option  builders.ClusterOption
		prepare func(w *world.World)
	}{
		"never valid":       {badJar, func(w *world.World) { w.Settle(time.Minute) }},
		"created suspended": {suspended, func(w *world.World) { w.UntilJob("a", v1beta1.JobStateSuspended) }},
		"failed for good": {builders.Restart(v1beta1.RestartPolicyNever), func(w *world.World) {
			w.UntilRunning("a", 1)
			failJob(w)
			w.UntilJob("a", v1beta1.JobStateFailed)
		}},
		"never started": {func(*v1beta1.FlinkCluster) {}, func(w *world.World) {
			w.BlockPods(v1beta1.ComponentJobManager, "ImagePullBackOff", "no such image")
			w.Settle(time.Minute)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Test(t, func(t *testing.T, w *world.World) {
				w.StartOperator()
				if name == "never started" {
					test.prepare(w)
				}
				w.Apply(jobCluster(test.option))
				if name != "never started" {
					test.prepare(w)
				}
				w.Settle(time.Minute)
				deletedWithin(t, w, 10*time.Second)
				require.Empty(t, w.Ledger().Cancels)
			})
		})
	}
}

// With --cascade=orphan everything goes on, whoever is faster: the operator, or who takes the ownership away.
func TestDeletionThatOrphans(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(w *world.World){
		"orphaned first": func(w *world.World) { w.DeleteOrphaning("a") },
		"orphaned later": func(w *world.World) {
			w.Edit("a", builders.Finalizer(metav1.FinalizerOrphanDependents))
			w.Delete("a")
			w.Until("a", "let go", func(c *v1beta1.FlinkCluster) bool {
				return slices.Equal(c.Finalizers, []string{metav1.FinalizerOrphanDependents})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRunningWorld(t, func(t *testing.T, w *world.World) {
				w.Settle(time.Minute)
				before := w.Children()
				remove(w)
				w.Settle(5 * time.Minute)
				require.Equal(t, before, w.Children())
				require.Empty(t, w.Ledger().Cancels)
				require.True(t, w.JobManager("a").Alive())
			})
		})
	}
}

// A request that comes while the cluster is being deleted is refused, and another one's finalizer stays.
func TestRequestDuringDeletion(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.SlowPods(30 * time.Second)
		w.Delete("a")
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Settle(10 * time.Second)
		found := w.Cluster("a")
		require.Equal(t, v1beta1.ControlStateFailed, found.Status.Control.State)
		require.Contains(t, found.Status.Control.Message, "is being deleted")
		require.NotContains(t, found.Annotations, v1beta1.ControlAnnotation)
		require.Equal(t, v1beta1.LifecycleDeleting, found.Status.Lifecycle)
		progressing := meta.FindStatusCondition(found.Status.Conditions, v1beta1.ConditionProgressing)
		require.Equal(t, "Deleting", progressing.Reason)
		require.Contains(t, progressing.Message, "pod a-jobmanager-1 has to go")
		w.Settle(time.Minute)
		require.Equal(t, []string{"example.com/held"}, w.Cluster("a").Finalizers)
		require.Empty(t, w.Ledger().Savepoints)
		w.Edit("a", func(c *v1beta1.FlinkCluster) { c.Finalizers = nil })
		require.True(t, gone(w))
		requireQuiet(t, w, time.Minute)
		require.Empty(t, w.Children())
	}, builders.Finalizer("example.com/held"), builders.AutoSavepoint(20))
}
