package flinktest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"k8s.io/utils/clock"

	"github.com/flink-operator/flink-operator/pkg/flink"
	"github.com/flink-operator/flink-operator/pkg/flink/flinktest"
	"github.com/flink-operator/flink-operator/pkg/flink/rest"
)

const (
	jobID     = "00000000000000000000000000000001"
	triggerID = "0123456789abcdef0123456789abcdef"
	otherID   = "fedcba9876543210fedcba9876543210"
	baseURL   = "http://jobmanager:8081"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func start(config flinktest.Config) (*flinktest.JobManager, *rest.Client) {
	config.Clock = clock.RealClock{}
	manager := flinktest.New(config)
	return manager, rest.New(rest.Config{Transport: manager.Transport()})
}

func savepoint(trigger string) flink.Effect {
	return flink.Effect{Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: trigger, Directory: "file:/sp"}
}

func stop(trigger string) flink.Effect {
	return flink.Effect{Kind: flink.StopWithSavepoint, JobID: jobID, TriggerID: trigger, Directory: "file:/sp"}
}

func operation(t *testing.T, client *rest.Client, trigger string) flink.Operation {
	t.Helper()
	answer, err := client.Operation(t.Context(), baseURL, jobID, trigger)
	require.NoError(t, err)
	return answer
}

func execute(t *testing.T, client *rest.Client, effect flink.Effect) flink.Outcome {
	t.Helper()
	return client.Execute(t.Context(), baseURL, "2.1.3", effect).Outcome
}

func statistics(t *testing.T, client *rest.Client) *flink.CheckpointStatistics {
	t.Helper()
	answer, err := client.Checkpoints(t.Context(), baseURL, jobID)
	require.NoError(t, err)
	return answer
}

func TestSavepoint(t *testing.T) {
	storage := flinktest.NewStorage()
	manager, client := start(flinktest.Config{Storage: storage, CompleteAfterPolls: 2})
	manager.StartJob(jobID, "")
	assert.Equal(t, flink.OutcomeAccepted, execute(t, client, savepoint(triggerID)))
	assert.Equal(t, flink.OutcomeAccepted, execute(t, client, savepoint(triggerID)), "known, so nothing starts")
	assert.Equal(t, flink.OperationInProgress, operation(t, client, triggerID).State)
	done := operation(t, client, triggerID)
	assert.Equal(t, flink.OperationSucceeded, done.State)
	assert.True(t, storage.Exists(done.Location))
	assert.Equal(t, []flinktest.Savepoint{
		{JobID: jobID, TriggerID: triggerID, Directory: "file:/sp", Location: done.Location},
	}, manager.Ledger().Savepoints)
	assert.Equal(t, done.Location, statistics(t, client).Savepoint.Location)
	assert.Equal(t, flink.JobRunning, manager.Status(jobID))

	manager.ExpireResults()
	assert.Equal(t, flink.OperationNotFound, operation(t, client, triggerID).State)
	assert.Equal(t, flink.OperationNotFound, operation(t, client, otherID).State)
}

func TestSavepointThatCannotBe(t *testing.T) {
	manager, client := start(flinktest.Config{})
	tests := map[string]struct {
		status flink.JobStatus
		cause  string
	}{
		"restarting":   {flink.JobRestarting, "Not all required tasks are currently running."},
		"initializing": {flink.JobInitializing, "initializing"},
		"finished":     {flink.JobFinished, "Could not find Flink job"},
		"unknown job":  {"", "Could not find Flink job"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			manager.RemoveJob(jobID)
			manager.Restart()
			if test.status != "" {
				manager.StartJob(jobID, "")
				manager.SetStatus(jobID, test.status)
			}
			require.Equal(t, flink.OutcomeAccepted, execute(t, client, savepoint(triggerID)))
			failed := operation(t, client, triggerID)
			assert.Equal(t, flink.OperationFailed, failed.State)
			assert.Contains(t, failed.Cause, test.cause)
		})
	}
	assert.Empty(t, manager.Ledger().Savepoints)

	nowhere := savepoint(otherID)
	nowhere.Directory = ""
	assert.Equal(t, flink.OutcomeRefused, execute(t, client, nowhere))
}

func TestStop(t *testing.T) {
	manager, client := start(flinktest.Config{})
	manager.StartJob(jobID, "")
	manager.CompleteCheckpoint(jobID)
	execute(t, client, savepoint(triggerID))
	execute(t, client, stop(otherID))
	assert.Equal(t, flink.OperationFailed, operation(t, client, triggerID).State, "a stop aborts savepoints")
	manager.CompleteOperation(jobID, otherID)
	assert.Equal(t, flink.OperationSucceeded, operation(t, client, otherID).State)
	assert.Equal(t, flink.JobFinished, manager.Status(jobID))
	assert.Equal(t, []flinktest.Stop{{JobID: jobID, TriggerID: otherID}}, manager.Ledger().Stops)
	assert.True(t, statistics(t, client).Completed.Discarded, "a finished job keeps no checkpoint")
	assert.True(t, statistics(t, client).Savepoint.Restorable())
}

func TestStopThatFailsAfterItsSavepoint(t *testing.T) {
	manager, client := start(flinktest.Config{})
	manager.StartJob(jobID, "")
	execute(t, client, stop(triggerID))
	location := manager.FailStopAfterSavepoint(jobID, triggerID)
	failed := operation(t, client, triggerID)
	assert.Equal(t, flink.OperationFailed, failed.State)
	assert.Equal(t, location, failed.Location)
	assert.Equal(t, flink.JobFailed, manager.Status(jobID))
}

func TestFailedOperation(t *testing.T) {
	manager, client := start(flinktest.Config{})
	manager.StartJob(jobID, "")
	execute(t, client, savepoint(triggerID))
	manager.FailOperation(jobID, triggerID, "java.io.IOException", "No space left on device")
	assert.Equal(t, "java.io.IOException: No space left on device", operation(t, client, triggerID).Cause)
}

func TestCancel(t *testing.T) {
	manager, client := start(flinktest.Config{})
	cancel := flink.Effect{Kind: flink.CancelJob, JobID: jobID}
	assert.Equal(t, flink.OutcomeUnknown, execute(t, client, cancel), "a 404 says nothing of what was done")
	manager.StartJob(jobID, "")
	assert.Equal(t, flink.OutcomeAccepted, execute(t, client, cancel))
	assert.Equal(t, flink.OutcomeAccepted, execute(t, client, cancel))
	assert.Equal(t, []string{jobID}, manager.Ledger().Cancels)
	manager.SetStatus(jobID, flink.JobFinished)
	assert.Equal(t, flink.OutcomeRefused, execute(t, client, cancel))
}

func TestCheckpointsRot(t *testing.T) {
	storage := flinktest.NewStorage()
	manager, client := start(flinktest.Config{Storage: storage, Retained: 2})
	manager.StartJob(jobID, "")
	first := manager.CompleteCheckpoint(jobID)
	manager.CompleteCheckpoint(jobID)
	third := manager.CompleteCheckpoint(jobID)
	assert.False(t, storage.Exists(first))
	assert.Equal(t, third, statistics(t, client).Completed.Location)
	assert.True(t, statistics(t, client).History[2].Discarded)

	// The next attempt restores one that is still there, and goes on counting.
	next, nextClient := start(flinktest.Config{Storage: storage})
	next.StartJob(jobID, third)
	assert.Equal(t, third, statistics(t, nextClient).Restored.Location)
	next.CompleteCheckpoint(jobID)
	assert.Equal(t, int64(4), statistics(t, nextClient).Completed.ID)

	late, lateClient := start(flinktest.Config{Storage: storage})
	late.StartJob(jobID, first)
	assert.Equal(t, flink.JobFailed, late.Status(jobID))
	causes, err := lateClient.Exceptions(t.Context(), baseURL, jobID)
	require.NoError(t, err)
	assert.Contains(t, causes[0], "java.io.FileNotFoundException: Cannot find checkpoint")
}

func TestStatisticsCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		manager, client := start(flinktest.Config{StatisticsCache: 3 * time.Second})
		manager.StartJob(jobID, "")
		manager.CompleteCheckpoint(jobID)
		assert.Equal(t, int64(1), statistics(t, client).Completed.ID)
		manager.CompleteCheckpoint(jobID)
		assert.Equal(t, int64(1), statistics(t, client).Completed.ID)
		time.Sleep(3 * time.Second)
		assert.Equal(t, int64(2), statistics(t, client).Completed.ID)
	})
}

func TestRestart(t *testing.T) {
	for _, highlyAvailable := range []bool{true, false} {
		manager, client := start(flinktest.Config{HA: highlyAvailable})
		manager.StartJob(jobID, "")
		manager.StartJob(otherID, "")
		manager.SetStatus(otherID, flink.JobFinished)
		checkpoint := manager.CompleteCheckpoint(jobID)
		execute(t, client, savepoint(triggerID))
		manager.Restart()
		assert.Equal(t, flink.OperationNotFound, operation(t, client, triggerID).State)
		jobs, err := client.JobsOverview(t.Context(), baseURL)
		require.NoError(t, err)
		if !highlyAvailable {
			assert.Empty(t, jobs)
			continue
		}
		assert.Len(t, jobs, 1)
		assert.Nil(t, statistics(t, client).Completed)
		assert.Equal(t, checkpoint, statistics(t, client).Restored.Location)
	}
}

func TestOldVersions(t *testing.T) {
	manager, client := start(flinktest.Config{Version: "1.14.6"})
	manager.StartJob(jobID, "")
	assert.Equal(t, flink.OutcomeRefused, execute(t, client, savepoint(triggerID)), "strict bodies")
	result := client.Execute(t.Context(), baseURL, "1.14.6", savepoint(triggerID))
	assert.Equal(t, flink.OutcomeAccepted, result.Outcome)
	assert.Equal(t, flink.OperationNotFound, operation(t, client, triggerID).State)
	assert.Equal(t, flink.OperationInProgress, operation(t, client, result.RequestID).State)
	manager.Fail(jobID, "a.B: c", "a.D: e")
	causes, err := client.Exceptions(t.Context(), baseURL, jobID)
	require.NoError(t, err)
	assert.Equal(t, []string{"a.D: e (reported as a.B: c)"}, causes)
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		manager, client := start(flinktest.Config{})
		manager.StartJob(jobID, "")
		before := flinktest.Fault{Route: flinktest.RouteSavepoint, Nth: 1}
		after := flinktest.Fault{Route: flinktest.RouteSavepoint, Nth: 2, AfterEffect: true}
		manager.Inject(before)
		manager.Inject(after)
		assert.Equal(t, flink.OutcomeUnknown, execute(t, client, savepoint(triggerID)))
		assert.Empty(t, manager.Ledger().Savepoints)
		assert.Equal(t, flink.OutcomeUnknown, execute(t, client, savepoint(triggerID)))
		assert.Len(t, manager.Ledger().Savepoints, 1)
		assert.Equal(t, flink.OutcomeAccepted, execute(t, client, savepoint(triggerID)))
		assert.Len(t, manager.Ledger().Savepoints, 1)

		manager.Inject(flinktest.Fault{Status: http.StatusServiceUnavailable})
		_, err := client.Version(t.Context(), baseURL)
		assert.Equal(t, http.StatusServiceUnavailable, rest.Status(err))
		manager.ClearFaults()

		manager.Inject(flinktest.Fault{Route: flinktest.RouteJobs, Hang: true})
		began := time.Now()
		_, err = client.JobsOverview(t.Context(), baseURL)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Equal(t, []flinktest.Route{
			flinktest.RouteSavepoint, flinktest.RouteSavepoint, flinktest.RouteSavepoint, flinktest.RouteConfig,
			flinktest.RouteJobs,
		}, manager.Requests())
	})
}

func TestOverASocket(t *testing.T) {
	manager, _ := start(flinktest.Config{})
	manager.StartJob(jobID, "")
	manager.SetTasks(jobID, 1, 2)
	server := httptest.NewServer(manager)
	defer server.Close()
	client := rest.New(rest.Config{})
	jobs, err := client.JobsOverview(t.Context(), server.URL)
	require.NoError(t, err)
	assert.False(t, jobs[0].AllTasksRunning())
	manager.Inject(flinktest.Fault{Route: flinktest.RouteCancel, AfterEffect: true})
	cancel := flink.Effect{Kind: flink.CancelJob, JobID: jobID}
	assert.Equal(t, flink.OutcomeUnknown, client.Execute(t.Context(), server.URL, "", cancel).Outcome)
	assert.Equal(t, flink.JobCanceled, manager.Status(jobID))

	unserved, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL+"/jobs/"+jobID+"/rescaling", nil)
	require.NoError(t, err)
	response, err := server.Client().Do(unserved)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
	require.NoError(t, response.Body.Close())
}

func TestNetwork(t *testing.T) {
	network := flinktest.NewNetwork()
	client := rest.New(rest.Config{Transport: network})
	manager, _ := start(flinktest.Config{})
	_, err := client.Version(t.Context(), baseURL)
	require.ErrorContains(t, err, "connection refused")
	network.Add("jobmanager:8081", manager)
	version, err := client.Version(t.Context(), baseURL)
	require.NoError(t, err)
	assert.Equal(t, "2.1.3", version)
	network.Add("jobmanager:8081", nil)
	_, err = client.Version(t.Context(), baseURL)
	require.Error(t, err)
}
