package world

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
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
	// Watch: it is a watch of the API server.
	Watch    bool
	Operator *Operator
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

// Fault is what can go wrong with a call.
type Fault string

// The faults.
const (
	NoFault Fault = ""
	// RequestLost: the connection breaks before the request arrives.
	RequestLost Fault = "request lost"
	// AnswerLost: it is carried out, and the connection breaks before the answer arrives.
	AnswerLost Fault = "answer lost"
	// Refused: 409 by the API server, which says that the object has changed; 503 by Flink. Nothing is carried out.
	Refused Fault = "refused"
	// CrashBefore and CrashAfter: the operator ends before or after the request is carried out, with all that it has in
	// memory. Another one starts soon.
	CrashBefore Fault = "crash before"
	CrashAfter  Fault = "crash after"
)

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
	injector := w.injector
	w.mutex.Unlock()
	call.At = time.Since(w.began)
	switch {
	case call.Operator.crashed():
		return RequestLost
	case injector != nil:
		call.Fault = injector(call)
	}
	w.mutex.Lock()
	w.calls = append(w.calls, call)
	w.mutex.Unlock()
	if call.Write || call.Fault != NoFault {
		w.note("%s", call)
	}
	if call.Fault == CrashBefore || call.Fault == CrashAfter {
		call.Operator.Crash()
	}
	return call.Fault
}

// interceptKubernetes finds the operator of a request by its user agent. Requests of others pass.
func (w *World) interceptKubernetes(_ context.Context, request fixture.Request) *fixture.Fault {
	operator := w.operatorOf(request.UserAgent)
	if operator == nil {
		return nil
	}
	//nolint:contextcheck // A crash starts a new operator, which outlives the request.
	switch w.asked(Call{
		To: Kubernetes, What: request.String(), Write: request.IsWrite(), Watch: request.Verb == "watch", Operator: operator,
	}) {
	case RequestLost, CrashBefore:
		return &fixture.Fault{Err: syscall.ECONNREFUSED}
	case AnswerLost, CrashAfter:
		return &fixture.Fault{Err: io.ErrUnexpectedEOF, Applied: true}
	case Refused:
		resource := schema.GroupResource{Resource: request.Resource}
		return &fixture.Fault{Err: apierrors.NewConflict(resource, request.Name, errInjected)}
	case NoFault:
	}
	return nil
}

var (
	errInjected = fmt.Errorf("the object has been modified (injected)")
	flinkID     = regexp.MustCompile(`[0-9a-f]{32}`)
)

// flinkTransport carries the requests of one operator to JobManagers.
type flinkTransport struct {
	operator *Operator
}

func (f flinkTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	w := f.operator.world
	fault := w.asked(Call{
		To: Flink, What: request.Method + " " + flinkID.ReplaceAllString(request.URL.Path, ":id"),
		Write: request.Method != http.MethodGet, Operator: f.operator,
	})
	switch fault {
	case RequestLost, CrashBefore:
		return nil, syscall.ECONNREFUSED
	case Refused:
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: request}, nil
	case NoFault, AnswerLost, CrashAfter:
	}
	response, err := w.network.RoundTrip(request)
	if err != nil || fault == NoFault {
		return response, err
	}
	_ = response.Body.Close()
	return nil, io.ErrUnexpectedEOF
}
