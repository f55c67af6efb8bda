//go:build prove

package prove

import (
	"net/http"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const theirFinalizer = "example.com/theirs"

var (
	bySavepoint = builders.Job(func(job *v1beta1.JobSpec) { job.DeletionPolicy = v1beta1.DeletionPolicySavepoint })
	nothingRan  = []string{"nothing"}
)

func remove(w *world.World) { w.Delete("a") }

func awaitGone(w *world.World) {
	w.Eventually("the cluster is gone", func() bool { return cluster(w).Name == "" })
}

// beginSavepoint has the user ask for a savepoint that does not end.
func beginSavepoint(w *world.World) {
	w.HoldSavepoints()
	w.Annotate("a", v1beta1.ControlSavepoint)
	w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
}

// deleteScenarios: the job comes to an end, nothing is left, and nothing keeps the cluster.
func deleteScenarios() []scenario {
	return slices.Concat(deleteByCancelScenarios(), deleteBySavepointScenarios(), deleteInTransitionScenarios(), deleteTroubleScenarios())
}

func deleteByCancelScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: nothingRan, cancels: 1, effects: 1},
			name: "delete", prepare: runJob(), act: remove, done: nothingLeft, pairs: true,
		},
		{
			// One that goes on is waited for in vain, for a while.
			want: &want{restored: nothingRan, cancels: 1, effects: 2},
			name: "delete in a savepoint", done: nothingLeft, keepsJobManager: true, prepare: runJob(), brief: true,
			act: func(w *world.World) {
				beginSavepoint(w)
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, cancels: 1, effects: 2},
			name: "delete in a savepoint, which ends", done: nothingLeft, prepare: runJob(), brief: true, savepoints: 1,
			act: func(w *world.World) {
				beginSavepoint(w)
				w.Delete("a")
				w.Settle(20 * time.Second)
				w.ReleaseSavepoints()
			},
		},
		{
			name: "delete in creation", prepare: nothing, done: nothingLeft, open: true, anyStarts: true,
			act: func(w *world.World) {
				w.Apply(jobCluster())
				w.Settle(1500 * time.Millisecond)
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, cancels: 1, effects: 1},
			name: "delete, with somebody else's finalizer", prepare: runJob(builders.Finalizer(theirFinalizer)), brief: true, leaders: true, done: nothingLeft,
			act: func(w *world.World) {
				w.Delete("a")
				w.Eventually("only theirs is left", func() bool { return slices.Equal(cluster(w).Finalizers, []string{theirFinalizer}) })
				w.Settle(time.Minute)
				w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Finalizers = nil })
			},
		},
	}
}

func deleteBySavepointScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: nothingRan, stops: 1, effects: 1},
			name: "delete with a savepoint", prepare: runJob(bySavepoint), act: remove, done: nothingLeft, savepoints: 1,
		},
		{
			want: &want{restored: nothingRan, stops: 1, cancels: 1, effects: 2},
			name: "delete with a savepoint, which fails", prepare: runJob(bySavepoint), done: nothingLeft, brief: true,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Delete("a")
				w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == 1 })
				stop := w.Ledger().Stops[0]
				process(w).FailOperation(stop.JobID, stop.TriggerID, "org.example.NoSpace", "disk full")
			},
		},
		{
			want: &want{restored: nothingRan, stops: 1, cancels: 1, effects: 2},
			name: "delete with a savepoint, which never ends", prepare: runJob(bySavepoint), done: nothingLeft, brief: true, longest: 20 * time.Minute,
			act: func(w *world.World) {
				w.HoldSavepoints()
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, stops: 1, effects: 2},
			name: "delete with a savepoint, after the one in progress", prepare: runJob(bySavepoint), done: nothingLeft, brief: true, savepoints: 2,
			act: func(w *world.World) {
				beginSavepoint(w)
				w.Delete("a")
				w.Settle(2 * time.Minute)
				w.ReleaseSavepoints()
			},
		},
	}
}

func deleteInTransitionScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: nothingRan, stops: 1, cancels: 1, effects: 2},
			name: "delete during an upgrade", prepare: runJob(), brief: true, done: nothingLeft, keepsJobManager: true,
			act: func(w *world.World) {
				beginStop(w, newImage)
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, stops: 1, effects: 1},
			name: "delete with a savepoint during an upgrade", prepare: runJob(bySavepoint), brief: true, done: nothingLeft, savepoints: 1,
			act: func(w *world.World) {
				beginStop(w, newImage)
				w.Delete("a")
				w.Settle(2 * time.Minute)
				w.ReleaseSavepoints()
			},
		},
		{
			want: &want{restored: nothingRan, stops: 1},
			name: "delete while suspended", brief: true, done: nothingLeft, act: remove, savepoints: 1,
			prepare: func(w *world.World) {
				runJob(bySavepoint)(w)
				w.Edit("a", suspend)
				awaitSuspended(w)
				w.Settle(time.Minute)
			},
		},
		{
			want: &want{restored: []string{"nothing", "nothing"}, cancels: 1, effects: 1, state: stateRunning},
			name: "deleted and made again", brief: true, done: running(1), prepare: runJob(),
			act: func(w *world.World) {
				w.SlowPods(20 * time.Second)
				w.Delete("a")
				awaitGone(w)
				w.Apply(jobCluster(builders.UID("another life")))
			},
		},
		{
			// The pods of the last life are still there.
			want: &want{restored: []string{"nothing", "nothing"}, effects: -1, state: stateRunning},
			name: "let go by hand and made again", brief: true, done: running(1), prepare: runJob(),
			act: func(w *world.World) {
				w.SlowPods(20 * time.Second)
				w.StopOperators()
				w.Delete("a")
				w.LetGo("a")
				w.Apply(jobCluster(builders.UID("another life")))
				w.Join()
			},
		},
	}
}

func deleteTroubleScenarios() []scenario {
	return []scenario{
		{
			want: &want{restored: nothingRan, effects: -1},
			name: "delete while the JobManager is silent", prepare: runJob(bySavepoint), brief: true, done: nothingLeft, keepsJobManager: true,
			act: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Hang: true})
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, effects: -1},
			name: "delete while the JobManager says that the job runs on", prepare: runJob(), brief: true, done: nothingLeft, keepsJobManager: true,
			act: func(w *world.World) {
				w.JobManager("a").Inject(flinktest.Fault{Route: flinktest.RouteCancel, Status: http.StatusAccepted})
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, effects: -1},
			name: "delete as the JobManager is lost", prepare: runJob(bySavepoint), brief: true, done: nothingLeft,
			act: func(w *world.World) {
				w.ExitPod(jobManagerPod(w), world.OOMKilled)
				w.Delete("a")
			},
		},
		{
			want: &want{restored: nothingRan, effects: -1},
			name: "delete, and the children go first", prepare: runJob(), brief: true, done: nothingLeft,
			act: func(w *world.World) {
				w.Delete("a")
				for _, child := range []string{"ConfigMap/a-configmap", "Service/a-jobmanager", "Job/a-jobmanager", "StatefulSet/a-taskmanager"} {
					w.Remove(child)
				}
			},
		},
	}
}
