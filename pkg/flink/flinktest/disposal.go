package flinktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// disposal is the deletion of a savepoint's files, known by an id that Flink chooses.
type disposal struct {
	location string
	done     bool
	// thrown is what it failed with, the cause last; empty for success.
	thrown []string
}

// HoldDisposals keeps disposals from coming to their end, until it is taken back.
func (m *JobManager) HoldDisposals(hold bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holdsDisposals = hold; !hold {
		for _, begun := range m.disposals {
			m.dispose(begun)
		}
	}
}

// FailDisposals has disposals fail with a message; an empty one has them succeed again.
func (m *JobManager) FailDisposals(message string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refusesDisposals = message
}

func (m *JobManager) dispose(begun *disposal) {
	if begun.done || m.holdsDisposals {
		return
	}
	begun.done = true
	var cause string
	switch stored, found := m.config.Storage.get(begun.location); {
	case m.refusesDisposals != "":
		cause = "java.io.IOException: " + m.refusesDisposals
	case !found || !stored.savepoint:
		cause = "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '" + begun.location + "' on file system 'file'."
	default:
		m.config.Storage.Delete(begun.location)
		m.ledger.Disposals = append(m.ledger.Disposals, begun.location)
		return
	}
	outer := "org.apache.flink.util.FlinkException: Could not dispose savepoint " + begun.location + "."
	begun.thrown = []string{outer, cause}
}

func (m *JobManager) serveDispose(writer http.ResponseWriter, asked call) {
	location, err := m.readDisposal(asked)
	switch {
	case err != nil:
		writeError(writer, http.StatusBadRequest, handlerException+"Request did not match expected format SavepointDisposalRequest.", err.Error())
		return
	case location == "":
		writeError(writer, http.StatusBadRequest, handlerException+"Field savepoint-path must not be omitted or be null.")
		return
	}
	begun := &disposal{location: location}
	// A count of its own: the names of savepoints do not depend on disposals.
	id := fmt.Sprintf("d%031x", len(m.disposals)+1)
	m.disposals[id] = begun
	m.dispose(begun)
	writeJSON(writer, http.StatusOK, map[string]string{"request-id": id})
}

func (m *JobManager) readDisposal(asked call) (string, error) {
	values := map[string]any{}
	if body := bytes.TrimSpace(asked.body); len(body) > 0 {
		if err := json.Unmarshal(body, &values); err != nil {
			return "", thrownFor(err)
		}
	}
	for key := range values {
		if key != "savepoint-path" && m.strict() {
			return "", errors.New(jackson + "databind.exc.UnrecognizedPropertyException: Unrecognized field \"" + key + "\"")
		}
	}
	location, _ := values["savepoint-path"].(string)
	return location, nil
}

func (m *JobManager) serveDisposal(writer http.ResponseWriter, asked call) {
	begun := m.disposals[strings.ToLower(asked.triggerID)]
	switch {
	case begun == nil:
		writeError(writer, http.StatusNotFound, "org.apache.flink.runtime.rest.NotFoundException: Operation not found under key: "+
			"org.apache.flink.runtime.rest.handler.async.OperationKey@1")
	case !begun.done:
		writeJSON(writer, http.StatusOK, object{"status": object{"id": "IN_PROGRESS"}, "operation": nil})
	case len(begun.thrown) > 0:
		frame := "\n\tat org.apache.flink.runtime.dispatcher.Dispatcher.disposeSavepoint(Dispatcher.java:1)\n"
		trace := begun.thrown[0] + frame
		for _, cause := range begun.thrown[1:] {
			trace += "Caused by: " + cause + frame + "\t... 3 more\n"
		}
		failure := object{"class": "org.apache.flink.util.FlinkException", "stack-trace": trace, "serialized-throwable": "rO0ABQ=="}
		writeJSON(writer, http.StatusOK, object{"status": object{"id": "COMPLETED"}, "operation": object{"failure-cause": failure}})
	default:
		writeJSON(writer, http.StatusOK, object{"status": object{"id": "COMPLETED"}, "operation": object{}})
	}
}
