//go:build cluster

package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestJobManagerSilent stops the process of the JobManager for a minute: it takes connections and answers nothing.
// Nothing is restarted, and what was asked for meanwhile is done once.
func TestJobManagerSilent(t *testing.T) {
	t.Parallel()
	const silence = time.Minute
	back := newFigure("", "JobManager answers again -> success of the savepoint in status", "", "s")
	namespace := suite.NewNamespace(t)
	wanted := withoutCheckpoints(namespace.Counter("silent"))
	// Flink itself would restart the job after less than a minute.
	wanted.Spec.FlinkProperties["heartbeat.timeout"] = "300000"
	job := namespace.Create(t, wanted)
	before := job.AwaitRunning(t, 1).Status.Components.Job
	count := job.AwaitCount(t, before.ID, 1)
	pods := job.Identities(t, "")

	resume := job.PauseJava(t, job.OnlyPod(t, v1beta1.ComponentJobManager))
	request := job.Annotate(t, v1beta1.ControlSavepoint)
	// A second request, of another kind.
	job.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.SavepointTriggerNonce = new(int64(7)) })
	requireStill(t, job, pods, silence)
	resume()
	began := time.Now()
	cluster := job.AwaitControl(t, request)
	back.addDuration(time.Since(began))
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	cluster = job.Await(t, "the savepoint by nonce", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Savepoint.State == v1beta1.SavepointStateSucceeded && cluster.Status.Components.Job.SavepointGeneration == 2
	})
	assert.EqualValues(t, 2, cluster.Status.Savepoint.Request, "requests that reached the slot")
	assert.Len(t, namespace.SavepointFolders(t), 2)
	after := cluster.Status.Components.Job
	assert.Equal(t, before.ID, after.ID)
	assert.Zero(t, after.RestartCount)
	assert.Equal(t, pods, job.Identities(t, ""))
	requireSnapshots(t, job, before.ID, 2)
	job.AwaitCount(t, before.ID, count+1)
	job.DeleteAll(t)
}

// requireStill fails if a pod or the run changes within a time.
func requireStill(t *testing.T, job *flinkcluster.Cluster, pods []string, duration time.Duration) {
	t.Helper()
	for began := time.Now(); time.Since(began) < duration; moment(t, time.Second) {
		require.Equal(t, pods, job.Identities(t, ""))
		require.EqualValues(t, 1, job.Get(t).Status.Components.Job.Attempt)
	}
}

// TestJobManagerLostInSavepoint takes away the JobManager in the middle of a savepoint: the request has one end, and
// the job goes on from the newest state.
func TestJobManagerLostInSavepoint(t *testing.T) {
	t.Parallel()
	back := newFigure("", "JobManager deleted in a savepoint -> running", "", "s")
	ended := newFigure("", "JobManager deleted in a savepoint -> end of the request", "", "s")
	namespace := suite.NewNamespace(t)
	wanted := namespace.Counter("counter", append(flinkcluster.Pace(paceMillis), "--slow-snapshot-millis", "1500")...)
	// The job needs time to count, too.
	wanted.Spec.FlinkProperties["execution.checkpointing.min-pause"] = "1s"
	job := namespace.Create(t, wanted)
	first := job.AwaitRunning(t, 1).Status.Components.Job
	before := awaitProgress(t, job, first.ID)
	request := job.Annotate(t, v1beta1.ControlSavepoint)
	job.Await(t, "a savepoint under way", func(cluster *v1beta1.FlinkCluster) bool {
		slot := cluster.Status.Savepoint
		return slot != nil && slot.State == v1beta1.SavepointStateInProgress
	})
	began := time.Now()
	job.DeletePod(t, job.OnlyPod(t, v1beta1.ComponentJobManager))
	control := job.AwaitControl(t, request).Status.Control
	ended.addDuration(time.Since(began))
	second := job.AwaitRunning(t, 2).Status.Components.Job
	back.addDuration(time.Since(began))
	restored := requireContinued(t, job, second.ID, before)
	t.Logf("request %s: %s; restored snapshot %d, at least %d was reached", control.State, control.Message, restored.ID, before.checkpoint)
	// A savepoint that was completed in the moment in which the JobManager died is nobody's: only then may there be one more.
	unclaimed := len(namespace.CompleteSavepoints(t)) - int(second.SavepointGeneration)
	if control.State == v1beta1.ControlStateSucceeded {
		require.Zero(t, unclaimed)
	}
	require.Contains(t, []int{0, 1}, unclaimed)

	cluster := job.AwaitControl(t, job.Annotate(t, v1beta1.ControlSavepoint))
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	require.Equal(t, second.SavepointGeneration+1, cluster.Status.Components.Job.SavepointGeneration)
	require.Len(t, namespace.CompleteSavepoints(t), int(second.SavepointGeneration)+unclaimed+1)
	requireOnePodPerRun(t, job, 2)
	job.DeleteAll(t)
}
