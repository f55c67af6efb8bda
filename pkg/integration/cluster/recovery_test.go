//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestLostPods takes away a TaskManager, then the JobManager in different ways. The job goes on from its newest
// checkpoint each time.
func TestLostPods(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	job := namespace.Create(t, namespace.Counter("counter", flinkcluster.Pace(paceMillis)...))
	first := job.AwaitRunning(t, 1).Status.Components.Job.ID

	t.Run("TaskManager", func(t *testing.T) { testLostTaskManager(t, job, first) })
	ways := []struct {
		name string
		lose func(*testing.T, *corev1.Pod)
	}{
		{"JobManager deleted", func(t *testing.T, pod *corev1.Pod) { job.DeletePod(t, pod) }},
		{"JobManager killed", func(t *testing.T, pod *corev1.Pod) { job.KillJava(t, pod) }},
	}
	for i, way := range ways {
		t.Run(way.name, func(t *testing.T) { testLostJobManager(t, job, int32(i+2), way.lose) })
	}
	requireOnePodPerRun(t, job, len(ways)+1)
	job.DeleteAll(t)
}

// testLostTaskManager: the run goes on, it is Flink that restarts the tasks.
func testLostTaskManager(t *testing.T, job *flinkcluster.Cluster, id string) {
	jobManager := job.Identities(t, v1beta1.ComponentJobManager)
	before := awaitProgress(t, job, id)
	job.DeletePod(t, job.OnlyPod(t, v1beta1.ComponentTaskManager))
	var restored *flinkcluster.Snapshot
	flinkcluster.Eventually(t, "Flink to restore the job", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil || checkpoints.Counts.Restored == 0 {
			return fmt.Errorf("not restored: %w", err)
		}
		restored = checkpoints.Latest.Restored
		return nil
	})
	assert.GreaterOrEqual(t, restored.ID, before.checkpoint)
	flinkcluster.Eventually(t, "all tasks running", func(ctx context.Context) error { return expectRunning(ctx, job, id) })
	// The count may still be that of the lost TaskManager, so it has to go on.
	job.AwaitCount(t, id, job.AwaitCount(t, id, before.count)+100)
	status := job.AwaitRunning(t, 1).Status.Components.Job
	assert.Equal(t, id, status.ID)
	assert.Zero(t, status.RestartCount)
	assert.Equal(t, jobManager, job.Identities(t, v1beta1.ComponentJobManager))
}

func expectRunning(ctx context.Context, job *flinkcluster.Cluster, id string) error {
	found, err := job.ReadJob(ctx, id)
	if err == nil && !found.AllTasksRunning() {
		err = fmt.Errorf("job %s is %s", id, found.State)
	}
	return err
}

// testLostJobManager: without high availability the run is lost, and the next one continues.
func testLostJobManager(t *testing.T, job *flinkcluster.Cluster, attempt int32, lose func(*testing.T, *corev1.Pod)) {
	lost := job.Get(t).Status.Components.Job
	before := awaitProgress(t, job, lost.ID)
	lose(t, job.OnlyPod(t, v1beta1.ComponentJobManager))
	status := job.AwaitRunning(t, attempt).Status.Components.Job
	require.NotEqual(t, lost.ID, status.ID)
	assert.Equal(t, attempt-1, status.RestartCount)
	restored := requireContinued(t, job, status.ID, before)
	assert.Equal(t, restored.Path, status.FromSavepoint, "Flink restored something else than the status says")
	assert.Contains(t, status.FromSavepoint, "/checkpoints/"+lost.ID+"/chk-")
	job.AwaitEvent(t, v1beta1.EventJobStarting, status.FromSavepoint)
}

// requireOnePodPerRun fails if the Job of a run ever made more than one pod. A second JobManager of the same run
// would begin again from what the run was started from.
func requireOnePodPerRun(t *testing.T, job *flinkcluster.Cluster, runs int) {
	t.Helper()
	made := job.PodsMadeByJobs(t)
	assert.Len(t, made, runs, "Jobs that made JobManager pods")
	for uid, pods := range made {
		assert.Equal(t, 1, pods, "pods made by Job %s", uid)
	}
}
