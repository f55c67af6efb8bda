package flinktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var flinkID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// unreadable says what of the address Flink cannot read, empty for nothing.
func (c *call) unreadable() string {
	switch {
	case c.jobID != "" && !flinkID.MatchString(c.jobID):
		return "Cannot resolve path parameter (jobid) from value \"" + c.jobID + "\"."
	case c.triggerID != "" && !flinkID.MatchString(c.triggerID):
		return "Cannot resolve path parameter (triggerid) from value \"" + c.triggerID + "\"."
	case c.route == RouteCancel && !slices.Contains([]string{"", "cancel", "stop"}, c.mode):
		return "Cannot resolve query parameter (mode) from value \"" + c.mode + "\"."
	}
	return ""
}

// trigger is the body of a request for a savepoint or stop.
type trigger struct {
	directory string
	triggerID string
}

const jackson = "org.apache.flink.shaded.jackson2.com.fasterxml.jackson."

// readTrigger returns what Flink's JSON parser would throw for a body that it does not take.
func (m *JobManager) readTrigger(asked call) (trigger, error) {
	values := map[string]any{}
	if body := bytes.TrimSpace(asked.body); len(body) > 0 {
		if err := json.Unmarshal(body, &values); err != nil {
			return trigger{}, thrownFor(err)
		}
	}
	for key := range values {
		if m.strict() && !slices.Contains(m.triggerKeys(asked.route), key) {
			return trigger{}, errors.New(jackson + "databind.exc.UnrecognizedPropertyException: Unrecognized field \"" + key + "\"")
		}
	}
	if format, given := values["formatType"]; given && !slices.Contains([]any{"CANONICAL", "NATIVE"}, format) {
		return trigger{}, errors.New(jackson + "databind.exc.InvalidFormatException: not one of the values accepted for Enum class: [CANONICAL, NATIVE]")
	}
	var read trigger
	read.directory, _ = values[directoryKey(asked.route)].(string)
	read.triggerID, _ = values["triggerId"].(string)
	if read.triggerID != "" && !flinkID.MatchString(read.triggerID) {
		return trigger{}, errors.New("java.lang.IllegalArgumentException: Argument bytes must by an array of 16 bytes")
	}
	return read, nil
}

func thrownFor(err error) error {
	if _, otherKind := errors.AsType[*json.UnmarshalTypeError](err); otherKind {
		return errors.New(jackson + "databind.exc.MismatchedInputException: Cannot deserialize value")
	}
	return errors.New(jackson + "core.io.JsonEOFException: Unexpected end-of-input within/between Object entries")
}

func directoryKey(route Route) string {
	if route == RouteStop {
		return "targetDirectory"
	}
	return "target-directory"
}

func (m *JobManager) triggerKeys(route Route) []string {
	keys := []string{"target-directory", "cancel-job"}
	if route == RouteStop {
		keys = []string{"targetDirectory", "drain"}
	}
	if m.takesTriggerID() {
		keys = append(keys, "triggerId", "formatType")
	}
	return keys
}

func (m *JobManager) serveTrigger(writer http.ResponseWriter, asked call) {
	read, err := m.readTrigger(asked)
	if err != nil {
		body := "SavepointTriggerRequestBody"
		if asked.route == RouteStop {
			body = "StopWithSavepointRequestBody"
		}
		writeError(writer, http.StatusBadRequest, handlerException+"Request did not match expected format "+body+".", err.Error())
		return
	}
	if read.directory == "" && m.config.DefaultDirectory == "" {
		writeError(writer, http.StatusBadRequest, handlerException+"Config key [execution.checkpointing.savepoint-dir] is "+
			"not set. Property ["+directoryKey(asked.route)+"] must be provided.")
		return
	}
	requestID := m.begin(asked.jobID, strings.ToLower(read.triggerID), read.directory, asked.route == RouteStop)
	writeJSON(writer, http.StatusAccepted, map[string]string{"request-id": requestID})
}
