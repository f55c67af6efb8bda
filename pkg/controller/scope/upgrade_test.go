package scope_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
	"github.com/flink-operator/flink-operator/pkg/testing/world"
)

const checkpoints = "file:/checkpoints"

var (
	checkpointsDir = builders.FlinkProperty("execution.checkpointing.dir", checkpoints)
	otherImage     = builders.Image("flink:2.0")
)

func upgradeMode(mode v1beta1.UpgradeMode) builders.ClusterOption {
	return builders.Job(func(job *v1beta1.JobSpec) { job.UpgradeMode = mode })
}

func desired(state v1beta1.DesiredJobState) builders.ClusterOption {
	return builders.Job(func(job *v1beta1.JobSpec) { job.State = state })
}

func completeCheckpoint(w *world.World) string {
	manager := w.JobManager("a")
	return manager.CompleteCheckpoint(manager.JobID)
}

func requireImage(t *testing.T, w *world.World, image string) {
	t.Helper()
	for _, pod := range fixture.List[corev1.Pod](t, w.API, builders.Namespace) {
		require.Equal(t, image, pod.Spec.Containers[0].Image, pod.Name)
	}
}

func untilMessage(w *world.World, condition, text string) {
	w.Until("a", condition+" tells of "+text, func(cluster *v1beta1.FlinkCluster) bool {
		found := findCondition(cluster, condition)
		return found != nil && found.Status == "True" && strings.Contains(found.Reason+": "+found.Message, text)
	})
}

// An edit stops the job with a savepoint and starts it from there with the new spec, once.
func TestUpgradeBySavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		before := w.Cluster("a").Status.Revision.Current
		w.Edit("a", otherImage)
		w.UntilRunning("a", 2)
		cluster := w.Cluster("a")
		require.Equal(t, v1beta1.LifecycleRunning, cluster.Status.Lifecycle)
		require.NotEqual(t, before, cluster.Status.Revision.Current)
		require.Empty(t, cluster.Status.Revision.Next)
		require.Equal(t, v1beta1.SavepointReasonUpdate, cluster.Status.Savepoint.TriggerReason)
		require.Equal(t, cluster.Status.Components.Job.SavepointLocation, w.Ledger().Starts[1].RestorePath)
		require.Equal(t, v1beta1.UpgradeModeSavepoint, cluster.Status.Components.Job.UpgradeMode)
		require.Len(t, w.Ledger().Stops, 1)
		require.Zero(t, cluster.Status.Components.Job.RestartCount)
		requireImage(t, w, "flink:2.0")
		require.Subset(t, w.EventReasons(), []v1beta1.EventReason{v1beta1.EventTransitionStarted, v1beta1.EventTransitionFinished})
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 2)
	})
}

// Without a savepoint directory the job is cancelled, and goes on from its newest checkpoint.
func TestUpgradeByLastState(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		completeCheckpoint(w)
		w.Settle(20 * time.Second)
		newest := completeCheckpoint(w)
		w.Edit("a", otherImage)
		w.UntilRunning("a", 2)
		require.Equal(t, newest, w.Ledger().Starts[1].RestorePath)
		require.Equal(t, []string{w.Ledger().Starts[0].JobID}, w.Ledger().Cancels)
		require.Empty(t, w.Ledger().Savepoints)
		requireImage(t, w, "flink:2.0")
		requireSettles(t, w)
	}, builders.SavepointsDir(""), checkpointsDir)
}

// State that is nowhere kept is not thrown away unasked, and the condition names the ways out.
func TestUpgradeThatWouldLoseState(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", otherImage)
		untilMessage(w, v1beta1.ConditionDegraded, "spec.job.upgradeMode to stateless")
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 1)
		require.Equal(t, v1beta1.LifecycleRunning, w.Cluster("a").Status.Lifecycle)
		w.Edit("a", upgradeMode(v1beta1.UpgradeModeStateless))
		w.UntilRunning("a", 2)
		require.Empty(t, w.Ledger().Starts[1].RestorePath)
		require.Contains(t, w.EventReasons(), v1beta1.EventStateDiscarded)
		requireSettles(t, w)
	}, builders.SavepointsDir(""))
}

// upgradeMode last-state waits for a first checkpoint.
func TestLastStateWaitsForACheckpoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", otherImage)
		untilMessage(w, v1beta1.ConditionDegraded, "NoCheckpoint")
		newest := completeCheckpoint(w)
		w.UntilRunning("a", 2)
		require.Equal(t, newest, w.Ledger().Starts[1].RestorePath)
	}, upgradeMode(v1beta1.UpgradeModeLastState))
}

// After a start from nothing the state of before is not used again, whatever happens.
func TestStatelessUpgrade(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		completeCheckpoint(w)
		w.Edit("a", otherImage)
		w.UntilRunning("a", 2)
		require.Empty(t, w.Ledger().Starts[1].RestorePath)
		failJob(w)
		w.UntilRunning("a", 3)
		require.Empty(t, w.Ledger().Starts[2].RestorePath)
		requireSettles(t, w)
	}, upgradeMode(v1beta1.UpgradeModeStateless), builders.Restart(fromLatest))
}

func TestSuspendAndResume(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", desired(v1beta1.DesiredJobStateSuspended))
		w.UntilJob("a", v1beta1.JobStateSuspended)
		cluster := w.Cluster("a")
		require.Equal(t, v1beta1.LifecycleSuspended, cluster.Status.Lifecycle)
		require.Equal(t, v1beta1.ClusterStateSuspended, cluster.Status.State)
		require.Equal(t, v1beta1.SavepointReasonSuspend, cluster.Status.Savepoint.TriggerReason)
		require.Empty(t, fixture.List[corev1.Pod](t, w.API, ""))
		requireSettles(t, w)

		// Edits are recorded, and nothing starts.
		w.Edit("a", otherImage)
		w.Until("a", "recorded", func(c *v1beta1.FlinkCluster) bool {
			return c.Status.ObservedGeneration == c.Generation && c.Status.Revision.Current != cluster.Status.Revision.Current
		})
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 1)

		w.Edit("a", desired(v1beta1.DesiredJobStateRunning))
		w.UntilRunning("a", 2)
		require.Equal(t, cluster.Status.Components.Job.SavepointLocation, w.Ledger().Starts[1].RestorePath)
		require.Subset(t, w.EventReasons(), []v1beta1.EventReason{v1beta1.EventJobSuspended, v1beta1.EventJobResumed})
		requireImage(t, w, "flink:2.0")
		requireSettles(t, w)
	})
}

func TestCreatedSuspended(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(jobCluster(desired(v1beta1.DesiredJobStateSuspended)))
		w.UntilJob("a", v1beta1.JobStateSuspended)
		requireSettles(t, w)
		require.Empty(t, w.Ledger().Starts)
		w.Edit("a", otherImage)
		w.Edit("a", desired(v1beta1.DesiredJobStateRunning))
		w.UntilRunning("a", 1)
		requireImage(t, w, "flink:2.0")
		requireSettles(t, w)
	})
}

// A restart is asked for by annotation or by nonce, and goes the way of an upgrade.
func TestRestartByUser(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlJobRestart)
		w.UntilRunning("a", 2)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath)
		requireSettles(t, w)
		w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec.RestartNonce = new(int64(5)) })
		w.UntilRunning("a", 3)
		requireSettles(t, w)
		w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec.RestartNonce = nil })
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 3)
		require.Len(t, w.Ledger().Stops, 2)
	})
}

func TestRedeploy(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		first := w.Job("a").SavepointLocation
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilGeneration(w, 2)
		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.FromSavepoint, job.SavepointRedeployNonce = first, new(int64(1)) }))
		w.UntilRunning("a", 2)
		require.Equal(t, first, w.Ledger().Starts[1].RestorePath)
		require.Empty(t, w.Ledger().Stops)
		failJob(w)
		w.UntilRunning("a", 3)
		require.Equal(t, first, w.Ledger().Starts[2].RestorePath)
		requireSettles(t, w)
	}, builders.Restart(fromLatest))
}

// A savepoint that fails leaves the job running; it is tried again, and the condition says so.
func TestUpgradeWhoseSavepointFails(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Edit("a", otherImage)
		w.Eventually("a savepoint has begun", func() bool { return len(w.Ledger().Savepoints) == 1 })
		begun := w.Ledger().Savepoints[0]
		w.JobManager("a").FailOperation(begun.JobID, begun.TriggerID, "org.example.NoSpace", "the disk is full")
		w.ReleaseSavepoints()
		untilMessage(w, v1beta1.ConditionDegraded, "the disk is full")
		require.Equal(t, v1beta1.JobStateRunning, w.Job("a").State)
		w.UntilRunning("a", 2)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath)
		requireSettles(t, w)
	})
}

// A failed job is started with the new spec from its newest state.
func TestUpgradeOfAFailedJob(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Annotate("a", v1beta1.ControlSavepoint)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		failJob(w)
		w.UntilJob("a", v1beta1.JobStateFailed)
		w.Edit("a", otherImage)
		w.UntilRunning("a", 2)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath)
		requireSettles(t, w)
	}, builders.Restart(v1beta1.RestartPolicyNever))
}

// With upgradeFallback None a job that does not run is left alone.
func TestUpgradeWithoutAFallback(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		failJob(w)
		w.UntilJob("a", v1beta1.JobStateFailed)
		w.Edit("a", otherImage)
		untilMessage(w, v1beta1.ConditionDegraded, "spec.job.upgradeFallback")
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 1)
		w.Edit("a", builders.Job(func(job *v1beta1.JobSpec) { job.UpgradeFallback = v1beta1.UpgradeFallbackLastState }))
		w.UntilRunning("a", 2)
		requireSettles(t, w)
	}, builders.Restart(v1beta1.RestartPolicyNever), builders.Job(func(job *v1beta1.JobSpec) { job.UpgradeFallback = v1beta1.UpgradeFallbackNone }))
}

// The newest of several edits wins, whatever has begun.
func TestEditsDuringAnUpgrade(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Edit("a", otherImage)
		w.Until("a", "being stopped", func(c *v1beta1.FlinkCluster) bool { return c.Status.Components.Job.Transition != nil })
		w.Edit("a", builders.Image("flink:2.1"))
		w.Settle(5 * time.Second)
		w.ReleaseSavepoints()
		w.UntilRunning("a", 2)
		requireImage(t, w, "flink:2.1")
		requireSettles(t, w)
		require.Len(t, w.Ledger().Starts, 2)
	})
}

// A savepoint that is being taken ends before the upgrade begins.
func TestUpgradeDuringASavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.HoldSavepoints()
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.Until("a", "under way", func(c *v1beta1.FlinkCluster) bool {
			return c.Status.Savepoint != nil && c.Status.Savepoint.State == v1beta1.SavepointStateInProgress
		})
		w.Edit("a", otherImage)
		untilMessage(w, v1beta1.ConditionProgressing, "has to end first")
		w.ReleaseSavepoints()
		w.UntilRunning("a", 2)
		untilControlled(w, "a", v1beta1.ControlStateSucceeded)
		require.Len(t, w.Ledger().Savepoints, 2)
		requireSettles(t, w)
	})
}

// takeSavepointOnUpdate: false starts from the last savepoint, and waits for one.
func TestUpgradeFromARecordedSavepoint(t *testing.T) {
	inRunningWorld(t, func(t *testing.T, w *world.World) {
		w.Edit("a", otherImage)
		untilMessage(w, v1beta1.ConditionDegraded, "takeSavepointOnUpdate")
		w.Annotate("a", v1beta1.ControlSavepoint)
		w.UntilRunning("a", 2)
		require.Equal(t, w.Job("a").SavepointLocation, w.Ledger().Starts[1].RestorePath)
		require.Empty(t, w.Ledger().Stops)
		requireSettles(t, w)
	}, builders.Job(func(job *v1beta1.JobSpec) { job.TakeSavepointOnUpdate = new(false) }))
}

// A session cluster gets new pods, none beside an old one.
func TestUpgradeOfASession(t *testing.T) {
	t.Parallel()
	world.Test(t, func(t *testing.T, w *world.World) {
		w.StartOperator()
		w.Apply(builders.SessionCluster("a"))
		running := func(c *v1beta1.FlinkCluster) bool { return c.Status.State == v1beta1.ClusterStateRunning }
		w.Until("a", "up", running)
		w.Edit("a", otherImage)
		w.Until("a", "upgraded", func(c *v1beta1.FlinkCluster) bool { return c.Status.Revision.Rollout == 1 && running(c) })
		requireImage(t, w, "flink:2.0")
		requireSettles(t, w)
		w.Edit("a", func(cluster *v1beta1.FlinkCluster) { cluster.Spec.RestartNonce = new(int64(5)) })
		w.Until("a", "restarted", func(c *v1beta1.FlinkCluster) bool { return c.Status.Revision.Rollout == 2 && running(c) })
		requireSettles(t, w)
	})
}
