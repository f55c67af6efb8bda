package flinktest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// The types below have the fields and spelling of Flink 2.1.

type errorAnswer struct {
	Errors []string `json:"errors"`
}

type object = map[string]any

// writeError answers the way Flink's handlers do: the message and its whole stack trace in one string.
func writeError(writer http.ResponseWriter, status int, message string) {
	frame := "\n\tat org.apache.flink.runtime.rest.handler.AbstractHandler.handleRequest(AbstractHandler.java:123)"
	writeJSON(writer, status, errorAnswer{[]string{message + strings.Repeat(frame, 150) + "\n"}})
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
		tasks[rest] = listed.total - listed.running
		rows = append(rows, object{
			"jid": listed.id, "name": "job", "state": listed.status, "start-time": listed.start.UnixMilli(),
			"end-time": end, "duration": m.config.Clock.Since(listed.start).Milliseconds(),
			"last-modification": listed.start.UnixMilli(), "tasks": tasks, "pending-operators": 0,
		})
	}
	return object{"jobs": rows}
}

func newCheckpointsAnswer(of *job) object {
	var completed, savepoint, restored any
	history := []object{}
	for _, listed := range of.history {
		row := newSnapshotRow(listed)
		if listed.savepoint && savepoint == nil {
			savepoint = row
		} else if !listed.savepoint && completed == nil {
			completed = row
		}
		if len(history) < 10 {
			history = append(history, row)
		}
	}
	restoredCount := 0
	if of.restored != nil {
		restoredCount = 1
		restored = object{
			"id": of.restored.id, "restore_timestamp": of.restored.at.UnixMilli(), "is_savepoint": of.restored.savepoint,
			"external_path": of.restored.location,
		}
	}
	return object{
		"counts": object{
			"restored": restoredCount, "total": len(of.history), "in_progress": 0, "completed": len(of.history), "failed": 0,
		},
		"latest": object{
			"completed": completed, "savepoint": savepoint, "failed": nil, "restored": restored,
		},
		"history": history,
	}
}

func newSnapshotRow(of *snapshot) object {
	kind := "CHECKPOINT"
	switch {
	case of.stop:
		kind = "SYNC_SAVEPOINT"
	case of.savepoint:
		kind = "SAVEPOINT"
	}
	row := object{
		"className": "completed", "id": of.id, "status": "COMPLETED", "is_savepoint": of.savepoint,
		"trigger_timestamp": of.at.UnixMilli(), "latest_ack_timestamp": of.at.Add(time.Millisecond).UnixMilli(),
		"state_size": 1024, "checkpointed_size": 1024, "end_to_end_duration": 1, "alignment_buffered": 0,
		"processed_data": 0, "persisted_data": 0, "num_subtasks": 1, "num_acknowledged_subtasks": 1,
		"checkpoint_type": kind, "tasks": object{}, "external_path": of.location, "discarded": of.discarded,
	}
	if of.savepoint {
		row["savepointFormat"] = "CANONICAL"
	}
	return row
}

func newExceptionsAnswer(of *job, limit int, legacy bool) object {
	if limit <= 0 {
		limit = 20
	}
	entries := []object{}
	for _, raised := range of.exceptions[:min(limit, len(of.exceptions))] {
		entries = append(entries, object{
			"exceptionName": raised.name, "stacktrace": raised.trace, "timestamp": raised.at.UnixMilli(),
			"failureLabels": object{}, "taskName": nil, "endpoint": nil, "taskManagerId": nil,
			"concurrentExceptions": []object{},
		})
	}
	answer := object{"exceptionHistory": object{"entries": entries, "truncated": len(of.exceptions) > limit}}
	if legacy && len(of.exceptions) > 0 {
		answer["root-exception"] = of.exceptions[0].trace
		answer["timestamp"] = of.exceptions[0].at.UnixMilli()
		answer["all-exceptions"] = []object{}
		answer["truncated"] = false
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
