package observer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	disposalID = "d0000000000000000000000000000001"
	flinksID   = "d000000000000000000000000000000f"
)

func disposal() flink.Effect {
	return flink.Effect{Kind: flink.DisposeSavepoint, JobID: jobID, TriggerID: disposalID, Location: "file:/sp/savepoint-1"}
}

func disposing(id string) Target {
	followed := target(Operation)
	followed.DisposalID = id
	return followed
}

// Flink chooses the id of a disposal, which is asked about under it and told under our own.
func TestDisposalIsFollowed(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.requestID = flinksID })
		f.Watch(cluster, disposing(disposalID))
		advance(time.Minute)
		assert.Zero(t, f.client.count("Disposal"), "nothing has been asked for")
		f.Execute(cluster, disposal())
		advance(time.Second)
		assert.Equal(t, &flink.Operation{TriggerID: disposalID, State: flink.OperationInProgress}, f.Observation(cluster).Disposal)
		assert.Contains(t, f.client.operations, flinksID)

		f.notifications()
		f.client.set(func(c *fakeClient) { c.operation, c.cause = flink.OperationFailed, "disk full" })
		advance(3 * time.Second)
		assert.Equal(t, &flink.Operation{TriggerID: disposalID, State: flink.OperationFailed, Cause: "disk full"}, f.Observation(cluster).Disposal)
		assert.Equal(t, 1, f.notifications())
		asked := f.client.count("Disposal")
		advance(time.Minute)
		assert.Equal(t, asked, f.client.count("Disposal"), "its end is known")
	})
}

// What waits to be sent is not sent once it is not followed any more: something else goes first.
func TestDisposalIsWithdrawn(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.outcome = flink.OutcomeUnknown })
		f.Watch(cluster, disposing(disposalID))
		f.Execute(cluster, disposal())
		advance(time.Millisecond)
		f.Execute(cluster, disposal())
		f.Watch(cluster, following(triggerID))
		advance(time.Minute)
		assert.Equal(t, 1, f.client.effectCount())
		assert.Empty(t, f.Observation(cluster).Effects)
		assert.Nil(t, f.Observation(cluster).Disposal)
	})
}
