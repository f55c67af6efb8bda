package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// How long things take, in virtual time.
const (
	// PodStarts is the time from the making of a pod to the start of its process, PodReady that from there to ready.
	PodStarts = time.Second
	PodReady  = time.Second
	// PodStops is how long a pod that is deleted still runs.
	PodStops = 500 * time.Millisecond
	// SavepointTakes is the time from the trigger of a savepoint to its end.
	SavepointTakes = 500 * time.Millisecond
	// BrokenEnds is how long a JobManager of a broken image runs.
	BrokenEnds = 5 * time.Second
	// OperatorRestarts is the time from a crash of an operator to the start of the next one.
	OperatorRestarts = 2 * time.Second
	// patience is how long Eventually waits.
	patience = 10 * time.Minute
)

// World is one Kubernetes cluster with Flink clusters on it. Its methods must be called in its bubble.
type World struct {
	// API is the API server. Tests change objects through it as users and other controllers would.
	API *fixture.API
	// Storage holds the files of snapshots. It outlives JobManagers.
	Storage *flinktest.Storage

	t       testing.TB
	network *flinktest.Network
	kubelet *kubelet
	began   time.Time
	// ends is done when the test has ended; running counts what has to end with it.
	ends    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mutex     sync.Mutex
	operators []*Operator
	injector  Injector
	before    func(Call)
	calls     []Call
	events    []v1beta1.Event
	history   []string
	processes []*Process
	// savepointsHeld: savepoints that are begun do not end before they are released.
	savepointsHeld bool
	// podStops is how long a pod that is deleted still runs.
	podStops time.Duration
	version  string
	// asks counts all calls, writes those that change something. notifications: those of watches are counted and may be
	// spoilt too.
	asks, writes  int
	notifications bool
	violations    []Violation
	// ended are the job ids with high availability that have ended for good.
	ended []string
	// recovery is how long a JobManager with high availability that starts anew takes until it lists its job.
	recovery time.Duration
	// wishes are the specs that users have written, by cluster.
	wishes map[string][]wish
	// reasons are why the savepoints were taken, by trigger id, as the status told when they began.
	reasons map[string]v1beta1.SavepointReason
	// discarded are the snapshots that users have asked to throw away, by cluster.
	discarded map[string]discarded
}

// Test runs a test in a world of its own. An operator is not started yet.
func Test(t *testing.T, test func(t *testing.T, w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, New(t))
	})
}

// New makes a world that ends with the test, which must run in a bubble.
func New(t testing.TB) *World {
	w := &World{
		API:     fixture.New(nil),
		Storage: flinktest.NewStorage(),
		t:       t,
		network: flinktest.NewNetwork(),
		began:   time.Now(),
		version: "2.1.3", podStops: PodStops, wishes: map[string][]wish{}, discarded: map[string]discarded{}, reasons: map[string]v1beta1.SavepointReason{},
	}
	w.ends, w.end = context.WithCancel(context.WithoutCancel(t.Context()))
	w.API.Intercept(w.interceptKubernetes)
	w.kubelet = newKubelet(w)
	w.running.Go(w.kubelet.run)
	t.Cleanup(w.close)
	return w
}

func (w *World) close() {
	w.end()
	w.running.Wait()
	if w.t.Failed() {
		w.t.Log("what happened:\n" + w.History())
	}
}

// T is the test that the world belongs to.
func (w *World) T() testing.TB { return w.t }

// FlinkVersion is what the JobManagers that start from now on say of themselves.
func (w *World) FlinkVersion(version string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.version = version
}

// SlowPods has pods that are deleted run on for a while.
func (w *World) SlowPods(stops time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.podStops = stops
}

func (w *World) podsStopAfter() time.Duration {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.podStops
}

// Settle lets time pass.
func (w *World) Settle(duration time.Duration) {
	time.Sleep(duration)
	synctest.Wait()
}

// Eventually waits until a condition holds, and fails the test if that takes more than a few minutes. It returns how
// long it took.
func (w *World) Eventually(what string, condition func() bool) time.Duration {
	w.t.Helper()
	return w.Within(patience, what, condition)
}

// Within is Eventually for what takes its time.
func (w *World) Within(patience time.Duration, what string, condition func() bool) time.Duration {
	w.t.Helper()
	start := time.Now()
	for time.Since(start) < patience {
		synctest.Wait()
		if condition() {
			return time.Since(start)
		}
		// Long waits are not looked at so closely: each look costs real time.
		time.Sleep(max(50*time.Millisecond, time.Since(start)/20))
	}
	for _, cluster := range fixture.List[v1beta1.FlinkCluster](w.t, w.API, "") {
		w.t.Logf("FlinkCluster %s: %s", cluster.Name, w.Summary(cluster.Name))
	}
	w.Violate(OracleStuck, "it did not come about within %s that %s", patience, what)
	w.t.FailNow()
	return 0
}

// note adds a line to the history.
func (w *World) note(format string, arguments ...any) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.history = append(w.history, fmt.Sprintf("%12s  ", time.Since(w.began))+fmt.Sprintf(format, arguments...))
}

// History tells what happened: calls of the operators but for reads, pods, JobManagers and events, in order.
func (w *World) History() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	const longest = 400
	lines := w.history[max(0, len(w.history)-longest):]
	return strings.Join(lines, "\n")
}

// Events returns the events that operators reported, in order.
func (w *World) Events() []v1beta1.Event {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.events)
}

// EventReasons returns the reasons of the events that operators reported, in order.
func (w *World) EventReasons() []v1beta1.EventReason {
	var reasons []v1beta1.EventReason
	for _, event := range w.Events() {
		reasons = append(reasons, event.Reason)
	}
	return reasons
}

func (w *World) clock() clock.WithTicker {
	return clock.RealClock{}
}
