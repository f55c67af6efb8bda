package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// What Config leaves out.
const (
	DefaultWorkers   = 1
	DefaultDeadline  = 30 * time.Second
	DefaultBaseDelay = 100 * time.Millisecond
	DefaultMaxDelay  = 30 * time.Second
)

// Outcomes of one sync, as told to Metrics.
const (
	ResultSuccess  = "success"  // nothing left to do
	ResultRequeue  = "requeue"  // done for now, the sync asked to be called again
	ResultConflict = "conflict" // the object has changed or is gone: tried again, not an error
	ResultError    = "error"    // tried again
	ResultPanic    = "panic"    // tried again
	ResultStopped  = "stopped"  // broken off by the end of the program
)

// Result is what a sync that did not fail asks for.
type Result struct {
	// RequeueAfter calls the sync again after this time at the latest; not at all if zero.
	RequeueAfter time.Duration
}

// Sync brings the object behind key one step further. It is called by several goroutines at once, but never for the
// same key. It must return soon after the end of ctx, which comes with the deadline of the item or the end of Run.
type Sync[K comparable] func(ctx context.Context, key K) (Result, error)

// Metrics is told of each sync.
type Metrics interface {
	// SyncDone is called after each sync with one of the Result constants.
	SyncDone(controller, result string, duration time.Duration)
}

// Config of a Runner.
type Config[K comparable] struct {
	// Name of the loop, in logs and metrics.
	Name string
	Sync Sync[K]
	// Workers is the number of keys worked on at the same time.
	Workers int
	// Deadline of one sync.
	Deadline time.Duration
	// BaseDelay and MaxDelay bound the wait after a failure.
	BaseDelay, MaxDelay time.Duration
	// Clock measures delays and durations; the deadline of an item is a context's and so runs on the system's clock.
	Clock clock.WithTicker
	// Metrics and QueueMetrics may be nil.
	Metrics      Metrics
	QueueMetrics workqueue.MetricsProvider
	// OnPanic, if set, is called after a panic was recovered and logged. Tests fail in it.
	OnPanic func(key K, value any)
	// Random returns numbers in [0, 1) for the jitter. It is for tests that must be repeatable.
	Random func() float64
}

// Runner owns a queue of keys and the workers that sync them.
type Runner[K comparable] struct {
	config Config[K]
	queue  workqueue.TypedRateLimitingInterface[K]
}

// New makes a runner. Keys may be added at once; they are worked on by Run. A runner that was made must be Run, if
// only with a context that is done: that ends the goroutines of its queue.
func New[K comparable](config Config[K]) *Runner[K] {
	config = withDefaults(config)
	return &Runner[K]{
		config: config,
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			newLimiter[K](config.BaseDelay, config.MaxDelay, config.Random),
			workqueue.TypedRateLimitingQueueConfig[K]{
				Name:            config.Name,
				Clock:           config.Clock,
				MetricsProvider: config.QueueMetrics,
			}),
	}
}

func withDefaults[K comparable](config Config[K]) Config[K] {
	defaultTo(&config.Workers, DefaultWorkers)
	defaultTo(&config.Deadline, DefaultDeadline)
	defaultTo(&config.BaseDelay, DefaultBaseDelay)
	defaultTo(&config.MaxDelay, DefaultMaxDelay)
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	if config.Metrics == nil {
		config.Metrics = noMetrics{}
	}
	if config.Random == nil {
		config.Random = rand.Float64
	}
	return config
}

func defaultTo[V comparable](value *V, fallback V) {
	var zero V
	if *value == zero {
		*value = fallback
	}
}

// Add has key synced soon. Several adds before the sync are one; an add during the sync makes one more.
func (r *Runner[K]) Add(key K) {
	r.queue.Add(key)
}

// AddAfter has key synced after delay. Of several pending delays the queue keeps the shortest.
func (r *Runner[K]) AddAfter(key K, delay time.Duration) {
	r.queue.AddAfter(key, delay)
}

// AddFresh is Add for a key whose object was changed by its user: past failures no longer lengthen the next wait.
func (r *Runner[K]) AddFresh(key K) {
	r.queue.Forget(key)
	r.queue.Add(key)
}

// Len returns the number of keys that wait for a worker, without those that wait for their time.
func (r *Runner[K]) Len() int {
	return r.queue.Len()
}

// Run works until ctx is done and all syncs have returned. It may be called once.
func (r *Runner[K]) Run(ctx context.Context) {
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "controller", r.config.Name)
	ctx = klog.NewContext(ctx, logger)
	logger.V(2).Info("Starting loop", "workers", r.config.Workers)

	var workers sync.WaitGroup
	for range r.config.Workers {
		workers.Go(func() {
			for r.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	r.queue.ShutDown()
	workers.Wait()
	logger.V(2).Info("Loop ended")
}

// next works on one key. It returns false when there will be no more.
func (r *Runner[K]) next(ctx context.Context) bool {
	key, shutdown := r.queue.Get()
	if shutdown {
		return false
	}
	// Done also on the way out of a panic that is not recovered: another worker must be able to take the key.
	defer r.queue.Done(key)
	// A queue that is shut down still hands out what it holds. To begin it now would be to act without the lease.
	if ctx.Err() != nil {
		return false
	}
	r.work(ctx, key)
	return true
}

func (r *Runner[K]) work(ctx context.Context, key K) {
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "key", key)
	itemCtx, cancel := context.WithTimeoutCause(klog.NewContext(ctx, logger), r.config.Deadline,
		fmt.Errorf("sync took longer than %s", r.config.Deadline))
	defer cancel()

	start := r.config.Clock.Now()
	result, err := r.guardedSync(itemCtx, key)
	duration := r.config.Clock.Since(start)

	logger.V(5).Info("Synced", "duration", duration, "requeueAfter", result.RequeueAfter, "err", err)
	r.config.Metrics.SyncDone(r.config.Name, r.settle(klog.NewContext(ctx, logger), key, result, err), duration)
}

// guardedSync calls the sync and turns a panic into an error: one bad object must not stop the others.
func (r *Runner[K]) guardedSync(ctx context.Context, key K) (result Result, err error) {
	defer func() {
		if value := recover(); value != nil {
			result, err = Result{}, &panicError{value: value, stack: string(debug.Stack())}
		}
	}()
	return r.config.Sync(ctx, key)
}

// settle decides what becomes of the key and returns the outcome. Each path either forgets the failures of the key or
// counts one more, but for the last syncs of the program, for which neither matters.
func (r *Runner[K]) settle(ctx context.Context, key K, result Result, err error) string {
	logger := klog.FromContext(ctx)
	var panicked *panicError
	switch {
	case err == nil && result.RequeueAfter > 0:
		r.queue.Forget(key)
		r.queue.AddAfter(key, result.RequeueAfter)
		return ResultRequeue
	case err == nil:
		r.queue.Forget(key)
		return ResultSuccess
	case errors.As(err, &panicked):
		r.queue.AddRateLimited(key)
		logger.Error(err, "Sync panicked; the key is set aside for a while", "stack", panicked.stack,
			"failures", r.queue.NumRequeues(key))
		if r.config.OnPanic != nil {
			r.config.OnPanic(key, panicked.value)
		}
		return ResultPanic
	case ctx.Err() != nil:
		// The queue is shutting down: whatever the sync was told, it was told so that it ends.
		logger.V(2).Info("Sync broken off", "err", err)
		return ResultStopped
	case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
		r.queue.AddRateLimited(key)
		logger.V(2).Info("The object has changed meanwhile, trying again", "err", err)
		return ResultConflict
	default:
		r.queue.AddRateLimited(key)
		logger.Error(err, "Sync failed, trying again", "failures", r.queue.NumRequeues(key))
		return ResultError
	}
}

type noMetrics struct{}

func (noMetrics) SyncDone(string, string, time.Duration) {}
