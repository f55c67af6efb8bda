package flinktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// call is a request that found its route.
type call struct {
	route     Route
	jobID     string
	triggerID string
	body      []byte
	limit     int
	mode      string
}

// ServeHTTP implements http.Handler.
func (m *JobManager) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	asked, found := parse(request)
	if !found {
		writeJSON(writer, http.StatusNotFound, errorAnswer{[]string{"Unable to load requested file " + request.URL.Path + "."}})
		return
	}
	m.mu.Lock()
	m.requests = append(m.requests, asked.route)
	fault := m.spoils(asked.route)
	answer := httptest.NewRecorder()
	if fault == nil || fault.AfterEffect {
		m.serve(answer, asked)
	}
	m.mu.Unlock()
	if fault != nil {
		fault.answer(writer, request)
		return
	}
	writer.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	writer.WriteHeader(answer.Code)
	_, _ = writer.Write(answer.Body.Bytes())
}

func parse(request *http.Request) (call, bool) {
	segments := strings.Split(strings.Trim(strings.TrimPrefix(request.URL.Path, "/v1"), "/"), "/")
	var asked call
	pattern := slices.Clone(segments)
	if len(segments) > 1 && segments[0] == "jobs" && segments[1] != "overview" {
		asked.jobID, pattern[1] = segments[1], ":id"
	}
	if len(segments) == 4 && segments[2] == "savepoints" {
		asked.triggerID, pattern[3] = segments[3], ":trigger"
	}
	if len(segments) == 2 && segments[0] == "savepoint-disposal" {
		asked.triggerID, pattern[1] = segments[1], ":trigger"
	}
	asked.route = Route(request.Method + " /" + strings.Join(pattern, "/"))
	asked.mode = request.URL.Query().Get("mode")
	asked.limit, _ = strconv.Atoi(request.URL.Query().Get("maxExceptions"))
	asked.body, _ = io.ReadAll(request.Body)
	return asked, slices.Contains([]Route{
		RouteConfig, RouteJobs, RouteCheckpoints, RouteExceptions, RouteOperation, RouteSavepoint, RouteStop, RouteCancel,
		RouteDispose, RouteDisposal,
	}, asked.route)
}

// serve answers under the mutex, into a recorder.
func (m *JobManager) serve(writer http.ResponseWriter, asked call) {
	if refusal := asked.unreadable(); refusal != "" {
		writeError(writer, http.StatusBadRequest, handlerException+"Bad request, could not parse parameters: "+refusal,
			"org.apache.flink.runtime.rest.handler.HandlerRequestException: "+refusal)
		return
	}
	switch asked.route {
	case RouteConfig:
		writeJSON(writer, http.StatusOK, newConfigAnswer(m.config.Version))
	case RouteJobs:
		writeJSON(writer, http.StatusOK, m.jobsAnswer())
	case RouteSavepoint, RouteStop:
		m.serveTrigger(writer, asked)
	case RouteOperation:
		m.serveOperation(writer, asked)
	case RouteCancel:
		m.serveCancel(writer, asked)
	case RouteDispose:
		m.serveDispose(writer, asked)
	case RouteDisposal:
		m.serveDisposal(writer, asked)
	default:
		m.serveStatistics(writer, asked)
	}
}

func (m *JobManager) serveStatistics(writer http.ResponseWriter, asked call) {
	target := m.find(asked.jobID)
	switch {
	case target == nil:
		writeError(writer, http.StatusNotFound,
			"org.apache.flink.runtime.rest.NotFoundException: Job "+asked.jobID+" not found", jobNotFound(asked.jobID))
	case asked.route == RouteCheckpoints:
		writeJSON(writer, http.StatusOK, m.cached(target, asked.route, newCheckpointsAnswer(target)))
	default:
		answer := newExceptionsAnswer(target, asked.limit, m.legacy())
		writeJSON(writer, http.StatusOK, m.cached(target, asked.route, answer))
	}
}

// cached returns the answer of some time ago where it is young enough, as Flink does.
func (m *JobManager) cached(of *job, route Route, fresh any) any {
	now := m.config.Clock.Now()
	if earlier, found := of.cached[route]; found && now.Sub(earlier.at) < m.config.StatisticsCache {
		return earlier.answer
	}
	if of.cached == nil {
		of.cached = make(map[Route]cachedAnswer)
	}
	of.cached[route] = cachedAnswer{at: now, answer: fresh}
	return fresh
}

func (m *JobManager) serveOperation(writer http.ResponseWriter, asked call) {
	found := m.operations[operationKey{asked.jobID, asked.triggerID}]
	if found == nil {
		writeError(writer, http.StatusNotFound, handlerException+"There is no savepoint operation with triggerId="+
			asked.triggerID+" for job "+asked.jobID+".")
		return
	}
	m.poll(asked.jobID, found)
	writeJSON(writer, http.StatusOK, newOperationAnswer(found))
}

func (m *JobManager) serveCancel(writer http.ResponseWriter, asked call) {
	if asked.mode == "stop" {
		writeError(writer, http.StatusPermanentRedirect, handlerException+"The termination mode \"stop\" has been removed.")
		return
	}
	switch status := m.cancel(asked.jobID); status {
	case http.StatusAccepted:
		writeJSON(writer, status, struct{}{})
	case http.StatusNotFound:
		writeError(writer, status, handlerException+"Job could not be found.", jobNotFound(asked.jobID))
	default:
		writeError(writer, status, handlerException+"Job cancellation failed "+
			"because the job has already reached another terminal state ("+string(m.find(asked.jobID).status)+").")
	}
}

// strict says whether unknown keys are refused (through 1.19).
func (m *JobManager) strict() bool {
	major, minor := m.version()
	return major == 1 && minor < 20
}

func (m *JobManager) takesTriggerID() bool {
	major, minor := m.version()
	return major > 1 || minor >= 15
}

// legacy says whether the fields that 2.0 removed are there.
func (m *JobManager) legacy() bool {
	major, _ := m.version()
	return major == 1
}

func (m *JobManager) version() (major, minor int) {
	parts := append(strings.Split(m.config.Version, "."), "0", "0")
	major, _ = strconv.Atoi(parts[0])
	minor, _ = strconv.Atoi(parts[1])
	return major, minor
}
