package scope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

// When the job has ended, what the policy says remains.
func TestCleanup(t *testing.T) {
	t.Parallel()
	// The ends of a job that a policy is for; a lost one is cleaned up like a failed one.
	//exhaustive:ignore
	endings := map[v1beta1.JobState]func(w *world.World){
		v1beta1.JobStateSucceeded: func(w *world.World) { w.JobManager("a").SetStatus(w.JobManager("a").JobID, flink.JobFinished) },
		v1beta1.JobStateFailed:    failJob,
		v1beta1.JobStateCancelled: func(w *world.World) { w.JobManager("a").SetStatus(w.JobManager("a").JobID, flink.JobCanceled) },
	}
	for state, end := range endings {
		for action, want := range map[v1beta1.CleanupAction]struct {
			state    v1beta1.ClusterState
			children int
		}{
			v1beta1.CleanupActionDeleteCluster:     {v1beta1.ClusterStateStopped, 1},
			v1beta1.CleanupActionDeleteTaskManager: {v1beta1.ClusterStatePartiallyStopped, 5},
			v1beta1.CleanupActionKeepCluster:       {v1beta1.ClusterStateRunning, 7},
		} {
			t.Run(string(state)+"/"+string(action), func(t *testing.T) {
				inRunningWorld(t, func(t *testing.T, w *world.World) {
					end(w)
					w.UntilJob("a", state)
					w.Until("a", "cleaned up", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == want.state })
					w.Eventually("the pods have gone", func() bool { return len(w.Children()) == want.children })
					requireSettles(t, w)
					require.Len(t, w.Children(), want.children)
					require.Equal(t, want.state, w.Cluster("a").Status.State)
					require.NotNil(t, w.Job("a").CompletionTime)
					require.Len(t, w.Ledger().Starts, 1)
				}, builders.Cleanup(action, action, action))
			})
		}
	}
}

// A JobManager of Flink 1.14 ends with its job; that is no failure.
func TestJobManagerThatEndsWithItsJob(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.ExitPod("a-jobmanager-1", world.Exit{Code: 0})
		w.UntilJob("a", v1beta1.JobStateSucceeded)
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 1)
	}, builders.Restart(fromLatest))
}

// Deleting a FlinkCluster removes everything that was made for it, at whatever moment.
func TestDelete(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world.World){
		"at once":         func(*world.World) {},
		"while it starts": func(w *world.World) { w.Settle(1500 * time.Millisecond) },
		"while it runs":   func(w *world.World) { w.UntilRunning("a", 1) },
		"during a savepoint": func(w *world.World) {
			w.UntilRunning("a", 1)
			w.HoldSavepoints()
			w.Annotate("a", v1beta1.ControlSavepoint)
			w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
		},
		"during a restart": func(w *world.World) {
			w.UntilRunning("a", 1)
			w.DeletePod("a-jobmanager-1")
			w.Settle(700 * time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world.Test(t, func(t *testing.T, w *world.World) {
				w.StartOperator()
				w.Apply(jobCluster(builders.Restart(fromLatest)))
				prepare(w)
				w.Delete("a")
				w.Eventually("nothing is left", func() bool { return len(w.Children()) == 0 })
				savepoints := len(w.Ledger().Savepoints)
				requireQuiet(t, w, time.Minute)
				require.Empty(t, w.Children())
				require.Len(t, w.Ledger().Savepoints, savepoints)
				require.Empty(t, w.Calls(func(call world.Call) bool { return call.To == world.Flink }), "nobody is asked any more")
			})
		})
	}
}

// A cluster that is made again at once under the same name is a new one: it waits for the old one's pods, and takes
// nothing over from it.
func TestRecreateUnderTheSameName(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		startJob(w)
		checkpointing(w, 20*time.Second)
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		first := w.Job("a").ID
		w.Delete("a")
		w.LetGo("a")
		w.Apply(jobCluster(builders.UID("another life")))
		w.UntilRunning("a", 1)
		starts := w.Ledger().Starts
		require.Len(t, starts, 2)
		require.NotEqual(t, first, starts[1].JobID)
		require.Empty(t, starts[1].RestorePath)
		status := w.Cluster("a").Status
		require.Zero(t, status.Components.Job.SavepointGeneration)
		require.Empty(t, status.SavepointHistory)
		require.Nil(t, status.Savepoint)
		requireSettles(t, w)
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Len(t, w.Ledger().Savepoints, 2)
	})
}

// The same with the session kind, whose JobManager is another kind of object.
func TestRecreateAsAnotherKind(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		startJob(w)
		w.Delete("a")
		w.LetGo("a")
		w.Apply(builders.SessionCluster("a", builders.TaskManagers(1), builders.UID("second")))
		w.Until("a", "up", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateRunning })
		w.Delete("a")
		w.Apply(jobCluster(builders.UID("third")))
		w.UntilRunning("a", 1)
		require.Len(t, w.Ledger().Starts, 2)
		requireSettles(t, w)
	})
}
