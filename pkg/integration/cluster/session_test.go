//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// TestSessionCluster: a cluster without a job comes up, and the jobs that a user submits are left alone.
func TestSessionCluster(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	session := namespace.Create(t, namespace.Session("session"))
	namespace.Kubectl(t, "wait", "--for=condition=Ready", "flinkcluster/session", "--timeout=5m")
	up := session.Get(t)
	assert.Equal(t, v1beta1.ClusterStateRunning, up.Status.State)
	assert.Nil(t, up.Status.Components.Job)
	flinkcluster.Eventually(t, "the TaskManager at the JobManager", func(ctx context.Context) error {
		return session.ExpectTaskManagers(ctx, 1)
	})

	jobManager := session.OnlyPod(t, v1beta1.ComponentJobManager)
	namespace.Kubectl(t, "exec", jobManager.Name, "--", "flink", "run", "--detached", "-m", "localhost:8081", flinkcluster.ExampleJar)
	jobs, err := session.ReadJobs(t.Context())
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	session.AwaitCount(t, jobs[0].ID, 100)
	cluster := session.AwaitControl(t, session.Annotate(t, v1beta1.ControlJobCancel))
	assert.Equal(t, v1beta1.ControlStateFailed, cluster.Status.Control.State)
	assert.Contains(t, cluster.Status.Control.Message, "session cluster")
	session.AwaitEvent(t, v1beta1.EventControlRefused, "session cluster")
	assert.Nil(t, cluster.Status.Components.Job)
	assert.Nil(t, cluster.Status.Savepoint)
	require.NoError(t, expectRunning(t.Context(), session, jobs[0].ID))

	// The JobManager of a session cluster is brought back by Kubernetes, its jobs are gone.
	session.KillJava(t, jobManager)
	flinkcluster.Eventually(t, "a new JobManager with the TaskManager and no job", func(ctx context.Context) error {
		jobs, err := session.ReadJobs(ctx)
		if err == nil && len(jobs) > 0 {
			err = fmt.Errorf("there are %d jobs", len(jobs))
		}
		if err != nil {
			return err
		}
		return session.ExpectTaskManagers(ctx, 1)
	})
	session.Await(t, "a running session cluster", func(cluster *v1beta1.FlinkCluster) bool {
		return cluster.Status.State == v1beta1.ClusterStateRunning
	})
	session.DeleteAll(t)
}

// TestHighlyAvailableSession: the job that a user submits to a session cluster with high availability comes back when its
// JobManager does, also after an upgrade. No metadata is left of a cluster that was deleted.
func TestHighlyAvailableSession(t *testing.T) {
	t.Parallel()
	namespace := suite.NewNamespace(t)
	session := namespace.Create(t, highlyAvailable(namespace.Session("session")))
	awaitReady(t, session)
	jobManager := session.OnlyPod(t, v1beta1.ComponentJobManager)
	command := []string{"exec", jobManager.Name, "--", "flink", "run", "--detached", flinkcluster.ExampleJar}
	namespace.Kubectl(t, append(command, flinkcluster.Pace(paceMillis)...)...)
	jobs, err := session.ReadJobs(t.Context())
	require.NoError(t, err)
	require.Len(t, jobs, 1)

	ways := []struct {
		name string
		lose func()
	}{
		{"JobManager killed", func() { session.KillJava(t, jobManager) }},
		{"upgrade", func() { session.Edit(t, func(cluster *v1beta1.FlinkCluster) { twoSlots(cluster) }) }},
	}
	for _, way := range ways {
		t.Log(way.name)
		before := awaitCheckpointedCount(t, session, jobs[0].ID)
		lastRestored := newestRestored(t, session, jobs[0].ID)
		way.lose()
		requireRecovered(t, session, jobs[0].ID, before, lastRestored)
	}
	awaitReady(t, session)
	require.EqualValues(t, 1, session.Get(t).Status.Revision.Rollout)
	require.NotEmpty(t, metadataOf(t.Context(), t, session))
	session.DeleteAll(t)
}
