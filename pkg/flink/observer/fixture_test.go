package observer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	jobID     = "00000000000000000000000000000001"
	otherID   = "00000000000000000000000000000002"
	triggerID = "0123456789abcdef0123456789abcdef"
	baseURL   = "http://one:8081"
)

var (
	cluster = types.NamespacedName{Namespace: "ns", Name: "one"}

	errSilent = errors.New("connection refused")
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// fakeClient answers from its fields and counts the calls of each host.
type fakeClient struct {
	mu          sync.Mutex
	version     string
	jobs        []flink.Job
	err         error
	statistics  *flink.CheckpointStatistics
	exceptions  []string
	operation   flink.OperationState
	cause       string
	outcome     flink.Outcome
	requestID   string
	hang        map[string]bool
	hangEffects bool
	panics      bool

	polls      map[string][]time.Time
	calls      []string
	effects    []flink.Effect
	inFlight   map[string]int
	maxPerHost int
	total      int
	maxTotal   int
	operations []string
}

func newFakeClient() *fakeClient {
	return &fakeClient{
		version: "2.1.3", jobs: []flink.Job{running(jobID)}, statistics: &flink.CheckpointStatistics{},
		operation: flink.OperationInProgress, outcome: flink.OutcomeAccepted, hang: map[string]bool{},
		polls: map[string][]time.Time{}, inFlight: map[string]int{},
	}
}

func running(id string) flink.Job {
	return flink.Job{ID: id, Status: flink.JobRunning, RunningTasks: 1, TotalTasks: 1}
}

func (c *fakeClient) set(change func(*fakeClient)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *fakeClient) called(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, name)
}

func (c *fakeClient) count(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := 0
	for _, call := range c.calls {
		if call == name {
			found++
		}
	}
	return found
}

func (c *fakeClient) JobsOverview(ctx context.Context, host string) ([]flink.Job, error) {
	c.mu.Lock()
	c.polls[host] = append(c.polls[host], time.Now())
	c.inFlight[host]++
	c.total++
	c.maxPerHost, c.maxTotal = max(c.maxPerHost, c.inFlight[host]), max(c.maxTotal, c.total)
	hang, panics := c.hang[host], c.panics
	c.mu.Unlock()
	if hang {
		<-ctx.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight[host]--
	c.total--
	if panics {
		panic("a poisoned answer")
	}
	if hang {
		return nil, ctx.Err()
	}
	return append([]flink.Job(nil), c.jobs...), c.err
}

func (c *fakeClient) Version(context.Context, string) (string, error) {
	c.called("Version")
	return c.version, nil
}

func (c *fakeClient) Checkpoints(context.Context, string, string) (*flink.CheckpointStatistics, error) {
	c.called("Checkpoints")
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statistics.DeepCopy(), nil
}

func (c *fakeClient) Exceptions(context.Context, string, string) ([]string, error) {
	c.called("Exceptions")
	return c.exceptions, nil
}

func (c *fakeClient) Operation(_ context.Context, _, job, trigger string) (flink.Operation, error) {
	c.called("Operation")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.operations = append(c.operations, trigger)
	return flink.Operation{JobID: job, TriggerID: trigger, State: c.operation}, nil
}

func (c *fakeClient) Disposal(_ context.Context, _, request string) (flink.Operation, error) {
	c.called("Disposal")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.operations = append(c.operations, request)
	return flink.Operation{TriggerID: request, State: c.operation, Cause: c.cause}, nil
}

func (c *fakeClient) Execute(ctx context.Context, _, _ string, effect flink.Effect) flink.EffectResult {
	c.mu.Lock()
	c.effects = append(c.effects, effect)
	hang := c.hangEffects
	c.mu.Unlock()
	if hang {
		<-ctx.Done()
		return flink.EffectResult{Effect: effect, Outcome: flink.OutcomeUnknown, Message: ctx.Err().Error()}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return flink.EffectResult{Effect: effect, Outcome: c.outcome, RequestID: c.requestID}
}

func (c *fakeClient) effectCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.effects)
}

// pollTimes returns when a host was polled, counted from the start of the test.
func (c *fakeClient) pollTimes(host string, start time.Time) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var times []time.Duration
	for _, at := range c.polls[host] {
		times = append(times, at.Sub(start))
	}
	return times
}

// fixture is a running Observer in virtual time.
type fixture struct {
	*Observer
	client *fakeClient
	start  time.Time

	mu       sync.Mutex
	notified map[types.NamespacedName]int
}

// run calls the test in a bubble of virtual time with a running Observer without jitter, and stops it afterwards.
func run(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{client: newFakeClient(), start: time.Now(), notified: map[types.NamespacedName]int{}}
		f.Observer = New(Config{
			Client: f.client, Clock: clock.RealClock{}, Notify: f.notify,
			Random: func() float64 { return 0.5 },
		})
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
		ended := make(chan struct{})
		go func() {
			f.Run(ctx)
			close(ended)
		}()
		test(t, f)
		cancel()
		<-ended
	})
}

func (f *fixture) notify(key types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notified[key]++
}

// notifications returns how often the cluster was notified since the last call.
func (f *fixture) notifications() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := f.notified[cluster]
	f.notified[cluster] = 0
	return count
}

// advance lets virtual time pass and everything that happens in it come to rest.
func advance(duration time.Duration) {
	time.Sleep(duration)
	synctest.Wait()
}

func target(pace Pace) Target {
	return Target{UID: "uid", BaseURL: baseURL, JobID: jobID, Pace: pace}
}

func named(number int) (types.NamespacedName, Target) {
	name := fmt.Sprintf("c%d", number)
	return types.NamespacedName{Namespace: "ns", Name: name},
		Target{UID: name, BaseURL: "http://" + name + ":8081", JobID: jobID, Pace: Stable}
}
