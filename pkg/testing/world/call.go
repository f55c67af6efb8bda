package world

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
)

// A test that makes more calls or more writes than these goes round in circles, and would do so for ever where no virtual
// time passes. The longest stories make 2,400 calls and 60 writes; two leaders that differ write once a second.
const (
	mostCalls  = 20_000
	mostWrites = 3_000
)

// System is whom an operator calls.
type System string

// The systems.
const (
	Kubernetes System = "Kubernetes"
	Flink      System = "Flink"
)

// Call is a request of an operator.
type Call struct {
	To System
	// What is asked for, such as "update flinkclusters/status default/a" or "POST /jobs/:id/savepoints".
	What string
	// Write: it is to change something.
	Write bool
	// Watch: it is a watch of the API server. Notification: it is no request but a change that a watch is about to tell.
	Watch        bool
	Notification bool
	Operator     *Operator
	// At is when it was made, counted from the beginning of the world.
	At time.Duration
	// Fault is what went wrong.
	Fault Fault
}

func (c Call) String() string {
	text := fmt.Sprintf("%s %s: %s", c.Operator.Name, c.To, c.What)
	if c.Fault != "" {
		text += " <- " + string(c.Fault)
	}
	return text
}

// Applied says whether the call was carried out, as far as its fault tells.
func (c Call) Applied() bool { return c.Fault == NoFault || c.Fault.applied() }

// Injector says what goes wrong with a call, before it is carried out. It may be asked by several goroutines at once,
// and it may use the world.
type Injector func(call Call) Fault

// Inject has all calls from now on looked at by an injector, in place of the one before; nil for none.
func (w *World) Inject(injector Injector) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.injector = injector
}

// Nth spoils the call of a given number, counted from 1, among those that are matched.
func Nth(number int, matches func(Call) bool, fault Fault) Injector {
	return AtNth(number, matches, func(Call) Fault { return fault })
}

// AtNth has something done at the call of a given number, counted from 1, among those that are matched.
func AtNth(number int, matches func(Call) bool, do Injector) Injector {
	var mutex sync.Mutex
	seen := 0
	return func(call Call) Fault {
		if !matches(call) {
			return NoFault
		}
		mutex.Lock()
		seen++
		hit := seen == number
		mutex.Unlock()
		if !hit {
			return NoFault
		}
		return do(call)
	}
}

// BeforeCall has something done once, before a call is carried out.
func (w *World) BeforeCall(what string, do func()) {
	var once sync.Once
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.before = func(call Call) {
		if call.What == what {
			once.Do(do)
		}
	}
}

// IsWrite matches the writes to the API server, IsEffect what Flink is asked to do.
func IsWrite(call Call) bool { return call.To == Kubernetes && call.Write }

// IsEffect matches the requests that have Flink do something.
func IsEffect(call Call) bool { return call.To == Flink && call.Write }

// IsStatusWrite matches the writes of FlinkCluster.status.
func IsStatusWrite(call Call) bool {
	return IsWrite(call) && statusWrite.MatchString(call.What)
}

var statusWrite = regexp.MustCompile(`^update flinkclusters/status `)

// Calls returns the calls of all operators so far, in order, as far as they are matched.
func (w *World) Calls(matches func(Call) bool) []Call {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.DeleteFunc(slices.Clone(w.calls), func(call Call) bool { return !matches(call) })
}

// Writes lists the writes to the API server so far.
func (w *World) Writes() []string {
	var found []string
	for _, call := range w.Calls(IsWrite) {
		found = append(found, call.What)
	}
	return found
}

// ForgetCalls begins the list of calls anew.
func (w *World) ForgetCalls() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.calls = nil
}

// asked records a call and returns what goes wrong with it.
func (w *World) asked(call Call) Fault {
	w.mutex.Lock()
	injector, before := w.injector, w.before
	w.mutex.Unlock()
	if before != nil {
		before(call)
	}
	call.At = time.Since(w.began)
	switch {
	case call.Operator.crashed():
		return RequestLost
	case injector != nil:
		call.Fault = injector(call)
	}
	w.mutex.Lock()
	w.calls = append(w.calls, call)
	w.asks++
	if call.Write {
		w.writes++
	}
	asks, writes := w.asks, w.writes
	w.mutex.Unlock()
	if asks > mostCalls || writes > mostWrites {
		w.Violate(OracleEndless, "%d calls, %d of them writes", asks, writes)
		call.Operator.Fence()
		return RequestLost
	}
	if call.Write || call.Fault != NoFault {
		w.note("%s", call)
	}
	if call.Fault == CrashBefore || call.Fault == CrashAfter {
		call.Operator.Crash()
	}
	return call.Fault
}
