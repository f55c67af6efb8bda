//go:build cluster

package cluster

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// TestOperatorKilled kills the operator with kill -9 at different moments of a savepoint. Each request is one
// savepoint all the same. It is not parallel: other tests need the operator.
func TestOperatorKilled(t *testing.T) {
	namespace := suite.NewNamespace(t)
	// A checkpoint would be as slow, and be counted below.
	job := namespace.Create(t, withoutCheckpoints(namespace.Counter("slow", "--slow-snapshot-millis", "3000")))
	id := job.AwaitRunning(t, 1).Status.Components.Job.ID
	pods := job.Identities(t, "")

	// A state may have passed before the watch begins, so a later one will do.
	inSlot := func(states ...v1beta1.SavepointState) func(*testing.T, int64) {
		return func(t *testing.T, request int64) {
			job.Await(t, "the savepoint to be "+string(states[0]), func(cluster *v1beta1.FlinkCluster) bool {
				slot := cluster.Status.Savepoint
				return slot != nil && slot.Request == request && slices.Contains(states, slot.State)
			})
		}
	}
	const requested, inProgress, succeeded = v1beta1.SavepointStateRequested, v1beta1.SavepointStateInProgress, v1beta1.SavepointStateSucceeded
	moments := []struct {
		name  string
		await func(t *testing.T, request int64)
	}{
		{"right after the request", func(*testing.T, int64) {}},
		{"when the request is recorded", inSlot(requested, inProgress, succeeded)},
		{"when the savepoint runs", inSlot(inProgress, succeeded)},
		{"when the savepoint is complete", inSlot(succeeded)},
	}
	for i, moment := range moments {
		t.Run(moment.name, func(t *testing.T) {
			require.NoError(t, suite.Operator.AwaitLeading(t.Context()))
			killer, err := suite.Operator.ArmKiller(t.Context())
			require.NoError(t, err)
			request := job.Annotate(t, v1beta1.ControlSavepoint)
			moment.await(t, request)
			require.NoError(t, killer.Kill(t.Context()))
			cluster := job.AwaitControl(t, request)
			require.Equal(t, v1beta1.ControlStateSucceeded, cluster.Status.Control.State, cluster.Status.Control.Message)
			assert.EqualValues(t, i+1, cluster.Status.Components.Job.SavepointGeneration)
			assert.Len(t, namespace.SavepointFolders(t), i+1)
		})
	}
	status := job.Get(t).Status.Components.Job
	assert.Equal(t, id, status.ID)
	assert.Zero(t, status.RestartCount)
	assert.Equal(t, pods, job.Identities(t, ""), "a restart of the operator restarted pods")
	checkpoints, err := job.ReadCheckpoints(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, len(moments), checkpoints.Counts.Completed, "snapshots that Flink counts")
	job.DeleteAll(t)
}
