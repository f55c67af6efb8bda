package rest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestDisposalRequest(t *testing.T) {
	effect := flink.Effect{Kind: flink.DisposeSavepoint, JobID: jobID, TriggerID: triggerID, Location: "s3://b/savepoint-1"}
	for _, version := range []string{"", "1.14.6", "2.1.3"} {
		const chosen = "fedcba9876543210fedcba9876543210"
		client, canned := answering(200, `{"request-id":"`+chosen+`"}`)
		result := client.Execute(t.Context(), baseURL, version, effect)
		assert.Equal(t, flink.EffectResult{Effect: effect, Outcome: flink.OutcomeAccepted, Attempts: 1, RequestID: chosen}, result)
		assert.Equal(t, "POST /v1/savepoint-disposal", canned.request.Method+" "+canned.request.URL.RequestURI())
		assert.JSONEq(t, `{"savepoint-path":"s3://b/savepoint-1"}`, canned.sent)
	}
	client, _ := answering(200, `<html>`)
	assert.Equal(t, flink.OutcomeUnknown, client.Execute(t.Context(), baseURL, "2.1.3", effect).Outcome, "nobody can ask what came of it")
	for _, location := range []string{"", "s3://b/\x1b[2J", strings.Repeat("a", 5000)} {
		effect.Location = location
		assert.Equal(t, flink.OutcomeRefused, client.Execute(t.Context(), baseURL, "2.1.3", effect).Outcome, location)
	}
}

func TestDisposal(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   flink.Operation
	}{
		"in progress": {200, `{"status":{"id":"IN_PROGRESS"},"operation":null}`, flink.Operation{State: flink.OperationInProgress}},
		"done":        {200, `{"status":{"id":"COMPLETED"},"operation":{}}`, flink.Operation{State: flink.OperationSucceeded}},
		"unknown":     {404, `{"errors":["org.apache.flink.runtime.rest.NotFoundException: Operation not found under key: x"]}`, flink.Operation{State: flink.OperationNotFound}},
		"failed": {
			200, `{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"a.B","stack-trace":"a.B: outer\nCaused by: java.io.IOException: disk full\n"}}}`,
			flink.Operation{State: flink.OperationFailed, Cause: "java.io.IOException: disk full (reported as a.B: outer)"},
		},
		"failed for no reason": {
			200, `{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"a.B"}}}`, flink.Operation{State: flink.OperationFailed, Cause: "a.B"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(test.status, test.body)
			operation, err := client.Disposal(t.Context(), baseURL, triggerID)
			require.NoError(t, err)
			test.want.TriggerID = triggerID
			assert.Equal(t, test.want, operation)
			assert.Equal(t, "GET /v1/savepoint-disposal/"+triggerID, canned.request.Method+" "+canned.request.URL.RequestURI())
		})
	}
	for _, body := range []string{`{}`, `{"status":{"id":"ODD"}}`, `{"status":{"id":{"a":[]}}}`, `<html>`} {
		client, _ := answering(200, body)
		_, err := client.Disposal(t.Context(), baseURL, triggerID)
		require.Error(t, err, body)
	}
	client, _ := answering(503, ``)
	_, err := client.Disposal(t.Context(), baseURL, triggerID)
	require.Error(t, err)
	_, err = client.Disposal(t.Context(), baseURL, "../jobs")
	require.ErrorIs(t, err, errTriggerID)
}
