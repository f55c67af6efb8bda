//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/flinkcluster"
)

// steady is a job that runs on whatever happens to the operator, and the books of what was asked for.
type steady struct {
	*flinkcluster.Cluster
	namespace *flinkcluster.Namespace
	jobID     string
	pods      []string
	// count is the highest that was seen, and savepoints are those that were asked for and succeeded.
	count      int64
	savepoints int32
}

// newSteady starts a job whose snapshots take some time. It takes none by itself.
func newSteady(t *testing.T, slowSnapshotMillis string) *steady {
	t.Helper()
	namespace := suite.NewNamespace(t)
	s := &steady{namespace: namespace}
	s.Cluster = namespace.Create(t, withoutCheckpoints(namespace.Counter("steady", "--slow-snapshot-millis", slowSnapshotMillis)))
	s.jobID = s.AwaitRunning(t, 1).Status.Components.Job.ID
	s.pods = s.Identities(t, "")
	return s
}

// awaitInProgress waits until the savepoint of a request is under way; it may be over already.
func (s *steady) awaitInProgress(t *testing.T, request int64) {
	t.Helper()
	s.Await(t, "the savepoint to be under way", func(cluster *v1beta1.FlinkCluster) bool {
		slot := cluster.Status.Savepoint
		return slot != nil && slot.Request == request && slot.State != v1beta1.SavepointStateRequested
	})
}

// requireOne waits for the end of a request: it has to be one savepoint, and the job must have gone on all the time.
func (s *steady) requireOne(t *testing.T, request int64) {
	t.Helper()
	s.requireSuccess(t, request)
	require.Len(t, s.namespace.SavepointFolders(t), int(s.savepoints), "a request is one savepoint")
}

// requireSuccess is requireOne without a look at the folder, which takes its time.
func (s *steady) requireSuccess(t *testing.T, request int64) {
	t.Helper()
	cluster := s.AwaitControl(t, request)
	require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
	s.savepoints++
	status := cluster.Status.Components.Job
	require.Equal(t, s.savepoints, status.SavepointGeneration)
	require.Equal(t, s.jobID, status.ID)
	require.Zero(t, status.RestartCount)
	s.count = s.AwaitCount(t, s.jobID, s.count)
}

// requireUndisturbed fails if a pod or the job was restarted, or if Flink took other snapshots than were asked for.
func (s *steady) requireUndisturbed(t *testing.T) {
	t.Helper()
	assert.Equal(t, s.pods, s.Identities(t, ""), "pods were restarted")
	requireSnapshots(t, s.Cluster, s.jobID, int(s.savepoints))
	s.AwaitCount(t, s.jobID, s.count+1)
	assert.Len(t, s.namespace.SavepointFolders(t), int(s.savepoints), "savepoints begun")
	assert.Len(t, s.namespace.CompleteSavepoints(t), int(s.savepoints))
}

// requireSnapshots fails if Flink has restarted a job, or counts other snapshots than so many. It answers from a cache.
func requireSnapshots(t *testing.T, job *flinkcluster.Cluster, id string, complete int) {
	t.Helper()
	flinkcluster.Eventually(t, "all snapshots in Flink's statistics", func(ctx context.Context) error {
		checkpoints, err := job.ReadCheckpoints(ctx, id)
		if err != nil {
			return err
		}
		require.Zero(t, checkpoints.Counts.Restored, "Flink restarted the job")
		require.LessOrEqual(t, checkpoints.Counts.Completed, complete)
		if checkpoints.Counts.Completed < complete {
			return fmt.Errorf("Flink counts %d of %d", checkpoints.Counts.Completed, complete)
		}
		return nil
	})
}

// moment lets a time pass that is as good as any other.
func moment(t *testing.T, duration time.Duration) {
	t.Helper()
	select {
	case <-time.After(duration):
	case <-t.Context().Done():
	}
}
