//go:build cluster

package cluster

import (
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// standstill is the argument for a job that counts no further while a test looks at it: what it shows is what it
// was restored with.
var standstill = flinkcluster.Pace(3600 * 1000)

// TestCancel ends a job in each way that a user has, and goes on with its state.
func TestCancel(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, namespace.Counter("counter", flinkcluster.Pace(paceMillis)...))

	t.Run("request taken back", func(t *testing.T) { testCancelRequested(t, job) })
	var count int64
	t.Run("with savepoint", func(t *testing.T) { count = testCancelWithSavepoint(t, job) })
	location := job.Get(t).Status.Components.Job.SavepointLocation
	job.DeleteAll(t)
	t.Run("new cluster from the savepoint", func(t *testing.T) { testNewClusterFrom(t, namespace, location, count) })
}

// testCancelRequested: the job is stopped by the spec, and continues when the spec no longer asks for it.
func testCancelRequested(t *testing.T, job *flinkcluster.Cluster) {
	first := job.AwaitRunning(t, 1).Status.Components.Job.ID
	before := progress{count: job.AwaitCount(t, first, 1000)}
	job.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.CancelRequested = true })
	cancelled := job.AwaitJob(t, v1beta1.JobStateCancelled).Status.Components.Job
	require.Equal(t, v1beta1.CancelledBySpec, cancelled.CancelledBy)
	require.EqualValues(t, 1, cancelled.SavepointGeneration)
	require.Len(t, job.Namespace.SavepointFolders(t), 1)

	job.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.Job.CancelRequested = false })
	second := job.AwaitRunning(t, 2).Status.Components.Job
	assert.Equal(t, cancelled.SavepointLocation, second.FromSavepoint)
	assert.Zero(t, second.RestartCount, "a resumed job was not restarted after a failure")
	restored := requireContinued(t, job, second.ID, before)
	assert.Equal(t, cancelled.SavepointLocation, restored.Path)
}

// testCancelWithSavepoint returns a count that the savepoint holds at least.
func testCancelWithSavepoint(t *testing.T, job *flinkcluster.Cluster) int64 {
	running := job.Get(t).Status.Components.Job
	count := job.AwaitCount(t, running.ID, 1)
	cluster := job.AwaitControl(t, job.Annotate(t, v1beta1.ControlJobCancel))
	status, control := cluster.Status.Components.Job, cluster.Status.Control
	require.Equal(t, v1beta1.ControlStateSucceeded, control.State, control.Message)
	assert.Equal(t, v1beta1.ControlJobCancel, control.Name)
	assert.Equal(t, map[string]string{"jobID": running.ID, "savepointTriggerID": status.LastSavepointTriggerID}, control.Details)
	assert.Equal(t, v1beta1.JobStateCancelled, status.State)
	assert.Equal(t, v1beta1.CancelledByControl, status.CancelledBy)
	assert.Equal(t, running.SavepointGeneration+1, status.SavepointGeneration)
	assert.Equal(t, v1beta1.SavepointReasonJobCancel, cluster.Status.SavepointHistory[0].Reason)
	folders := job.Namespace.SavepointFolders(t)
	assert.Len(t, folders, int(status.SavepointGeneration))
	assert.Contains(t, folders, path.Base(status.SavepointLocation))
	job.AwaitEvent(t, v1beta1.EventControlSucceeded, v1beta1.ControlJobCancel)
	job.AwaitEvent(t, v1beta1.EventJobCancelled, "")
	found, err := job.ReadJob(t.Context(), running.ID)
	require.NoError(t, err)
	assert.Equal(t, "FINISHED", found.State, "what Flink makes of a stop with savepoint")
	return count
}

func testNewClusterFrom(t *testing.T, namespace *flinkcluster.Namespace, location string, count int64) {
	wanted := namespace.Counter("continued", standstill...)
	wanted.Spec.Job.FromSavepoint = location
	job := namespace.Create(t, wanted)
	status := job.AwaitRunning(t, 1).Status.Components.Job
	assert.Equal(t, location, status.FromSavepoint)
	restored, _ := job.AwaitFirstCount(t, status.ID)
	assert.GreaterOrEqual(t, restored, count)
	checkpoints, err := job.ReadCheckpoints(t.Context(), status.ID)
	require.NoError(t, err)
	require.NotNil(t, checkpoints.Latest.Restored)
	assert.Equal(t, location, checkpoints.Latest.Restored.Path)
	assert.True(t, checkpoints.Latest.Restored.IsSavepoint)

	folders := namespace.SavepointFolders(t)
	cluster := job.AwaitControl(t, job.Annotate(t, v1beta1.ControlJobCancelWithoutSavepoint))
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	assert.Equal(t, v1beta1.JobStateCancelled, cluster.Status.Components.Job.State)
	assert.Equal(t, folders, namespace.SavepointFolders(t), "a savepoint was taken")
	found, err := job.ReadJob(t.Context(), status.ID)
	require.NoError(t, err)
	assert.Equal(t, "CANCELED", found.State)
	job.DeleteAll(t)
}
