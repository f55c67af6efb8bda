package observer

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const defaultConcurrency = 64

// Client asks a JobManager; rest.Client is one.
type Client interface {
	Version(ctx context.Context, baseURL string) (string, error)
	JobsOverview(ctx context.Context, baseURL string) ([]flink.Job, error)
	// Checkpoints returns nil without an error where Flink answers that it has no statistics of the job.
	Checkpoints(ctx context.Context, baseURL, jobID string) (*flink.CheckpointStatistics, error)
	Exceptions(ctx context.Context, baseURL, jobID string) ([]string, error)
	Operation(ctx context.Context, baseURL, jobID, triggerID string) (flink.Operation, error)
	// Disposal takes the id that Flink gave the disposal of a savepoint.
	Disposal(ctx context.Context, baseURL, requestID string) (flink.Operation, error)
	Execute(ctx context.Context, baseURL, version string, effect flink.Effect) flink.EffectResult
}

// Metrics hears of every poll and effect that ended. It is called without the mutex, from many goroutines.
type Metrics interface {
	// PollDone: late is how long the poll waited for a free place after it was due.
	PollDone(answered bool, took, late time.Duration)
	EffectDone(kind flink.EffectKind, outcome flink.Outcome, took time.Duration)
}

// Config holds what an Observer needs. Client, Clock and Notify are required.
type Config struct {
	Client Client
	Clock  clock.WithTicker
	// Notify is called with the key of a cluster whose observation changed in meaning. It must not block; it may call
	// the Observer.
	Notify func(types.NamespacedName)
	// Concurrency bounds the polls in flight, and separately the effects in flight (64 if zero).
	Concurrency int
	// Metrics may be nil.
	Metrics Metrics
	// Random returns numbers in [0, 1) for the jitter; nil means math/rand.
	Random func() float64
}

// Observer polls the watched clusters while Run runs. All methods are safe for concurrent use and none of them
// waits for the network.
type Observer struct {
	client      Client
	clock       clock.WithTicker
	notify      func(types.NamespacedName)
	metrics     Metrics
	random      func() float64
	concurrency int
	// wake tells Run that something may be due earlier than its timer says.
	wake chan struct{}

	mu      sync.Mutex
	stopped bool
	records map[types.NamespacedName]*record
	// polls and effects hold what is to be started, by time.
	polls   schedule
	effects schedule
	// polling and executing hold what is in flight. They are kept by key and not in the record, so that a key never
	// has two polls in flight, whatever becomes of its record meanwhile.
	polling   map[types.NamespacedName]context.CancelFunc
	executing map[types.NamespacedName]context.CancelFunc
}

// New returns an Observer that watches nothing yet.
func New(config Config) *Observer {
	observer := &Observer{
		client:      config.Client,
		clock:       config.Clock,
		notify:      config.Notify,
		metrics:     config.Metrics,
		random:      config.Random,
		concurrency: config.Concurrency,
		wake:        make(chan struct{}, 1),
		records:     map[types.NamespacedName]*record{},
		polling:     map[types.NamespacedName]context.CancelFunc{},
		executing:   map[types.NamespacedName]context.CancelFunc{},
	}
	if observer.metrics == nil {
		observer.metrics = noMetrics{}
	}
	if observer.random == nil {
		observer.random = rand.Float64
	}
	if observer.concurrency <= 0 {
		observer.concurrency = defaultConcurrency
	}
	return observer
}

// Run polls and executes until ctx is done, and returns when all that it started has ended. The context is the
// leadership: answers that arrive after its end are dropped. Run must be called once.
func (o *Observer) Run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	logger.Info("Observer started", "concurrency", o.concurrency)
	var inFlight sync.WaitGroup
	timer := o.clock.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if wait, planned := o.startDue(ctx, &inFlight); planned {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
		case <-timer.C():
		case <-o.wake:
		}
	}
	o.mu.Lock()
	o.stopped = true
	o.mu.Unlock()
	inFlight.Wait()
	logger.Info("Observer stopped")
}

// Watch says what is to be observed of a cluster. It is meant to be called at every sync: it does nothing where
// nothing changed.
func (o *Observer) Watch(key types.NamespacedName, target Target) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.clock.Now()
	current, found := o.records[key]
	if found && current.target == target {
		return
	}
	if !found || !current.target.sameJob(target) {
		o.remove(key)
		current = newRecord(key, target, now)
		o.records[key] = current
		o.planPoll(current, now)
		return
	}
	if pull := current.retarget(target, now); !pull.IsZero() {
		o.planPoll(current, pull)
	}
	if target.Pace == Paused {
		o.polls.remove(&current.poll)
	}
}

// Forget drops all that is known of a cluster and cancels what is in flight for it.
func (o *Observer) Forget(key types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remove(key)
}

// PollNow pulls the next poll of a cluster to now, for news from elsewhere (a pod became ready). A paused cluster is
// not polled.
func (o *Observer) PollNow(key types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if current, found := o.records[key]; found {
		o.planPoll(current, o.clock.Now())
	}
}

// Observation returns what is known of a cluster; the zero value where it is not watched. The caller owns the result.
func (o *Observer) Observation(key types.NamespacedName) flink.Observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	if current, found := o.records[key]; found {
		return current.observation.DeepCopy()
	}
	return flink.Observation{}
}

// Execute asks for an effect; its result arrives in Observation.Effects, with a Notify. It is meant to be called
// again until the result is the wanted one: an effect that is pending or accepted is not sent again, and one that
// was refused or whose outcome is unknown is sent again after a pause that grows with the attempts. An effect on
// another job than the target's is dropped.
func (o *Observer) Execute(key types.NamespacedName, effect flink.Effect) {
	o.mu.Lock()
	defer o.mu.Unlock()
	current, found := o.records[key]
	if !found || o.stopped || effect.JobID != current.target.JobID {
		return
	}
	if current.queueEffect(effect, o.clock.Now()) {
		o.planEffect(current)
	}
}

// remove forgets the record and ends what is on its way for it: the answers would be dropped anyway, and a poll that
// hangs would hold the new target's back. The caller holds the mutex.
func (o *Observer) remove(key types.NamespacedName) {
	current, found := o.records[key]
	if !found {
		return
	}
	delete(o.records, key)
	o.polls.remove(&current.poll)
	o.effects.remove(&current.effect)
	if cancel := o.polling[key]; cancel != nil {
		cancel()
	}
	if cancel := o.executing[key]; cancel != nil {
		cancel()
	}
}

// planPoll makes the next poll due at a time or earlier. While a poll is in flight, it asks for one right after it: the
// one in flight may have read what is outdated now. The caller holds the mutex.
func (o *Observer) planPoll(current *record, at time.Time) {
	switch {
	case current.target.Pace == Paused:
		return
	case o.polling[current.key] != nil:
		current.pollAgain = true
		return
	case current.poll.planned() && !at.Before(current.poll.at):
		return
	}
	o.polls.plan(&current.poll, at)
	o.signal()
}

// planEffect makes the first queued effect due. The caller holds the mutex.
func (o *Observer) planEffect(current *record) {
	if len(current.queue) == 0 || o.executing[current.key] != nil {
		return
	}
	o.effects.plan(&current.effect, current.queue[0].notBefore)
	o.signal()
}

func (o *Observer) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

type noMetrics struct{}

func (noMetrics) PollDone(bool, time.Duration, time.Duration)               {}
func (noMetrics) EffectDone(flink.EffectKind, flink.Outcome, time.Duration) {}
