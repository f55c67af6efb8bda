//go:build cluster

package cluster

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// stage is how far the status says that an upgrade has come.
type stage int

const (
	stageAsked stage = iota
	stageRecorded
	stageStopping
	stageSaved
	stageEnded
	stageNextRun
	stageJobManager
	stageRunning
)

func (s stage) String() string {
	return []string{
		"right after the edit",
		"the stop is recorded",
		"the savepoint is under way",
		"the savepoint is complete",
		"the run has ended and its pods go",
		"the next run is recorded",
		"the next JobManager is made",
		"the next run is running",
	}[s]
}

// stageOf reads the stage of the upgrade of a run from the status.
func stageOf(attempt int32, status v1beta1.FlinkClusterStatus) stage {
	job := status.Components.Job
	switch {
	case job.Attempt == attempt:
		return stageOfStop(job, status.Savepoint)
	case job.State == v1beta1.JobStateRunning:
		return stageRunning
	case status.Components.JobManager != nil:
		return stageJobManager
	}
	return stageNextRun
}

func stageOfStop(job *v1beta1.JobStatus, slot *v1beta1.SavepointStatus) stage {
	switch {
	case job.Transition == nil:
		return stageAsked
	case job.State == v1beta1.JobStateUpdating:
		return stageEnded
	case slot == nil, slot.JobID != job.ID, slot.State == v1beta1.SavepointStateRequested:
		return stageRecorded
	case slot.State == v1beta1.SavepointStateInProgress:
		return stageStopping
	}
	return stageSaved
}

// killedUpgrades kills the operator in the middle of upgrades of several jobs.
type killedUpgrades struct {
	// turn is held from an edit until the next operator works: an operator is there to be killed, and at the stage that was
	// chosen for this job.
	turn     sync.Mutex
	upgraded *figure
}

// TestOperatorKilledInUpgrades kills the operator with kill -9 at each stage of an upgrade, in each way to keep the state. The
// upgrade ends all the same as it would have: with the newest spec, all of the state and one savepoint. It is not parallel:
// other tests need the operator.
func TestOperatorKilledInUpgrades(t *testing.T) {
	killed := &killedUpgrades{upgraded: newFigure("", "operator killed in an upgrade -> the next run is running", "", "s")}
	t.Run("savepoint", killed.testSavepoint)
	t.Run("last state", killed.testLastState)
	t.Run("high availability", killed.testHighAvailability)
}

func (k *killedUpgrades) testSavepoint(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, withoutCheckpoints(namespace.Counter("savepoint", slowCounter(0)...)))
	job.AwaitRunning(t, 1)
	jobManagers := job.WatchJobManagers(t)
	stages := 0
	for killedAt := stageAsked; killedAt <= stageRunning; killedAt++ {
		passed := t.Run(killedAt.String(), func(t *testing.T) {
			reached := progress{count: job.AwaitCount(t, job.Get(t).Status.Components.Job.ID, 1000)}
			after := k.upgrade(t, job, killedAt)
			requireContinuedFromStop(t, job, after, reached)
			stages++
			require.EqualValues(t, stages, after.Status.Components.Job.SavepointGeneration)
			require.Len(t, namespace.SavepointFolders(t), stages, "one savepoint for each upgrade")
			require.Len(t, namespace.CompleteSavepoints(t), stages)
		})
		require.True(t, passed, "the next stage expects the job to run")
	}
	jobManagers.RequireOneAtATime(t, stages+1)
	requireOnePodPerRun(t, job, stages+1)
	job.DeleteAll(t)
}

// slowCounter are arguments of a job whose snapshots take long enough to kill the operator meanwhile. Two upgrades in a row
// have different ones.
func slowCounter(upgrade int32) []string {
	return append(flinkcluster.Pace(paceMillis+int(upgrade%2)), "--slow-snapshot-millis", "1000")
}

// upgrade edits the arguments of a job, kills the operator when the upgrade has come so far, and returns the upgraded cluster.
func (k *killedUpgrades) upgrade(t *testing.T, job *flinkcluster.Cluster, killedAt stage) *v1beta1.FlinkCluster {
	t.Helper()
	before, edited, killed := k.editAndKill(t, job, killedAt)
	job.AwaitRunning(t, before.Status.Components.Job.Attempt+1)
	k.upgraded.addDuration(time.Since(killed))
	return awaitUpgraded(t, job, before, edited)
}

func (k *killedUpgrades) editAndKill(t *testing.T, job *flinkcluster.Cluster, killedAt stage) (before, edited *v1beta1.FlinkCluster, killed time.Time) {
	t.Helper()
	k.turn.Lock()
	defer k.turn.Unlock()
	require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
	killer, err := suite.Operator.ArmKiller(t.Context())
	require.NoError(t, err)
	before = job.Get(t)
	attempt := before.Status.Components.Job.Attempt
	edited = job.Edit(t, withArguments(slowCounter(attempt)...))
	job.Await(t, "the moment when "+killedAt.String(), func(cluster *v1beta1.FlinkCluster) bool {
		return stageOf(attempt, cluster.Status) >= killedAt
	})
	killed = time.Now()
	require.NoError(t, killer.Kill(t.Context()))
	// The dead one writes nothing any more.
	t.Log("killed when " + stageOf(attempt, job.Get(t).Status).String())
	require.NoError(t, suite.Operator.ReleaseLease(t.Context()))
	require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
	return before, edited, killed
}

// stagesWithoutSavepoint are the stages of an upgrade without a savepoint at which it does something else than one with it.
var stagesWithoutSavepoint = []stage{stageRecorded, stageEnded, stageNextRun}

func (k *killedUpgrades) testLastState(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("last-state", slowCounter(0)...)
	wanted.Spec.Job.UpgradeMode = v1beta1.UpgradeModeLastState
	job := namespace.Create(t, wanted)
	job.AwaitRunning(t, 1)
	jobManagers := job.WatchJobManagers(t)
	for _, killedAt := range stagesWithoutSavepoint {
		passed := t.Run(killedAt.String(), func(t *testing.T) {
			reached := awaitCheckpointedCount(t, job, job.Get(t).Status.Components.Job.ID)
			requireContinuedFromCheckpoint(t, job, k.upgrade(t, job, killedAt), reached)
		})
		require.True(t, passed, "the next stage expects the job to run")
	}
	runs := len(stagesWithoutSavepoint) + 1
	jobManagers.RequireOneAtATime(t, runs)
	requireOnePodPerRun(t, job, runs)
	require.Empty(t, namespace.SavepointFolders(t), "a savepoint was taken")
	job.DeleteAll(t)
}

func (k *killedUpgrades) testHighAvailability(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := highlyAvailable(namespace.Counter("available", slowCounter(0)...))
	wanted.Spec.Job.UpgradeMode = v1beta1.UpgradeModeLastState
	job := namespace.Create(t, wanted)
	id := job.AwaitRunning(t, 1).Status.Components.Job.ID
	jobManagers := job.WatchJobManagers(t)
	for _, killedAt := range stagesWithoutSavepoint {
		passed := t.Run(killedAt.String(), func(t *testing.T) {
			reached := awaitCheckpointedCount(t, job, id)
			lastRestored := newestRestored(t, job, id)
			before, edited, killed := k.editAndKill(t, job, killedAt)
			attempt := before.Status.Components.Job.Attempt + 1
			job.AwaitRunning(t, attempt)
			k.upgraded.addDuration(time.Since(killed))
			awaitReady(t, job)
			requireRecovered(t, job, id, reached, lastRestored)
			requireSameJob(t, job, attempt, id)
			require.Equal(t, edited.Generation, job.Get(t).Status.ObservedGeneration)
		})
		require.True(t, passed, "the next stage expects the job to run")
	}
	jobManagers.RequireOneAtATime(t, len(stagesWithoutSavepoint)+1)
	require.Empty(t, namespace.SavepointFolders(t), "a savepoint was taken")
	job.DeleteAll(t)
}
