package flinktest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// The types below have the fields and spelling of Flink 2.1.

type errorAnswer struct {
	Errors []string `json:"errors"`
}

type object = map[string]any

// handlerException is what most refusals begin with.
const handlerException = "org.apache.flink.runtime.rest.handler.RestHandlerException: "

func jobNotFound(id string) string {
	return "org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (" + id + ")"
}

// writeError answers the way Flink's handlers do: what was thrown, its whole stack trace and its causes in one string.
func writeError(writer http.ResponseWriter, status int, thrown string, causes ...string) {
	frame := "\n\tat org.apache.flink.runtime.rest.handler.AbstractHandler.handleRequest(AbstractHandler.java:123)"
	text := thrown + strings.Repeat(frame, 150) + "\n"
	for _, cause := range causes {
		text += "Caused by: " + cause + frame + "\n\t... 3 more\n"
	}
	writeJSON(writer, status, errorAnswer{[]string{text}})
}

func writeJSON(writer http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	writer.Header().Set("Content-Type", "application/json; charset=UTF-8")
	writer.WriteHeader(status)
	_, _ = writer.Write(encoded)
}

func newConfigAnswer(version string) object {
	return object{
		"refresh-interval": 3000, "timezone-name": "Coordinated Universal Time", "timezone-offset": 0,
		"flink-version": version, "flink-revision": "DeadD0d0 @ 1970-01-01T01:00:00+01:00",
		"features": object{"web-submit": false, "web-cancel": false, "web-rescale": false, "web-history": false},
	}
}

type jobsAnswer struct {
	Jobs []jobRow `json:"jobs"`
}

type jobRow struct {
	ID               string          `json:"jid"`
	Name             string          `json:"name"`
	State            flink.JobStatus `json:"state"`
	Start            int64           `json:"start-time"`
	End              int64           `json:"end-time"`
	Duration         int64           `json:"duration"`
	LastModification int64           `json:"last-modification"`
	Tasks            taskCounts      `json:"tasks"`
	PendingOperators *int            `json:"pending-operators,omitempty"`
}

type taskCounts struct {
	Total        int `json:"total"`
	Created      int `json:"created"`
	Scheduled    int `json:"scheduled"`
	Deploying    int `json:"deploying"`
	Running      int `json:"running"`
	Finished     int `json:"finished"`
	Canceling    int `json:"canceling"`
	Canceled     int `json:"canceled"`
	Failed       int `json:"failed"`
	Reconciling  int `json:"reconciling"`
	Initializing int `json:"initializing"`
}

func (m *JobManager) jobsAnswer() jobsAnswer {
	answer := jobsAnswer{Jobs: []jobRow{}}
	for _, listed := range m.jobs {
		row := jobRow{
			ID: listed.id, Name: "job", State: listed.status, Start: listed.start.UnixMilli(), End: -1,
			Duration: m.config.Clock.Since(listed.start).Milliseconds(), LastModification: listed.start.UnixMilli(), Tasks: newTaskCounts(listed),
		}
		if !listed.end.IsZero() {
			row.End = listed.end.UnixMilli()
		}
		if !m.legacy() {
			row.PendingOperators = new(0)
		}
		answer.Jobs = append(answer.Jobs, row)
	}
	return answer
}

func newTaskCounts(of *job) taskCounts {
	counts := taskCounts{Total: of.total, Running: of.running}
	rest := of.total - of.running
	//exhaustive:ignore
	switch of.status {
	case flink.JobFinished:
		counts.Finished = rest
	case flink.JobCanceled:
		counts.Canceled = rest
	case flink.JobFailed:
		counts.Failed = rest
	case flink.JobRunning:
		// They wait for a slot.
		counts.Scheduled = rest
	default:
		counts.Initializing = rest
	}
	return counts
}

func newExceptionsAnswer(of *job, limit int, legacy bool) object {
	if limit <= 0 {
		limit = 20
	}
	entries := []object{}
	for _, raised := range of.exceptions[:min(limit, len(of.exceptions))] {
		entries = append(entries, object{
			"exceptionName": raised.name, "stacktrace": raised.trace, "timestamp": raised.at.UnixMilli(),
			"failureLabels": object{}, "concurrentExceptions": []object{},
		})
	}
	answer := object{"exceptionHistory": object{"entries": entries, "truncated": len(of.exceptions) > limit}}
	if !legacy {
		return answer
	}
	answer["root-exception"], answer["timestamp"] = nil, nil
	answer["all-exceptions"], answer["truncated"] = []object{}, false
	if len(of.exceptions) > 0 {
		answer["root-exception"], answer["timestamp"] = of.exceptions[0].trace, of.exceptions[0].at.UnixMilli()
	}
	return answer
}

func newOperationAnswer(of *operation) object {
	if !of.done {
		return object{"status": object{"id": "IN_PROGRESS"}, "operation": nil}
	}
	result := object{"location": of.location}
	if of.class != "" {
		result = object{"failure-cause": object{
			"class": "java.util.concurrent.CompletionException", "stack-trace": of.trace, "serialized-throwable": "rO0ABQ==",
		}}
	}
	return object{"status": object{"id": "COMPLETED"}, "operation": result}
}
