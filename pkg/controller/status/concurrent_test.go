package status

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// Many writers at once, each in its own fields, with somebody else changing the object too: no update is lost, and
// every savepoint request is counted once.
func TestConcurrentOwners(t *testing.T) {
	t.Parallel()
	const rounds = 20
	inBubble(t, func(t *testing.T, b *bed) {
		var loops sync.WaitGroup
		repeat := func(owner Owner, mutate Mutation) {
			loops.Go(func() {
				for written := 0; written < rounds; {
					latest, _ := b.Latest(key)
					outcome, _, err := b.Update(t.Context(), key, latest.UID, owner, mutate)
					if apierrors.IsConflict(err) {
						continue
					}
					require.NoError(t, err)
					if outcome == Written {
						written++
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
		repeat(Cluster, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
			status.Components.Job.RestartCount++
			return nil
		})
		repeat(Savepoint, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
			if SlotFree(status.Savepoint) {
				return ErrDrop
			}
			status.Savepoint.State = v1beta1.SavepointStateSucceeded
			status.Components.Job.SavepointGeneration++
			return nil
		})
		repeat(Control, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
			slot := status.Savepoint
			if !SlotFree(slot) {
				return ErrDrop
			}
			next := int64(1)
			if slot != nil {
				next = slot.Request + 1
			}
			status.Savepoint = &v1beta1.SavepointStatus{Request: next, State: v1beta1.SavepointStateRequested}
			status.Control = &v1beta1.ControlStatus{Request: next, Name: "savepoint", State: v1beta1.ControlStateInProgress}
			return nil
		})
		loops.Go(func() {
			for number := range rounds {
				fixture.Change(t, b.api, key.Namespace, key.Name, func(c *v1beta1.FlinkCluster) {
					c.Annotations = map[string]string{"number": fmt.Sprint(number)}
				})
				time.Sleep(time.Millisecond)
			}
		})
		loops.Wait()

		status := b.stored().Status
		require.EqualValues(t, rounds, status.Components.Job.RestartCount)
		require.EqualValues(t, rounds, status.Components.Job.SavepointGeneration)
		require.EqualValues(t, rounds, status.Savepoint.Request)
		require.EqualValues(t, rounds, status.Control.Request)
		require.Len(t, b.written, 3*rounds)
		require.Empty(t, b.locks.locks)
	})
}
