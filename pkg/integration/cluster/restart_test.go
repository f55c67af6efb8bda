//go:build cluster

package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// failing returns a cluster whose job fails at a count, each time, and is not restarted by Flink itself.
func failing(namespace *flinkcluster.Namespace, policy v1beta1.RestartPolicy, count string) *v1beta1.FlinkCluster {
	cluster := namespace.Counter("failing", "--fail-at", count)
	cluster.Spec.FlinkProperties["restart-strategy.type"] = "disable"
	cluster.Spec.Job.RestartPolicy = policy
	return cluster
}

// TestRestartNeedsSavepoint: with this policy a job that has checkpoints, and no savepoint, stays failed.
func TestRestartNeedsSavepoint(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, failing(namespace, v1beta1.RestartPolicyFromSavepointOnFailure, "300"))
	cluster := job.Await(t, "a failed job", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Lifecycle == v1beta1.LifecycleFailed && meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionDegraded)
	})
	status := cluster.Status.Components.Job
	assert.Equal(t, v1beta1.JobStateFailed, status.State)
	assert.EqualValues(t, 1, status.Attempt)
	assert.NotNil(t, status.LastCheckpoint, "the test is about a job that has checkpoints")
	assert.Contains(t, status.FailureReasons[0], "failing at count 300 as asked")
	assert.Equal(t, "NoSavepoint", meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionDegraded).Reason)
	job.AwaitEvent(t, v1beta1.EventJobFailed, "failing at count 300 as asked")
}

// TestRestartFromSavepoint: with this policy a job is restarted from its savepoint, though its checkpoints are newer.
func TestRestartFromSavepoint(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	wanted := failing(namespace, v1beta1.RestartPolicyFromSavepointOnFailure, "1500")
	wanted.Spec.Job.RestartBackoff = &v1beta1.RestartBackoff{Limit: new(int32(1))}
	job := namespace.Create(t, wanted)
	job.AwaitRunning(t, 1)
	savepoint := job.AwaitControl(t, job.Annotate(t, v1beta1.ControlSavepoint)).Status.Components.Job
	require.NotEmpty(t, savepoint.SavepointLocation)
	second := job.AwaitRunning(t, 2).Status.Components.Job
	assert.Equal(t, savepoint.SavepointLocation, second.FromSavepoint)
	assert.EqualValues(t, 1, second.RestartCount)
	checkpoints, err := job.ReadCheckpoints(t.Context(), second.ID)
	require.NoError(t, err)
	require.NotNil(t, checkpoints.Latest.Restored)
	assert.Equal(t, savepoint.SavepointLocation, checkpoints.Latest.Restored.Path)
	// It fails again, and there is a limit.
	cluster := job.Await(t, "a job that stays failed", func(cluster *v1beta1.FlinkCluster) bool {
		degraded := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionDegraded)
		return degraded != nil && degraded.Reason == "RestartLimitReached"
	})
	assert.EqualValues(t, 2, cluster.Status.Components.Job.Attempt)
	requireOnePodPerRun(t, job, 2)
}
