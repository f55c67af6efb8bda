package rest

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	baseURL   = "http://jobmanager:8081"
	jobID     = "00000000000000000000000000000001"
	triggerID = "0123456789abcdef0123456789abcdef"
)

// transport answers every request with the same status and body and keeps the last request.
type transport struct {
	status  int
	body    string
	err     error
	request *http.Request
	sent    string
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	t.request = request
	if request.Body != nil {
		sent, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		t.sent = string(sent)
	}
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{
		StatusCode: t.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(t.body)), Request: request,
	}, nil
}

func answering(status int, body string) (*Client, *transport) {
	canned := &transport{status: status, body: body}
	return New(Config{Transport: canned, UserAgent: "flink-operator/test"}), canned
}

func golden(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(content)
}

func at(milliseconds int64) time.Time {
	return time.UnixMilli(milliseconds).UTC()
}

func TestVersion(t *testing.T) {
	client, canned := answering(200, `{"refresh-interval":3000,"flink-version":"2.1.3","features":{"web-submit":false}}`)
	version, err := client.Version(t.Context(), baseURL)
	require.NoError(t, err)
	assert.Equal(t, "2.1.3", version)
	assert.Equal(t, "http://jobmanager:8081/v1/config", canned.request.URL.String())
	assert.Equal(t, "flink-operator/test", canned.request.Header.Get("User-Agent"))

	for _, body := range []string{`{}`, `{"flink-version":7}`, `{"flink-version":"2.1\u001b[0m"}`, `[]`, ``, `<html>`} {
		client, _ := answering(200, body)
		_, err := client.Version(t.Context(), baseURL)
		assert.Error(t, err, body)
	}
}

func TestJobsOverview(t *testing.T) {
	tests := map[string]struct {
		body string
		want []flink.Job
	}{
		"Flink 1.14": {
			body: golden(t, "jobs-1.14.json"),
			want: []flink.Job{{
				ID: jobID, Name: "State machine job", Status: flink.JobRunning, StartTime: at(1700000000000),
				RunningTasks: 4, TotalTasks: 4,
			}},
		},
		"Flink 2.1": {
			body: golden(t, "jobs-2.1.json"),
			want: []flink.Job{
				{
					ID: jobID, Name: "job", Status: flink.JobFinished, StartTime: at(1700000000000),
					EndTime: at(1700000005000), RunningTasks: 2, TotalTasks: 2,
				},
				{
					ID: "00000000000000000000000000000002", Name: "other", Status: flink.JobRestarting,
					StartTime: at(1700000000000), TotalTasks: 2,
				},
			},
		},
		"no jobs": {body: `{"jobs":[]}`, want: []flink.Job{}},
		"wrong types and huge numbers": {
			body: `{"jobs":[{"jid":"` + jobID + `","name":{},"state":"RUNNING","start-time":-5,"end-time":1e400,` +
				`"tasks":{"total":9223372036854775807,"running":-3,"finished":"x"}}]}`,
			want: []flink.Job{{ID: jobID, Status: flink.JobRunning, TotalTasks: 1<<30 - 1}},
		},
		"a year that Kubernetes cannot hold": {
			body: `{"jobs":[{"jid":"` + jobID + `","state":"RUNNING","start-time":9223372036854775807}]}`,
			want: []flink.Job{{ID: jobID, Status: flink.JobRunning}},
		},
		"tasks is a list": {
			body: `{"jobs":[{"jid":"` + jobID + `","tasks":[],"state":"FAILED"}]}`,
			want: []flink.Job{{ID: jobID, Status: flink.JobFailed}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(200, test.body)
			jobs, err := client.JobsOverview(t.Context(), baseURL)
			require.NoError(t, err)
			assert.Equal(t, test.want, jobs)
			assert.Equal(t, "/v1/jobs/overview", canned.request.URL.Path)
		})
	}
}

// A list that was not understood must never pass for a list without our job.
func TestJobsOverviewIsWholeOrAnError(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"jobs":null}`, `{"jobs":"x"}`, `{"jobs":[{}]}`, `{"jobs":["x"]}`, `{"jobs":[{"jid":7}]}`,
		`{"jobs":[{"jid":"../../etc"}]}`, `{"jobs":[{"jid":"` + strings.ToUpper(triggerID) + `"}]}`,
		`{"jobs":[{"jid":"` + jobID + `"}`, `[]`, `null`, `"jobs"`, `<html></html>`, ``,
	} {
		client, _ := answering(200, body)
		_, err := client.JobsOverview(t.Context(), baseURL)
		assert.Error(t, err, body)
	}
}

func TestCheckpoints(t *testing.T) {
	chk9 := flink.Snapshot{
		ID: 9, Location: "file:/cp/chk-9", TriggerTime: at(1700000009000), CompletionTime: at(1700000009100),
	}
	savepoint := flink.Snapshot{
		ID: 8, Location: "file:/sp/savepoint-000000-abc", TriggerTime: at(1700000008000),
		CompletionTime: at(1700000008100), Savepoint: true,
	}
	tests := map[string]struct {
		body string
		want *flink.CheckpointStatistics
	}{
		"Flink 2.1": {
			body: golden(t, "checkpoints-2.1.json"),
			want: &flink.CheckpointStatistics{
				Completed: &chk9,
				Savepoint: &savepoint,
				Restored: &flink.Snapshot{
					ID: 6, Location: "file:/sp/savepoint-000000-old", TriggerTime: at(1700000000000), Savepoint: true,
				},
				History: []flink.Snapshot{chk9, savepoint, {
					ID: 7, Location: flink.NotAddressable, TriggerTime: at(1700000007000),
					CompletionTime: at(1700000007100), Discarded: true,
				}},
			},
		},
		"Flink 1.14, in the JobManager's memory": {
			body: golden(t, "checkpoints-1.14.json"),
			want: &flink.CheckpointStatistics{Completed: &flink.Snapshot{
				ID: 1, Location: flink.NotAddressable, TriggerTime: at(1700000001000), CompletionTime: at(1700000001100),
			}},
		},
		"wrong types lose their own field only": {
			body: `{"latest":{"completed":{"id":3,"external_path":5,"trigger_timestamp":"x"},"savepoint":[],` +
				`"restored":{"id":2,"external_path":"file:/a"}},"history":{}}`,
			want: &flink.CheckpointStatistics{
				Completed: &flink.Snapshot{ID: 3}, Savepoint: &flink.Snapshot{},
				Restored: &flink.Snapshot{ID: 2, Location: "file:/a"},
			},
		},
		"paths that are none, ids that are none": {
			body: `{"latest":{"completed":{"id":3,"external_path":"file:/a\nb"},"restored":{"id":-1},` +
				`"savepoint":{"id":4,"external_path":"` + strings.Repeat("x", 5000) + `"}}}`,
			want: &flink.CheckpointStatistics{Completed: &flink.Snapshot{ID: 3}, Savepoint: &flink.Snapshot{ID: 4}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(200, test.body)
			statistics, err := client.Checkpoints(t.Context(), baseURL, jobID)
			require.NoError(t, err)
			assert.Equal(t, test.want, statistics)
			assert.Equal(t, "/v1/jobs/"+jobID+"/checkpoints", canned.request.URL.Path)
		})
	}
}

func TestCheckpointsWithoutStatistics(t *testing.T) {
	client, _ := answering(404, `{"errors":["Checkpointing has not been enabled."]}`)
	statistics, err := client.Checkpoints(t.Context(), baseURL, jobID)
	require.NoError(t, err)
	assert.Nil(t, statistics)

	for _, body := range []string{`{}`, `{"latest":null}`, `{"latest":[`, ``, `[]`} {
		client, _ := answering(200, body)
		_, err := client.Checkpoints(t.Context(), baseURL, jobID)
		assert.Error(t, err, body)
	}
}

func TestExceptions(t *testing.T) {
	long := strings.Repeat("ü", 1000)
	tests := map[string]struct {
		body string
		want []string
	}{
		"Flink 2.1": {
			body: golden(t, "exceptions-2.1.json"),
			want: []string{
				"java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory " +
					"'file:/sp/savepoint-x' on file system 'file'. (reported as " +
					"org.apache.flink.runtime.client.JobInitializationException: Could not start the JobMaster.)",
				"java.lang.IllegalStateException: [31mred alert",
				"com.example.OnlyName",
			},
		},
		"Flink 1.14": {
			body: golden(t, "exceptions-1.14.json"),
			want: []string{
				"java.lang.ClassNotFoundException: com.Foo (reported as org.apache.flink.runtime.JobException: " +
					"Recovery is suppressed by NoRestartBackoffTimeStrategy)",
			},
		},
		"bounded in number": {
			body: `{"exceptionHistory":{"entries":[` + strings.TrimSuffix(strings.Repeat(`{"exceptionName":"E"},`, 9), ",") +
				`]}}`,
			want: []string{"E", "E", "E", "E", "E"},
		},
		"bounded in length": {
			body: `{"exceptionHistory":{"entries":[{"stacktrace":"` + long + `\nCaused by: ` + long + `"}]}}`,
			want: []string{strings.Repeat("ü", 254) + "…"},
		},
		"nothing usable": {body: `{"exceptionHistory":{"entries":[{"stacktrace":7},{}]},"root-exception":null}`},
		"empty":          {body: `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(200, test.body)
			lines, err := client.Exceptions(t.Context(), baseURL, jobID)
			require.NoError(t, err)
			assert.Equal(t, test.want, lines)
			assert.Equal(t, "/v1/jobs/"+jobID+"/exceptions?maxExceptions=5", canned.request.URL.RequestURI())
		})
	}
}

func TestOperation(t *testing.T) {
	stopping := `org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException: A savepoint has ` +
		`been created at: file:/s, p/savepoint-000000-1, but the corresponding job ` + jobID + ` failed during stopping. ` +
		`The savepoint is consistent, but might have uncommitted transactions.`
	tests := map[string]struct {
		status  int
		body    string
		want    flink.Operation
		wantErr bool
	}{
		"in progress": {
			status: 200, body: `{"status":{"id":"IN_PROGRESS"},"operation":null}`,
			want: flink.Operation{State: flink.OperationInProgress},
		},
		"success": {
			status: 200, body: `{"status":{"id":"COMPLETED"},"operation":{"location":"file:/sp/savepoint-000000-1"}}`,
			want: flink.Operation{State: flink.OperationSucceeded, Location: "file:/sp/savepoint-000000-1"},
		},
		"failure": {
			status: 200,
			body: `{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"java.util.concurrent.` +
				`CompletionException","stack-trace":"java.util.concurrent.CompletionException: a.CheckpointException: ` +
				`Not all required tasks are currently running.\n\tat Foo\nCaused by: a.CheckpointException: Not all ` +
				`required tasks are currently running.\n","serialized-throwable":"rO0="}}}`,
			want: flink.Operation{
				State: flink.OperationFailed,
				Cause: "a.CheckpointException: Not all required tasks are currently running.",
			},
		},
		"failure without a trace": {
			status: 200, body: `{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"a.B"}}}`,
			want: flink.Operation{State: flink.OperationFailed, Cause: "a.B"},
		},
		"stop failed after its savepoint": {
			status: 200,
			body: `{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"a.CompletionException",` +
				`"stack-trace":"a.CompletionException: ` + stopping + `\n\tat Foo\nCaused by: ` + stopping + `\n\tat Foo"}}}`,
			want: flink.Operation{
				State: flink.OperationFailed, Location: "file:/s, p/savepoint-000000-1", Cause: stopping,
			},
		},
		"unknown trigger id": {
			status: 404, body: `{"errors":["There is no savepoint operation with triggerId\n\tat Foo"]}`,
			want: flink.Operation{State: flink.OperationNotFound},
		},
		"completed without a result": {
			status: 200, body: `{"status":{"id":"COMPLETED"},"operation":{}}`, wantErr: true,
		},
		"completed with a location of the wrong type": {
			status: 200, body: `{"status":{"id":"COMPLETED"},"operation":{"location":[]}}`, wantErr: true,
		},
		"unknown status": {status: 200, body: `{"status":{"id":"EVENTUALLY"}}`, wantErr: true},
		"no status":      {status: 200, body: `{}`, wantErr: true},
		"no leader":      {status: 503, body: `{"errors":["Service temporarily unavailable"]}`, wantErr: true},
		"truncated":      {status: 200, body: `{"status":{"id":"COMPLETED"},"operation":{"loca`, wantErr: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, canned := answering(test.status, test.body)
			operation, err := client.Operation(t.Context(), baseURL, jobID, triggerID)
			assert.Equal(t, "/v1/jobs/"+jobID+"/savepoints/"+triggerID, canned.request.URL.Path)
			if test.wantErr {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			test.want.JobID, test.want.TriggerID = jobID, triggerID
			assert.Equal(t, test.want, operation)
		})
	}
}
