package flinktest

import (
	"net/http"
)

// Route names a kind of request.
type Route string

// The routes that are served, each bare and below /v1.
const (
	RouteConfig      Route = "GET /config"
	RouteJobs        Route = "GET /jobs/overview"
	RouteCheckpoints Route = "GET /jobs/:id/checkpoints"
	RouteExceptions  Route = "GET /jobs/:id/exceptions"
	RouteOperation   Route = "GET /jobs/:id/savepoints/:trigger"
	RouteSavepoint   Route = "POST /jobs/:id/savepoints"
	RouteStop        Route = "POST /jobs/:id/stop"
	RouteCancel      Route = "PATCH /jobs/:id"
	RouteDispose     Route = "POST /savepoint-disposal"
	RouteDisposal    Route = "GET /savepoint-disposal/:trigger"
	// AnyRoute in a Fault matches all of them.
	AnyRoute Route = ""
)

// Fault spoils requests of one route.
type Fault struct {
	Route Route
	// Nth is the request to spoil, counted from 1 at Inject among those of the route; 0 spoils every one.
	Nth int
	// AfterEffect lets the request do its work first, so that only the answer is spoiled.
	AfterEffect bool
	// Status is the answer. 0 stands for no answer: the connection breaks, or with Hang stays silent until the client
	// gives up.
	Status int
	Hang   bool

	seen int
}

// Inject adds a fault. Faults are tried in order; the first that applies spoils the request.
func (m *JobManager) Inject(fault Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, &fault)
}

// ClearFaults removes all faults.
func (m *JobManager) ClearFaults() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = nil
}

// spoils returns the fault for a request. Every fault counts every request of its route.
func (m *JobManager) spoils(route Route) *Fault {
	var hit *Fault
	for _, fault := range m.faults {
		if fault.Route != AnyRoute && fault.Route != route {
			continue
		}
		fault.seen++
		if hit == nil && (fault.Nth == 0 || fault.Nth == fault.seen) {
			hit = fault
		}
	}
	return hit
}

func (f *Fault) answer(writer http.ResponseWriter, request *http.Request) {
	if f.Hang {
		<-request.Context().Done()
	}
	if f.Status == 0 || f.Hang {
		// net/http closes the connection without an answer, and so does Network.
		panic(http.ErrAbortHandler)
	}
	writeError(writer, f.Status, "org.apache.flink.Model: injected fault")
}
