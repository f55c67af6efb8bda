package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestEffectRequests(t *testing.T) {
	savepoint := flink.Effect{
		Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: triggerID, Directory: "s3://b/a\"b", Format: "NATIVE",
	}
	stop := flink.Effect{Kind: flink.StopWithSavepoint, JobID: jobID, TriggerID: triggerID, Directory: "file:/sp"}
	tests := map[string]struct {
		version string
		effect  flink.Effect
		request string
		body    string
	}{
		"savepoint, 2.1": {
			version: "2.1.3", effect: savepoint, request: "POST /v1/jobs/" + jobID + "/savepoints",
			body: `{"target-directory":"s3://b/a\"b","cancel-job":false,"formatType":"NATIVE","triggerId":"` + triggerID + `"}`,
		},
		"savepoint, 1.14 knows neither format nor trigger id": {
			version: "1.14.6", effect: savepoint, request: "POST /v1/jobs/" + jobID + "/savepoints",
			body: `{"target-directory":"s3://b/a\"b","cancel-job":false}`,
		},
		"savepoint, version unknown": {
			effect: savepoint, request: "POST /v1/jobs/" + jobID + "/savepoints",
			body: `{"target-directory":"s3://b/a\"b","cancel-job":false,"formatType":"NATIVE","triggerId":"` + triggerID + `"}`,
		},
		"stop, 1.15": {
			version: "1.15.0", effect: stop, request: "POST /v1/jobs/" + jobID + "/stop",
			body: `{"targetDirectory":"file:/sp","drain":false,"triggerId":"` + triggerID + `"}`,
		},
		"stop, 1.14 and Flink's own directory": {
			version: "1.14-SNAPSHOT", effect: flink.Effect{Kind: flink.StopWithSavepoint, JobID: jobID, TriggerID: triggerID},
			request: "POST /v1/jobs/" + jobID + "/stop", body: `{"drain":false}`,
		},
		"cancel": {
			version: "2.1.3", effect: flink.Effect{Kind: flink.CancelJob, JobID: jobID},
			request: "PATCH /v1/jobs/" + jobID + "?mode=cancel",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			const answered = "fedcba9876543210fedcba9876543210"
			client, canned := answering(202, `{"request-id":"`+answered+`"}`)
			result := client.Execute(t.Context(), baseURL, test.version, test.effect)
			want := flink.EffectResult{Effect: test.effect, Outcome: flink.OutcomeAccepted, Attempts: 1}
			if strings.HasPrefix(test.version, "1.14") {
				want.RequestID = answered // only where it chooses the id
			}
			assert.Equal(t, want, result)
			assert.Equal(t, test.request, canned.request.Method+" "+canned.request.URL.RequestURI())
			if test.body == "" {
				assert.Empty(t, canned.sent)
				return
			}
			assert.JSONEq(t, test.body, canned.sent)
		})
	}
}

func TestTakesTriggerID(t *testing.T) {
	for version, want := range map[string]bool{
		"": true, "main": true, "1": true, "1.x": true, "1.14": false, "1.14.6": false, "1.14-SNAPSHOT": false,
		"0.10": false, "1.15.0": true, "1.20.4": true, "2.0": true, "2.1-SNAPSHOT": true, "10.0.0": true,
	} {
		assert.Equal(t, want, takesTriggerID(version), version)
	}
}

func TestEffectOutcomes(t *testing.T) {
	trace := `{"errors":["org.apache.flink.runtime.rest.handler.RestHandlerException: Job could not be found.\n\tat Foo"]}`
	tests := map[string]struct {
		status  int
		body    string
		err     error
		want    flink.Outcome
		message string
	}{
		"accepted":              {status: 202, body: `{"request-id":"` + triggerID + `"}`, want: flink.OutcomeAccepted},
		"accepted, odd body":    {status: 200, body: `<html>`, want: flink.OutcomeAccepted},
		"bad request":           {status: 400, body: `{"errors":["Unrecognized field"]}`, want: flink.OutcomeRefused, message: "Flink answered 400: Unrecognized field"},
		"unknown job":           {status: 404, body: trace, want: flink.OutcomeUnknown, message: "Flink answered 404: org.apache.flink.runtime.rest.handler.RestHandlerException: Job could not be found."},
		"ended job":             {status: 409, want: flink.OutcomeRefused, message: "Flink answered 409"},
		"time-out inside Flink": {status: 408, want: flink.OutcomeUnknown, message: "Flink answered 408"},
		"too many requests":     {status: 429, want: flink.OutcomeUnknown, message: "Flink answered 429"},
		"unhandled error": {
			status: 500,
			body: `{"errors":["Internal server error.","<Exception on server side:\njava.util.concurrent.CompletionException: ` +
				`a.TimeoutException: ask timed out\n\tat Foo\nCaused by: a.TimeoutException: ask timed out\n\nEnd of exception ` +
				`on server side>"]}`,
			want: flink.OutcomeUnknown, message: "Flink answered 500: a.TimeoutException: ask timed out",
		},
		"no leader":       {status: 503, body: "<html>\x1b[2J", want: flink.OutcomeUnknown, message: "Flink answered 503: <html>[2J"},
		"redirect":        {status: 308, want: flink.OutcomeUnknown, message: "Flink answered 308"},
		"time-out":        {err: context.DeadlineExceeded, want: flink.OutcomeUnknown},
		"refused":         {err: syscall.ECONNREFUSED, want: flink.OutcomeUnknown},
		"connection lost": {err: errors.New("unexpected EOF"), want: flink.OutcomeUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(test.status, test.body)
			canned.err = test.err
			effect := flink.Effect{Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: triggerID}
			result := client.Execute(t.Context(), baseURL, "2.1.3", effect)
			assert.Equal(t, test.want, result.Outcome)
			if test.err == nil {
				assert.Equal(t, test.message, result.Message)
			} else {
				assert.NotEmpty(t, result.Message)
			}
		})
	}
}

func TestNothingUncheckedIsSent(t *testing.T) {
	effects := map[string]flink.Effect{
		"no job id":          {Kind: flink.CancelJob},
		"path as job id":     {Kind: flink.CancelJob, JobID: "../config"},
		"upper case job id":  {Kind: flink.CancelJob, JobID: strings.ToUpper(triggerID)},
		"newline at the end": {Kind: flink.CancelJob, JobID: jobID + "\n"},
		"no trigger id":      {Kind: flink.StopWithSavepoint, JobID: jobID},
		"unknown kind":       {Kind: "Drop", JobID: jobID, TriggerID: triggerID},
	}
	for name, effect := range effects {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(202, `{}`)
			result := client.Execute(t.Context(), baseURL, "", effect)
			assert.Equal(t, flink.OutcomeRefused, result.Outcome)
			assert.NotEmpty(t, result.Message)
			assert.Nil(t, canned.request)
		})
	}
	client, canned := answering(200, `{}`)
	_, err := client.Checkpoints(t.Context(), baseURL, "x/../y")
	require.ErrorIs(t, err, errJobID)
	_, err = client.Exceptions(t.Context(), baseURL, "")
	require.ErrorIs(t, err, errJobID)
	_, err = client.Operation(t.Context(), baseURL, "", triggerID)
	require.ErrorIs(t, err, errJobID)
	_, err = client.Operation(t.Context(), baseURL, jobID, "..")
	require.ErrorIs(t, err, errTriggerID)
	for _, address := range []string{
		"", "jobmanager:8081", "https://jobmanager:8081", "http://", "http://user:secret@jobmanager:8081",
		"http://jobmanager:8081/proxy", "http://jobmanager:8081?x=y", "http://jobmanager:8081#x", "file:///etc/passwd",
	} {
		_, err = client.JobsOverview(t.Context(), address)
		require.ErrorIs(t, err, errBaseURL, address)
	}
	assert.Nil(t, canned.request)
}

func TestErrorHelpers(t *testing.T) {
	client, _ := answering(http.StatusServiceUnavailable, `{"errors":["no leader"]}`)
	_, err := client.JobsOverview(t.Context(), baseURL)
	assert.Equal(t, http.StatusServiceUnavailable, Status(err))
	assert.False(t, IsNotFound(err))
	require.EqualError(t, err, "Flink answered 503: no leader")
	assert.Zero(t, Status(errors.New("other")))
	assert.True(t, IsNotFound(&Error{Status: http.StatusNotFound}))
}
