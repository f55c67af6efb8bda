package app

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// replica is one process that takes part in an election. Its work ends so long after it was told to.
type replica struct {
	t       *testing.T
	api     *fixture.API
	name    string
	endsIn  time.Duration
	workErr error

	began, told, ended time.Time
	cause              error
	leads              bool
	result             chan error
	cancel             context.CancelFunc
}

func (r *replica) start() *replica {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.cancel, r.result = cancel, make(chan error, 1)
	go func() {
		r.result <- RunWithLeaderElection(ctx, ElectionConfig{
			RESTConfig: r.api.Config(), Namespace: "operator", Identity: r.name, Clock: clock.RealClock{},
			Health: NewElectionHealth(), Leading: func(leads bool) { r.leads = leads },
		}, r.work)
	}()
	return r
}

func (r *replica) work(ctx context.Context) error {
	r.began = time.Now()
	if r.workErr != nil {
		return r.workErr
	}
	<-ctx.Done()
	r.told, r.cause = time.Now(), context.Cause(ctx)
	time.Sleep(r.endsIn)
	r.ended = time.Now()
	return nil
}

// pass lets time go by, until all goroutines wait again: a sleep alone does not order their writes before our reads.
func pass(duration time.Duration) {
	time.Sleep(duration)
	synctest.Wait()
}

// holder is who has the lease, "" after a release.
func holder(t *testing.T, api *fixture.API) string {
	t.Helper()
	lease := fixture.Get[coordinationv1.Lease](t, api, "operator", LeaseName)
	if lease == nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// The successor takes over within the time of one retry, and never before the work of the leader has ended.
func TestCleanHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		first := (&replica{t: t, api: api, name: "first", endsIn: 20 * time.Second}).start()
		pass(time.Minute)
		second := (&replica{t: t, api: api, name: "second"}).start()
		pass(time.Minute)
		require.Equal(t, "first", holder(t, api))
		require.True(t, first.leads)
		require.True(t, second.began.IsZero())

		first.cancel()
		require.NoError(t, <-first.result)
		require.False(t, first.leads)
		require.Empty(t, holder(t, api))
		require.Equal(t, 20*time.Second, first.ended.Sub(first.told), "the lease was renewed meanwhile")

		pass(10 * time.Second)
		require.Equal(t, "second", holder(t, api))
		require.False(t, second.began.Before(first.ended))
		require.Less(t, second.began.Sub(first.ended), 6*time.Second)
		second.cancel()
		require.NoError(t, <-second.result)
	})
}

// A replica that only stands by ends at once and leaves the lease alone.
func TestEndOfStandby(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		leader := (&replica{t: t, api: api, name: "leader"}).start()
		pass(time.Second)
		standby := (&replica{t: t, api: api, name: "standby"}).start()
		pass(time.Minute)
		standby.cancel()
		require.NoError(t, <-standby.result)
		require.True(t, standby.began.IsZero())
		require.Equal(t, "leader", holder(t, api))
		leader.cancel()
		require.NoError(t, <-leader.result)
	})
}

// A leader that cannot renew its lease is told at once, and before anybody else can have it.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		leader := (&replica{t: t, api: api, name: "leader"}).start()
		pass(time.Minute)
		remove := api.Intercept(func(ctx context.Context, request fixture.Request) *fixture.Fault {
			if request.Resource == "leases" {
				<-ctx.Done() // the API server hangs
			}
			return nil
		})
		lastRenewal := fixture.Get[coordinationv1.Lease](t, api, "operator", LeaseName).Spec.RenewTime.Time
		require.ErrorIs(t, <-leader.result, ErrLeaseLost)
		synctest.Wait()
		require.ErrorIs(t, leader.cause, ErrLeaseLost)
		require.Less(t, leader.told.Sub(lastRenewal), leaseDuration)
		require.Equal(t, "leader", holder(t, api), "it is not released by one who has lost it")
		require.False(t, leader.leads)
		remove()
	})
}

// Work that does not end keeps the lease: nobody else may begin.
// A leader that finds another one in the lease, as after it was frozen for longer than the lease lasts, ends at once.
func TestAnotherLeads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		first := (&replica{t: t, api: api, name: "first"}).start()
		pass(time.Minute)
		fixture.Change(t, api, "operator", LeaseName, func(lease *coordinationv1.Lease) {
			lease.Spec.HolderIdentity = new("second")
			lease.Spec.RenewTime = new(metav1.NewMicroTime(time.Now()))
		})
		taken := time.Now()
		require.ErrorIs(t, <-first.result, ErrLeaseLost)
		synctest.Wait()
		require.ErrorIs(t, first.cause, ErrLeaseLost)
		require.LessOrEqual(t, first.told.Sub(taken), retryPeriod+time.Second)
		require.Equal(t, "second", holder(t, api))
	})
}

func TestWorkDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		leader := (&replica{t: t, api: api, name: "leader", endsIn: time.Hour}).start()
		pass(time.Minute)
		leader.cancel()
		told := time.Now()
		err := <-leader.result
		require.ErrorContains(t, err, "not ended within 25s")
		require.Equal(t, shutdownTimeout, time.Since(told))
		require.Equal(t, "leader", holder(t, api))
		pass(time.Hour)
	})
}

// Work that fails gives the lease away and its error back.
func TestWorkFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		failure := errors.New("no such resource")
		leader := (&replica{t: t, api: api, name: "leader", workErr: failure}).start()
		require.ErrorIs(t, <-leader.result, failure)
		require.Empty(t, holder(t, api))
		leader.cancel()
	})
}

// Somebody touches the lease just before it is released: the second try has the newer version.
func TestReleaseAfterConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := fixture.New(nil)
		leader := (&replica{t: t, api: api, name: "leader"}).start()
		pass(time.Second)
		var touch sync.Once
		remove := api.Intercept(func(_ context.Context, request fixture.Request) *fixture.Fault {
			if request.Verb == "update" {
				touch.Do(func() {
					fixture.Change(t, api, "operator", LeaseName, func(lease *coordinationv1.Lease) { lease.Labels = map[string]string{"a": "b"} })
				})
			}
			return nil
		})
		leader.cancel()
		require.NoError(t, <-leader.result)
		require.Empty(t, holder(t, api))
		remove()
	})
}

// The health check knows a leader whose lease has expired long since.
func TestElectionHealth(t *testing.T) {
	t.Parallel()
	health := NewElectionHealth()
	require.NoError(t, health.Check(&http.Request{}), "before the election")
}
