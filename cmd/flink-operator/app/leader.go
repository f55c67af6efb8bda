package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// LeaseName is the name of the lease of the leader.
const LeaseName = "flink-operator"

const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
	// shutdownTimeout is how long the work may take to end before the lease is left to expire. It must fit into the
	// pod's terminationGracePeriodSeconds (manifests/operator).
	shutdownTimeout = 25 * time.Second
	releaseTimeout  = 3 * time.Second
)

// ErrLeaseLost says that another replica may lead now.
var ErrLeaseLost = errors.New("the lease of the leader was lost")

// ElectionConfig says how a leader is elected.
type ElectionConfig struct {
	// RESTConfig is the way to the API server. The election makes a client of its own from it: it must not wait
	// behind the requests of the loops.
	RESTConfig *rest.Config
	// Namespace of the lease, and the name of this replica in it.
	Namespace, Identity string
	// Health tells a health check whether the elector is stuck. It may be nil.
	Health *leaderelection.HealthzAdaptor
	// Leading, if set, is told whether this replica leads.
	Leading func(leads bool)
	Clock   clock.WithTicker
}

// NewElectionHealth makes the health check of an election. It fails when the lease has expired long since and the
// elector has not noticed.
func NewElectionHealth() *leaderelection.HealthzAdaptor {
	return leaderelection.NewLeaderHealthzAdaptor(leaseDuration)
}

// RunWithLeaderElection runs work while this replica holds the lease.
//
// At the end of ctx, or when the work ends, it waits for the work and only then releases the lease: a successor that
// takes it finds nobody else at work. If the lease is lost, it cancels the work and returns ErrLeaseLost at once; the
// process has to end then.
func RunWithLeaderElection(ctx context.Context, config ElectionConfig, work func(ctx context.Context) error) error {
	lock, err := newLock(config)
	if err != nil {
		return err
	}
	// The election outlives ctx: the lease is renewed while the work ends.
	electionCtx, endElection := context.WithCancel(context.WithoutCancel(ctx))
	defer endElection()
	leads, lost, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
	lose := sync.OnceFunc(func() { close(lost) })
	elector, err := newElector(config, lock, func(context.Context) { close(leads) }, lose)
	if err != nil {
		return fmt.Errorf("preparing the leader election: %w", err)
	}
	go func() {
		defer close(stopped)
		defer lose()
		elector.Run(electionCtx)
	}()

	var workErr error
	select {
	case <-ctx.Done():
	case <-leads:
		if workErr = lead(ctx, config, lost, work); errors.Is(workErr, errKeepLease) {
			return workErr
		}
	}
	endElection()
	<-stopped
	if elector.IsLeader() {
		release(ctx, config.Clock, lock)
	}
	return workErr
}

// errKeepLease marks errors after which the lease must not be given away: it is lost, or the work goes on.
var errKeepLease = errors.New("the lease is not released")

// lead runs the work until it ends, or must.
func lead(ctx context.Context, config ElectionConfig, lost <-chan struct{}, work func(context.Context) error) error {
	if config.Leading != nil {
		config.Leading(true)
		defer config.Leading(false)
	}
	workCtx, cancelWork := context.WithCancelCause(ctx)
	defer cancelWork(nil)
	ended := make(chan error, 1)
	go func() { ended <- work(workCtx) }()

	var overdue <-chan time.Time
	shutdown := ctx.Done()
	for {
		select {
		case err := <-ended:
			return err
		case <-lost:
			cancelWork(ErrLeaseLost)
			return errors.Join(ErrLeaseLost, errKeepLease)
		case <-shutdown:
			shutdown = nil
			timer := config.Clock.NewTimer(shutdownTimeout)
			defer timer.Stop()
			overdue = timer.C()
		case <-overdue:
			return errors.Join(fmt.Errorf("the work has not ended within %s", shutdownTimeout), errKeepLease)
		}
	}
}

func newLock(config ElectionConfig) (*resourcelock.LeaseLock, error) {
	restConfig := rest.CopyConfig(config.RESTConfig)
	// A request that hangs must leave time for another before the lease is given up.
	restConfig.Timeout = renewDeadline / 2
	client, err := coordinationclient.NewForConfig(restConfig)
	if err != nil {
		return nil, fmt.Errorf("making the client of the leader election: %w", err)
	}
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: config.Namespace, Name: LeaseName},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: config.Identity},
	}, nil
}

// watchedLock reports the holder of the lease whenever it is read.
type watchedLock struct {
	resourcelock.Interface
	seen func(holder string)
}

func (l watchedLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err == nil && record != nil {
		l.seen(record.HolderIdentity)
	}
	return record, raw, err
}

// newElector makes an elector that reports when this process leads, and when it sees that another one does after that. The
// elector itself would go on to try for as long as renewDeadline: a process that was frozen for longer than the lease lasts
// would work for so long beside the one that has it now.
func newElector(config ElectionConfig, lock resourcelock.Interface, onLeading func(context.Context), onOther func(),
) (*leaderelection.LeaderElector, error) {
	var led atomic.Bool
	watched := watchedLock{Interface: lock, seen: func(holder string) {
		if led.Load() && holder != "" && holder != config.Identity {
			onOther()
		}
	}}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          watched,
		Name:          LeaseName,
		LeaseDuration: leaseDuration,
		RenewDeadline: renewDeadline,
		RetryPeriod:   retryPeriod,
		WatchDog:      config.Health,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				led.Store(true)
				onLeading(ctx)
			},
			OnStoppedLeading: func() {},
		},
		// The elector would release the lease also after it failed to renew it, with the work still running, and
		// would not say that it failed before that is done or has timed out. So release does it.
		ReleaseOnCancel: false,
	})
	if err == nil && config.Health != nil {
		config.Health.SetLeaderElection(elector)
	}
	return elector, err
}

// release gives the lease away, so that a successor need not wait for it to expire. It is called after the elector
// has ended, as the lock is not safe for concurrent use.
func release(ctx context.Context, clock clock.PassiveClock, lock resourcelock.Interface) {
	logger := klog.FromContext(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	var err error
	for range 2 {
		// The last renewal may have been stored though its answer was lost: the second try has the newer version.
		if err = tryRelease(ctx, clock, lock); !apierrors.IsConflict(err) {
			break
		}
	}
	if err != nil {
		logger.Error(err, "Failed to release the lease; it will expire")
		return
	}
	logger.V(2).Info("Released the lease")
}

func tryRelease(ctx context.Context, clock clock.PassiveClock, lock resourcelock.Interface) error {
	record, _, err := lock.Get(ctx)
	if err != nil || record.HolderIdentity != lock.Identity() {
		return err
	}
	now := metav1.NewTime(clock.Now())
	return lock.Update(ctx, resourcelock.LeaderElectionRecord{
		LeaderTransitions:    record.LeaderTransitions,
		LeaseDurationSeconds: 1,
		AcquireTime:          now,
		RenewTime:            now,
	})
}
