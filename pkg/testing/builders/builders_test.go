package builders_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func TestClustersAreValid(t *testing.T) {
	t.Parallel()
	for name, cluster := range map[string]*v1beta1.FlinkCluster{
		"session": builders.SessionCluster("session"),
		"job":     builders.JobCluster("job"),
		"everything": builders.JobCluster("everything",
			builders.InNamespace("jobs"), builders.UID("uid"), builders.Generation(3), builders.CreatedAt(start),
			builders.UserControl(v1beta1.ControlSavepoint), builders.ControlHandled(2), builders.Finalizer("a/b"),
			builders.DeletedAt(start), builders.Image("flink:2.1"), builders.FlinkProperty("a", "b"),
			builders.TaskManagers(2), builders.SavepointsDir("s3://bucket/savepoints"), builders.AutoSavepoint(60),
			builders.SavepointGeneration(1), builders.SavepointTriggerNonce(7), builders.FromSavepoint("s3://bucket/a"),
			builders.Restart(v1beta1.RestartPolicyFromLatestStateOnFailure), builders.CancelRequested(),
			builders.Cleanup(v1beta1.CleanupActionKeepCluster, v1beta1.CleanupActionKeepCluster, v1beta1.CleanupActionKeepCluster)),
	} {
		require.Empty(t, v1beta1.Validate(cluster), name)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	cluster := builders.JobCluster("job",
		builders.SavepointsDir("s3://bucket/savepoints"),
		builders.RunningJob(2, start),
		builders.LastCheckpoint(4, "s3://bucket/chk-4", start),
		builders.Condition(v1beta1.ConditionReady, metav1.ConditionTrue, "Running", start),
		builders.Control(1, v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress, start),
		builders.SavepointSucceeded(1, v1beta1.SavepointReasonScheduled, "s3://bucket/savepoints/1", start),
		builders.SavepointFailed(2, v1beta1.SavepointReasonUserRequested, 1, start))
	status := cluster.Status
	require.Equal(t, v1beta1.JobStateRunning, status.Components.Job.State)
	require.Len(t, status.Components.Job.ID, 32)
	require.EqualValues(t, 1, status.Components.Job.SavepointGeneration)
	require.Len(t, status.SavepointHistory, 1)
	require.EqualValues(t, 2, status.Savepoint.Request)
	require.Len(t, status.Savepoint.TriggerID, 32)
	require.Equal(t, status.Components.Job.ID, status.Savepoint.JobID)
	require.Equal(t, "s3://bucket/savepoints", status.Savepoint.Directory)

	ended := builders.JobCluster("job", builders.EndedJob(1, v1beta1.JobStateFailed, start))
	require.Equal(t, v1beta1.JobStateFailed, ended.Status.Components.Job.State)
}

func TestChildrenBelongToTheirCluster(t *testing.T) {
	t.Parallel()
	cluster := builders.JobCluster("job", builders.RunningJob(2, start))
	for _, child := range []metav1.Object{
		builders.ConfigMap(cluster), builders.JobManagerService(cluster), builders.JobManagerJob(cluster, 2),
		builders.EndedJobManagerJob(cluster, 2, "Failed"), builders.StatefulSet(cluster, v1beta1.ComponentTaskManager, 2, 3, 3),
		builders.JobManagerPod(cluster, 2), builders.TaskManagerPod(cluster, 2, 0),
	} {
		require.True(t, metav1.IsControlledBy(child, cluster), child.GetName())
		require.Equal(t, cluster.Namespace, child.GetNamespace())
		require.Equal(t, v1beta1.ManagedByOperator, child.GetLabels()[v1beta1.LabelManagedBy])
	}
	require.Equal(t, "2", builders.JobManagerPod(cluster, 2).Labels[v1beta1.LabelAttempt])
}

func TestPods(t *testing.T) {
	t.Parallel()
	cluster := builders.JobCluster("job")
	phases := map[corev1.PodPhase][]builders.PodOption{
		corev1.PodRunning:   {builders.NotReady()},
		corev1.PodSucceeded: {builders.Exited(0, "")},
		corev1.PodFailed:    {builders.Exited(1, "boom"), builders.Evicted("no memory")},
		corev1.PodPending:   {builders.Waiting("ImagePullBackOff", "no such image"), builders.Unschedulable("0/1 nodes")},
	}
	for phase, options := range phases {
		for _, option := range options {
			require.Equal(t, phase, builders.JobManagerPod(cluster, 1, option).Status.Phase)
		}
	}
	require.NotNil(t, builders.JobManagerPod(cluster, 1, builders.PodDeletedAt(start)).DeletionTimestamp)
}
