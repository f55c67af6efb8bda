package rest

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

var hostileSeeds = []string{
	``, `{}`, `[]`, `null`, `"x"`, `7`, `<html></html>`, `{"jobs":[{}]}`, `{"latest":{}}`, `{"latest":{"completed":{"id":1e99}}}`,
	`{"status":{"id":"COMPLETED"},"operation":{"location":"\u0000"}}`, `{"exceptionHistory":{"entries":[{"stacktrace":"\n\n"}]}}`,
}

func seed(f *testing.F, names ...string) {
	f.Helper()
	for _, text := range hostileSeeds {
		f.Add([]byte(text))
	}
	for _, name := range names {
		f.Add([]byte(golden(f, name)))
	}
}

// assertText is what every text of a JobManager must be before it may reach status, logs and events.
func assertText(t *testing.T, text string, limit int) {
	t.Helper()
	assert.LessOrEqual(t, len(text), limit)
	assert.True(t, utf8.ValidString(text))
	assert.Equal(t, printable(text), text)
}

func assertTime(t *testing.T, moment time.Time) {
	t.Helper()
	_, err := moment.MarshalJSON()
	assert.NoError(t, err)
}

func assertSnapshot(t *testing.T, snapshot *flink.Snapshot) {
	t.Helper()
	if snapshot == nil {
		return
	}
	assert.GreaterOrEqual(t, snapshot.ID, int64(0))
	assertText(t, snapshot.Location, maxPathBytes)
	assertTime(t, snapshot.TriggerTime)
	assertTime(t, snapshot.CompletionTime)
}

func FuzzJobsOverview(f *testing.F) {
	seed(f, "jobs-1.14.json", "jobs-2.1.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		client, _ := answering(200, string(body))
		jobs, err := client.JobsOverview(t.Context(), baseURL)
		if err != nil {
			assert.Nil(t, jobs)
			return
		}
		for _, job := range jobs {
			assert.Regexp(t, idPattern, job.ID)
			assertText(t, job.Name, maxNameBytes)
			assertText(t, string(job.Status), 64)
			assertTime(t, job.StartTime)
			assertTime(t, job.EndTime)
			assert.GreaterOrEqual(t, job.RunningTasks, 0)
			assert.GreaterOrEqual(t, job.TotalTasks, 0)
		}
	})
}

func FuzzCheckpoints(f *testing.F) {
	seed(f, "checkpoints-1.14.json", "checkpoints-2.1.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		client, _ := answering(200, string(body))
		statistics, err := client.Checkpoints(t.Context(), baseURL, jobID)
		if err != nil {
			assert.Nil(t, statistics)
			return
		}
		assertSnapshot(t, statistics.Completed)
		assertSnapshot(t, statistics.Savepoint)
		assertSnapshot(t, statistics.Restored)
		assert.LessOrEqual(t, len(statistics.History), maxHistory)
		for i := range statistics.History {
			assertSnapshot(t, &statistics.History[i])
		}
		statistics.HighestID()
	})
}

func FuzzOperation(f *testing.F) {
	seed(f)
	f.Add([]byte(`{"status":{"id":"IN_PROGRESS"}}`))
	f.Add([]byte(`{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"C","stack-trace":"StopWithSavepoint` +
		`StoppingException: A savepoint has been created at: file:/x, but the corresponding job"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		client, _ := answering(200, string(body))
		operation, err := client.Operation(t.Context(), baseURL, jobID, triggerID)
		if err != nil {
			assert.Zero(t, operation)
			return
		}
		assert.NotEmpty(t, operation.State)
		assertText(t, operation.Location, maxPathBytes)
		assertText(t, operation.Cause, maxTextBytes)
	})
}

func FuzzExceptions(f *testing.F) {
	seed(f, "exceptions-1.14.json", "exceptions-2.1.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		client, _ := answering(200, string(body))
		lines, err := client.Exceptions(t.Context(), baseURL, jobID)
		if err != nil {
			assert.Empty(t, lines)
			return
		}
		assert.LessOrEqual(t, len(lines), maxExceptions)
		for _, line := range lines {
			assert.NotEmpty(t, line)
			assertText(t, line, maxTextBytes)
		}
	})
}

func FuzzErrorMessage(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		assertText(t, errorMessage(string(body)), maxTextBytes)
	})
}
