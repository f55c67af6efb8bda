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

func (m *JobManager) jobsAnswer() object {
	rows := []object{}
	for _, listed := range m.jobs {
		end := int64(-1)
		if !listed.end.IsZero() {
			end = listed.end.UnixMilli()
		}
		tasks := object{
			"total": listed.total, "created": 0, "scheduled": 0, "deploying": 0, "running": listed.running,
			"finished": 0, "canceling": 0, "canceled": 0, "failed": 0, "reconciling": 0, "initializing": 0,
		}
		rest := "initializing"
		if listed.status.Terminal() {
			rest = strings.ToLower(string(listed.status))
		}
		if listed.status == flink.JobRunning {
			// They wait for a slot.
			rest = "scheduled"
		}
		tasks[rest] = listed.total - listed.running
		row := object{
			"jid": listed.id, "name": "job", "state": listed.status, "start-time": listed.start.UnixMilli(),
			"end-time": end, "duration": m.config.Clock.Since(listed.start).Milliseconds(),
			"last-modification": listed.start.UnixMilli(), "tasks": tasks,
		}
		if !m.legacy() {
			row["pending-operators"] = 0
		}
		rows = append(rows, row)
	}
	return object{"jobs": rows}
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
