package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

func TestWritten(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		time.Sleep(1500 * time.Millisecond)
		outcome, cluster, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
		require.NoError(t, err)
		require.Equal(t, Written, outcome)
		stored := b.stored()
		require.Equal(t, stored.Status, cluster.Status)
		require.Equal(t, stored.ResourceVersion, cluster.ResourceVersion)
		require.Equal(t, v1beta1.ClusterStateStopping, stored.Status.State)
		require.True(t, stored.Status.LastUpdateTime.Time.Equal(time.Now().Truncate(time.Second)))
		require.Equal(t, []v1beta1.Event{{Type: "Normal", Reason: "JobRunning", Message: "Stopping"}}, b.events)
		require.Len(t, b.written, 1)
		require.Equal(t, map[string]int{"written Cluster": 1}, b.counts)
	})
}

// A cluster at rest costs no write, and a new lastUpdateTime is no change.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		_, _, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
		require.NoError(t, err)
		b.api.ForgetRequests()
		time.Sleep(time.Hour)
		outcome, cluster, err := b.update(Cluster, func(status *v1beta1.FlinkClusterStatus) {
			status.State = v1beta1.ClusterStateStopping
			status.LastUpdateTime = new(metav1.Now())
			status.SavepointHistory = []v1beta1.SavepointRecord{} // the same as none
		})
		require.NoError(t, err)
		require.Equal(t, Unchanged, outcome)
		require.Equal(t, b.stored().ResourceVersion, cluster.ResourceVersion)
		require.Empty(t, b.api.Requests())
		require.Len(t, b.events, 1)
		require.Len(t, b.written, 1)
	})
}

func TestDropped(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		latest, _ := b.Latest(key)
		outcome, cluster, err := b.Update(t.Context(), key, latest.UID, Cluster, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
			status.State = v1beta1.ClusterStateStopped
			return fmt.Errorf("request 3 is closed: %w", ErrDrop)
		})
		require.NoError(t, err)
		require.Equal(t, Dropped, outcome)
		require.Equal(t, v1beta1.ClusterStateRunning, cluster.Status.State)
		require.Empty(t, b.api.Writes())
	})
}

func TestMutationFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		cause := errors.New("nonsense")
		latest, _ := b.Latest(key)
		_, _, err := b.Update(t.Context(), key, latest.UID, Cluster, func(*v1beta1.FlinkCluster, *v1beta1.FlinkClusterStatus) error { return cause })
		require.ErrorIs(t, err, cause)
		require.Empty(t, b.api.Writes())
	})
}

// The informer's copy is never touched.
func TestCacheIsNotChanged(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		first, _ := b.Latest(key)
		first.Status.Components.Job.Name = "mine"
		_, _, err := b.update(Savepoint, func(status *v1beta1.FlinkClusterStatus) {
			status.Components.Job.SavepointGeneration = 7
			status.Components.Job.Name = "stolen"
		})
		require.Error(t, err)
		second, _ := b.Latest(key)
		require.Empty(t, second.Status.Components.Job.Name)
		require.Zero(t, second.Status.Components.Job.SavepointGeneration)
	})
}

// A watch that is late never hides our own write.
func TestStaleInformer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		b.api.HoldWatches(&v1beta1.FlinkCluster{})
		for _, state := range []v1beta1.ClusterState{"Stopping", "Stopped"} {
			outcome, _, err := b.update(Cluster, toState(state))
			require.NoError(t, err)
			require.Equal(t, Written, outcome)
			latest, exists := b.Latest(key)
			require.True(t, exists)
			require.Equal(t, state, latest.Status.State)
		}
		require.Empty(t, b.counts["conflict Cluster"], "the second write was based on the first")
		require.Len(t, b.known.objects, 1)

		b.api.ReleaseWatches()
		synctest.Wait()
		latest, _ := b.Latest(key)
		require.Equal(t, v1beta1.ClusterStateStopped, latest.Status.State)
		require.Empty(t, b.known.objects, "the informer has it now")
	})
}

// The informer is newer than our last write: it counts.
func TestNewerInformer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		_, _, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
		require.NoError(t, err)
		fixture.Change(t, b.api, key.Namespace, key.Name, func(c *v1beta1.FlinkCluster) { c.Spec.Image.Name = "flink:2.1" })
		synctest.Wait()
		latest, _ := b.Latest(key)
		require.Equal(t, "flink:2.1", latest.Spec.Image.Name)
	})
}

// After a conflict the mutation is run again on what is there now; what another wrote meanwhile stays.
func TestConflict(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		b.api.HoldWatches(&v1beta1.FlinkCluster{})
		fixture.Change(t, b.api, key.Namespace, key.Name, func(c *v1beta1.FlinkCluster) {
			c.Spec.Image.Name = "flink:2.1"
			c.Status.FlinkVersion = "2.1.0"
		})
		var seen []string
		latest, _ := b.Latest(key)
		outcome, cluster, err := b.Update(t.Context(), key, latest.UID, Cluster, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
			seen = append(seen, status.FlinkVersion)
			status.State = v1beta1.ClusterStateStopping
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, Written, outcome)
		require.Equal(t, []string{"1.20.1", "2.1.0"}, seen)
		require.Equal(t, "2.1.0", cluster.Status.FlinkVersion)
		require.Equal(t, "2.1.0", b.stored().Status.FlinkVersion)
		require.Equal(t, map[string]int{"conflict Cluster": 1, "written Cluster": 1}, b.counts)
		require.Len(t, b.events, 1)
		require.Equal(t, "Stopping", b.events[0].Message)
	})
}

// The newer object may make the mutation superfluous.
func TestConflictThenDropped(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		b.api.HoldWatches(&v1beta1.FlinkCluster{})
		fixture.Change(t, b.api, key.Namespace, key.Name, builders.SavepointRequested(1, v1beta1.SavepointReasonScheduled, time.Now()))
		latest, _ := b.Latest(key)
		outcome, cluster, err := b.Update(t.Context(), key, latest.UID, Control, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
			if !SlotFree(status.Savepoint) {
				return ErrDrop
			}
			status.Savepoint = &v1beta1.SavepointStatus{Request: 1, State: v1beta1.SavepointStateRequested}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, Dropped, outcome)
		require.Equal(t, v1beta1.SavepointReasonScheduled, cluster.Status.Savepoint.TriggerReason)
		require.Equal(t, v1beta1.SavepointReasonScheduled, b.stored().Status.Savepoint.TriggerReason)
		known, _ := b.Latest(key)
		require.NotNil(t, known.Status.Savepoint, "what the conflict taught is remembered")
	})
}

func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		number := 0
		b.api.Intercept(func(_ context.Context, request fixture.Request) *fixture.Fault {
			if request.Verb == "update" {
				number++
				fixture.Change(t, b.api, key.Namespace, key.Name, func(c *v1beta1.FlinkCluster) {
					c.Labels = map[string]string{"busy": fmt.Sprint(number)}
				})
			}
			return nil
		})
		_, _, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
		require.True(t, apierrors.IsConflict(err), "the runner tries again without calling it an error: %v", err)
		require.Len(t, b.api.Writes(), maxAttempts)
		require.Empty(t, b.events)
	})
}

// An answer that was lost is an error; the next pass finds what was stored, even if the informer does not have it yet.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		b.api.HoldWatches(&v1beta1.FlinkCluster{})
		b.api.FailNext("update", "flinkclusters/status", fixture.Fault{Err: errors.New("connection reset"), Applied: true})
		_, _, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
		require.ErrorContains(t, err, "connection reset")
		require.Empty(t, b.events)

		outcome, cluster, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
		require.NoError(t, err)
		require.Equal(t, Unchanged, outcome)
		require.Equal(t, b.stored().ResourceVersion, cluster.ResourceVersion)
	})
}

// A request has a deadline of its own: the other loops wait for the lock meanwhile.
func TestHangingServer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		start := time.Now()
		b.api.Intercept(func(ctx context.Context, request fixture.Request) *fixture.Fault {
			if request.IsWrite() {
				<-ctx.Done()
			}
			return nil
		})
		var loops sync.WaitGroup
		for range 2 {
			loops.Go(func() {
				_, _, err := b.update(Cluster, toState(v1beta1.ClusterStateStopping))
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		loops.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			time.Sleep(time.Millisecond)
			_, _, err := b.Update(ctx, key, "uid-of-wordcount", Cluster, nil)
			require.ErrorIs(t, err, context.DeadlineExceeded, "it gives up waiting for the lock")
			require.Equal(t, time.Second, time.Since(start))
		})
		loops.Wait()
		require.Equal(t, 2*requestTimeout, time.Since(start))
		require.Empty(t, b.locks.locks)
	})
}

func TestGone(t *testing.T) {
	t.Parallel()
	remake := func(t *testing.T, b *bed) {
		fixture.Delete[v1beta1.FlinkCluster](t, b.api, key.Namespace, key.Name)
		b.api.Add(t, builders.JobCluster("wordcount", builders.UID("another life")))
	}
	remove := func(t *testing.T, b *bed) {
		fixture.Delete[v1beta1.FlinkCluster](t, b.api, key.Namespace, key.Name)
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, b *bed)
		late   bool
		writes int
	}{
		"deleted":                  {change: remove},
		"deleted, informer late":   {change: remove, late: true, writes: 1},
		"made anew":                {change: remake},
		"made anew, informer late": {change: remake, late: true, writes: 1},
		"deleted while written":    {late: true, writes: 1, change: func(t *testing.T, b *bed) { onWrite(b, func() { remove(t, b) }) }},
		"made anew while written":  {late: true, writes: 1, change: func(t *testing.T, b *bed) { onWrite(b, func() { remake(t, b) }) }},
		"changed, then deleted, informer late": {late: true, writes: 1, change: func(t *testing.T, b *bed) {
			onWrite(b, func() {
				fixture.Change(t, b.api, key.Namespace, key.Name, func(c *v1beta1.FlinkCluster) { c.Labels = map[string]string{"a": "b"} })
			})
			b.api.FailNext("get", "flinkclusters", fixture.Fault{
				Err: apierrors.NewNotFound(v1beta1.Resource("flinkclusters"), key.Name)})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bed) {
				if test.late {
					b.api.HoldWatches(&v1beta1.FlinkCluster{})
				}
				test.change(t, b)
				synctest.Wait()
				outcome, cluster, err := b.Update(t.Context(), key, "uid-of-wordcount", Cluster, func(_ *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) error {
					status.State = v1beta1.ClusterStateStopping
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, Gone, outcome)
				require.Nil(t, cluster)
				require.Len(t, b.api.Writes(), test.writes)
				require.Empty(t, b.events)
				if stored := b.stored(); stored != nil {
					require.NotEqual(t, v1beta1.ClusterStateStopping, stored.Status.State)
				}
			})
		})
	}
}

// onWrite runs something once, just before the next write of status is carried out.
func onWrite(b *bed, action func()) {
	var once sync.Once
	b.api.Intercept(func(_ context.Context, request fixture.Request) *fixture.Fault {
		if request.Verb == "update" {
			once.Do(action)
		}
		return nil
	})
}

// What was known of a deleted cluster is forgotten, and a live look at the new life under its name is believed
// before the informer has it.
func TestNewLifeIsKnownBeforeTheInformerHasIt(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bed) {
		b.api.HoldWatches(&v1beta1.FlinkCluster{})
		fixture.Delete[v1beta1.FlinkCluster](t, b.api, key.Namespace, key.Name)
		_, err := b.LiveGet(t.Context(), key)
		require.True(t, apierrors.IsNotFound(err), "%v", err)

		b.api.Add(t, builders.JobCluster("wordcount", builders.UID("another life")))
		live, err := b.LiveGet(t.Context(), key)
		require.NoError(t, err)
		latest, exists := b.Latest(key)
		require.True(t, exists)
		require.EqualValues(t, "another life", latest.UID)
		require.Equal(t, live, latest)

		fixture.Delete[v1beta1.FlinkCluster](t, b.api, key.Namespace, key.Name)
		b.api.ReleaseWatches()
		synctest.Wait()
		_, exists = b.Latest(key)
		require.False(t, exists)
		require.Empty(t, b.known.objects)
	})
}
