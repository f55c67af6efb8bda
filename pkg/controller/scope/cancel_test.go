package scope_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

var keepCluster = builders.Cleanup(v1beta1.CleanupActionKeepCluster, v1beta1.CleanupActionKeepCluster, v1beta1.CleanupActionKeepCluster)

// With a directory, a cancel is a stop with savepoint; the cluster is cleaned up by its policy.
func TestJobCancel(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlJobCancel)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		w.Until("a", "stopped", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateStopped })
		ledger := w.Ledger()
		require.Len(t, ledger.Stops, 1)
		require.Empty(t, ledger.Cancels)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonJobCancel)
		job := w.Job("a")
		require.Equal(t, v1beta1.JobStateCancelled, job.State)
		require.Equal(t, v1beta1.CancelledByControl, job.CancelledBy)
		requireSettles(t, w)
		require.Equal(t, []string{"ControllerRevision/" + w.Cluster("a").Status.Revision.Current}, w.Children())
		require.Equal(t, v1beta1.LifecycleStopped, w.Cluster("a").Status.Lifecycle)
	})
}

func TestJobCancelWithoutDirectory(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlJobCancel)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Equal(t, v1beta1.JobStateCancelled, w.Job("a").State)
		require.Len(t, w.Ledger().Cancels, 1)
		require.Empty(t, w.Ledger().Savepoints)
	}, builders.SavepointsDir(""), keepCluster)
}

func TestJobCancelWithoutSavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlJobCancelWithoutSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Equal(t, v1beta1.JobStateCancelled, w.Job("a").State)
		require.Len(t, w.Ledger().Cancels, 1)
		require.Empty(t, w.Ledger().Savepoints)
		requireSettles(t, w)
		require.Contains(t, w.Children(), "Pod/a-jobmanager-1", "the policy keeps the cluster")
	}, keepCluster)
}

// A job that cannot come up can be cancelled all the same.
func TestCancelOfAJobThatCannotStart(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.BlockPods(v1beta1.ComponentJobManager, "ImagePullBackOff", "no such image")
		w.StartOperator()
		w.Apply(jobCluster())
		w.Until("a", "told why it does not start", func(c *v1beta1.FlinkCluster) bool {
			condition := findCondition(c, v1beta1.ConditionProgressing)
			return condition != nil && len(condition.Message) > 0
		})
		require.Contains(t, findCondition(w.Cluster("a"), v1beta1.ConditionProgressing).Message, "ImagePullBackOff: no such image")
		requireSettles(t, w)
		w.Annotate("a", v1beta1.ControlJobCancelWithoutSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Equal(t, v1beta1.JobStateCancelled, w.Job("a").State)
		w.Settle(time.Minute)
		require.Empty(t, w.Ledger().Starts)
		require.NotContains(t, w.Children(), "Pod/a-jobmanager-1")
	})
}

// cancelRequested stops with a savepoint; taken back, the job goes on from it.
func TestCancelRequestedAndBack(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", builders.CancelRequested())
		w.UntilJob("a", v1beta1.JobStateCancelled)
		require.Equal(t, v1beta1.CancelledBySpec, w.Job("a").CancelledBy)
		requireSavepoint(t, w, 1, v1beta1.SavepointReasonJobCancel)
		w.Until("a", "stopped", func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateStopped })
		requireQuiet(t, w, time.Minute)

		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.CancelRequested = false }))
		w.UntilRunning("a", 2)
		starts := w.Ledger().Starts
		require.Len(t, starts, 2)
		require.Equal(t, w.Job("a").SavepointLocation, starts[1].RestorePath)
		require.Zero(t, w.Job("a").RestartCount, "being resumed is no restart")
		require.Empty(t, w.Job("a").CancelledBy)
		requireSettles(t, w)
	})
}

// cancelRequested from the beginning starts nothing.
func TestCancelRequestedFromTheBeginning(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(jobCluster(builders.CancelRequested()))
		w.UntilJob("a", v1beta1.JobStateCancelled)
		w.Settle(time.Minute)
		require.Empty(t, w.Ledger().Starts)
		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.CancelRequested = false }))
		w.UntilRunning("a", 1)
		require.Empty(t, w.Ledger().Starts[0].RestorePath)
	})
}

// A stop that fails leaves the job running, and is tried again.
func TestCancelRequestedAndTheSavepointFails(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Edit("a", builders.CancelRequested())
		w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == 1 })
		stop := w.Ledger().Stops[0]
		w.JobManager("a").FailOperation(stop.JobID, stop.TriggerID, "org.example.NoSpace", "disk full")
		w.Settle(5 * time.Second)
		require.Equal(t, v1beta1.JobStateRunning, w.Job("a").State)
		w.ReleaseSavepoints()
		w.UntilJob("a", v1beta1.JobStateCancelled)
		require.Len(t, w.Ledger().Stops, 2)
		require.Empty(t, w.Ledger().Cancels)
	})
}

// A stop whose job fails after the savepoint was written has succeeded: nothing is lost.
func TestStopThatFailsAfterItsSavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Annotate("a", v1beta1.ControlJobCancel)
		w.Eventually("a stop has begun", func() bool { return len(w.Ledger().Stops) == 1 })
		stop := w.Ledger().Stops[0]
		location := w.JobManager("a").FailStopAfterSavepoint(stop.JobID, stop.TriggerID)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		w.UntilJob("a", v1beta1.JobStateCancelled)
		require.Equal(t, location, w.Job("a").SavepointLocation)
		w.Settle(time.Minute)
		require.Len(t, w.Ledger().Starts, 1)
	}, builders.Restart(v1beta1.RestartPolicyFromLatestStateOnFailure))
}
