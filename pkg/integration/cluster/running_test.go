//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// running is a job that counts and must not be restarted by what is done to it.
type running struct {
	*flinkcluster.Cluster
	namespace *flinkcluster.Namespace
	jobID     string
	// generation is how many savepoints have been asked of the operator.
	generation int32
}

// TestRunningJob does to one running job everything that must not restart it.
func TestRunningJob(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := &running{namespace: namespace}
	job.Cluster = namespace.Create(t, namespace.Counter("counter"))
	job.jobID = job.AwaitRunning(t, 1).Status.Components.Job.ID
	pods := job.Identities(t, v1beta1.ComponentJobManager)

	steps := []struct {
		name string
		test func(*testing.T)
	}{
		{"is shown as running", job.testShown},
		{"counts", job.testCounts},
		{"savepoint by annotation", job.testAnnotation},
		{"ten savepoints by annotation", job.testTenAnnotations},
		{"savepoint by generation", job.testGeneration},
		{"savepoint by nonce", job.testNonce},
		{"savepoints by schedule", job.testSchedule},
		{"savepoint taken past the operator", job.testExternal},
		{"refused requests", job.testRefusedRequests},
		{"scaling", job.testScaling},
		{"refused spec", job.testRefusedSpec},
	}
	for _, step := range steps {
		// A step that fails leaves the job in a state that the next ones do not expect.
		require.True(t, t.Run(step.name, step.test))
	}
	job.requireUndisturbed(t)
	assert.Equal(t, pods, job.Identities(t, v1beta1.ComponentJobManager), "the JobManager was restarted")
	// One folder for each savepoint that was asked for, and the one that was taken past the operator.
	assert.Equal(t, job.generation, job.Get(t).Status.Components.Job.SavepointGeneration)
	assert.Len(t, namespace.SavepointFolders(t), int(job.generation)+1)
	job.DeleteAll(t)
}

// requireUndisturbed fails if the job or a pod was restarted.
func (r *running) requireUndisturbed(t *testing.T) {
	t.Helper()
	status := r.Get(t).Status.Components.Job
	require.Equal(t, v1beta1.JobStateRunning, status.State)
	require.Equal(t, r.jobID, status.ID)
	require.EqualValues(t, 1, status.Attempt)
	require.Zero(t, status.RestartCount)
	checkpoints, err := r.ReadCheckpoints(t.Context(), r.jobID)
	require.NoError(t, err)
	require.Zero(t, checkpoints.Counts.Restored, "Flink restarted the job")
}

func (r *running) testShown(t *testing.T) {
	r.namespace.Kubectl(t, "wait", "--for=condition=Ready", "flinkcluster/counter", "--timeout=60s")
	cluster := r.Await(t, "conditions of a running job", func(cluster *v1beta1.FlinkCluster) bool {
		return meta.IsStatusConditionFalse(cluster.Status.Conditions, v1beta1.ConditionProgressing) && cluster.Status.State == v1beta1.ClusterStateRunning
	})
	status := cluster.Status
	for conditionType, wanted := range map[string]metav1.ConditionStatus{
		v1beta1.ConditionReady:            metav1.ConditionTrue,
		v1beta1.ConditionDegraded:         metav1.ConditionFalse,
		v1beta1.ConditionSpecValid:        metav1.ConditionTrue,
		v1beta1.ConditionSavepointHealthy: metav1.ConditionTrue,
	} {
		condition := meta.FindStatusCondition(status.Conditions, conditionType)
		if assert.NotNil(t, condition, conditionType) {
			assert.Equal(t, wanted, condition.Status, conditionType)
			assert.Equal(t, cluster.Generation, condition.ObservedGeneration, conditionType)
		}
	}
	assert.Equal(t, cluster.Generation, status.ObservedGeneration)
	assert.Equal(t, v1beta1.LifecycleRunning, status.Lifecycle)
	assert.Equal(t, "counter", status.Components.Job.Name)
	assert.Regexp(t, `^[0-9a-f]{32}$`, status.Components.Job.ID)
	assert.NotEmpty(t, status.FlinkVersion)
	assert.Equal(t, "1/1", status.Components.JobManager.Ready)
	assert.Equal(t, "1/1", status.Components.TaskManager.Ready)

	table := r.namespace.Kubectl(t, "get", "fc", "counter", "-o", "wide")
	assert.Regexp(t, `^NAME +JOB +LIFECYCLE +FLINK +SAVEPOINTS +LAST SAVEPOINT +AGE +JOB MANAGER +TASK MANAGERS +RESTARTS +JOB ID +SAVEPOINT LOCATION +IMAGE\n`, table)
	assert.Regexp(t, `\ncounter +Running +Running +`+status.FlinkVersion+` .* 1/1 +1/1 .*`+r.jobID, table)
	r.AwaitEvent(t, v1beta1.EventJobStarting, r.jobID)
	r.AwaitEvent(t, v1beta1.EventJobRunning, r.jobID)
}

func (r *running) testCounts(t *testing.T) {
	first := r.AwaitCount(t, r.jobID, 1)
	r.AwaitCount(t, r.jobID, first+100)
	job, err := r.ReadJob(t.Context(), r.jobID)
	require.NoError(t, err)
	assert.True(t, job.AllTasksRunning())
}

func (r *running) testScaling(t *testing.T) {
	r.namespace.Kubectl(t, "scale", "flinkcluster/counter", "--replicas=2")
	r.Await(t, "two TaskManagers", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.TaskManager.Ready == "2/2"
	})
	flinkcluster.Eventually(t, "two TaskManagers at the JobManager", func(ctx context.Context) error {
		return r.ExpectTaskManagers(ctx, 2)
	})
	r.requireUndisturbed(t)
	// The job runs in the first TaskManager; a StatefulSet takes away the last one.
	r.namespace.Kubectl(t, "scale", "flinkcluster/counter", "--replicas=1")
	r.Await(t, "one TaskManager", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.Components.TaskManager.Ready == "1/1"
	})
	//nolint:contextcheck // The pods are read with the context of the test.
	flinkcluster.Eventually(t, "the pod of the other to be gone", func(context.Context) error {
		if pods := r.Identities(t, v1beta1.ComponentTaskManager); len(pods) != 1 {
			return fmt.Errorf("there are %v", pods)
		}
		return nil
	})
	r.requireUndisturbed(t)
}

// testRefusedSpec: a spec that cannot be put in force changes nothing, but for what can be changed at any time.
func (r *running) testRefusedSpec(t *testing.T) {
	pods := r.Identities(t, "")
	edited := r.Edit(t, func(cluster *v1beta1.FlinkCluster) {
		// Only the operator compares the two; the schema cannot.
		cluster.Spec.TaskManager.MemoryOffHeapMin = new(resource.MustParse("1Ti"))
		cluster.Spec.Job.SavepointTriggerNonce = new(int64(1000))
	})
	r.generation++
	refused := r.Await(t, "the refusal, and the savepoint", func(cluster *v1beta1.FlinkCluster) bool {
		condition := meta.FindStatusCondition(cluster.Status.Conditions, v1beta1.ConditionSpecValid)
		return condition.Status == metav1.ConditionFalse && condition.ObservedGeneration == edited.Generation &&
			cluster.Status.Components.Job.SavepointGeneration == r.generation
	})
	condition := meta.FindStatusCondition(refused.Status.Conditions, v1beta1.ConditionSpecValid)
	assert.Contains(t, condition.Message, "spec.taskManager.memoryOffHeapMin")
	assert.Empty(t, refused.Status.Revision.Next)
	r.AwaitEvent(t, v1beta1.EventSpecInvalid, "spec.taskManager.memoryOffHeapMin")
	r.requireUndisturbed(t)

	r.Edit(t, func(cluster *v1beta1.FlinkCluster) { cluster.Spec.TaskManager.MemoryOffHeapMin = nil })
	r.Await(t, "a valid spec", func(cluster *v1beta1.FlinkCluster) bool {
		return meta.IsStatusConditionTrue(cluster.Status.Conditions, v1beta1.ConditionSpecValid)
	})
	r.requireUndisturbed(t)
	assert.Equal(t, pods, r.Identities(t, ""), "pods were restarted")
}
