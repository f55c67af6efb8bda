package flinkcluster

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
)

// Job is what Flink's REST API says of a job.
type Job struct {
	ID    string `json:"jid"`
	Name  string `json:"name"`
	State string `json:"state"`
	// Duration is how long ago the job was submitted, in milliseconds.
	Duration int64 `json:"duration"`
	Vertices []struct {
		ID          string         `json:"id"`
		Name        string         `json:"name"`
		Parallelism int            `json:"parallelism"`
		Tasks       map[string]int `json:"tasks"`
	} `json:"vertices"`
}

// AllTasksRunning says whether each task of the job is running.
func (j *Job) AllTasksRunning() bool {
	for _, vertex := range j.Vertices {
		for state, tasks := range vertex.Tasks {
			if tasks > 0 && state != "RUNNING" {
				return false
			}
		}
	}
	return j.State == "RUNNING" && len(j.Vertices) > 0
}

// Snapshot is a checkpoint or savepoint in Flink's statistics.
type Snapshot struct {
	ID           int64  `json:"id"`
	Status       string `json:"status"`
	IsSavepoint  bool   `json:"is_savepoint"`
	Triggered    int64  `json:"trigger_timestamp"`
	Acknowledged int64  `json:"latest_ack_timestamp"`
	Path         string `json:"external_path"`
}

// Checkpoints are Flink's statistics of the snapshots of a job.
type Checkpoints struct {
	Counts struct {
		Restored  int `json:"restored"`
		Completed int `json:"completed"`
	} `json:"counts"`
	Latest struct {
		Completed *Snapshot `json:"completed"`
		Savepoint *Snapshot `json:"savepoint"`
		Restored  *Snapshot `json:"restored"`
	} `json:"latest"`
	History []Snapshot `json:"history"`
}

// Savepoints returns the savepoints in the history, which holds ten snapshots.
func (c *Checkpoints) Savepoints() []Snapshot {
	var savepoints []Snapshot
	for _, snapshot := range c.History {
		if snapshot.IsSavepoint {
			savepoints = append(savepoints, snapshot)
		}
	}
	return savepoints
}

// request addresses Flink's REST API through the API server, as kubectl proxy does.
func (c *Cluster) request(method string, path ...string) *rest.Request {
	return c.suite.Kube.CoreV1().RESTClient().Verb(method).Namespace(c.Namespace.Name).Resource("services").
		Name(c.Name + "-jobmanager:ui").SubResource("proxy").Suffix(path...)
}

// Ask makes a request of Flink's REST API and returns the status and the body of the answer, whatever they are. The
// address is a path, with a query or without.
func (c *Cluster) Ask(ctx context.Context, method, address, body string) (int, []byte, error) {
	target, err := url.Parse(address)
	if err != nil {
		return 0, nil, err
	}
	request := c.request(method, target.Path)
	for key, values := range target.Query() {
		request.Param(key, values[0])
	}
	if body != "" {
		request.SetHeader("Content-Type", "application/json").Body([]byte(body))
	}
	var status int
	result := request.Do(ctx).StatusCode(&status)
	answer, err := result.Raw()
	if status != 0 {
		// It was answered, and the status says what the error would.
		err = nil
	}
	return status, answer, err
}

func answer(ctx context.Context, request *rest.Request, into any) error {
	body, err := request.DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("%w: %.300s", err, body)
	}
	return json.Unmarshal(body, into)
}

// ReadJob reads a job from Flink.
func (c *Cluster) ReadJob(ctx context.Context, id string) (*Job, error) {
	job := new(Job)
	return job, answer(ctx, c.request("GET", "jobs", id), job)
}

// ReadJobs reads the overview of all jobs from Flink.
func (c *Cluster) ReadJobs(ctx context.Context) ([]Job, error) {
	var overview struct {
		Jobs []Job `json:"jobs"`
	}
	return overview.Jobs, answer(ctx, c.request("GET", "jobs", "overview"), &overview)
}

// ReadCheckpoints reads the statistics of a job from Flink.
func (c *Cluster) ReadCheckpoints(ctx context.Context, id string) (*Checkpoints, error) {
	checkpoints := new(Checkpoints)
	return checkpoints, answer(ctx, c.request("GET", "jobs", id, "checkpoints"), checkpoints)
}

// RootException reads why a job failed from Flink, with all causes and stack traces.
func (c *Cluster) RootException(t testing.TB, id string) string {
	t.Helper()
	var exceptions struct {
		History struct {
			Entries []struct {
				Stacktrace string `json:"stacktrace"`
			} `json:"entries"`
		} `json:"exceptionHistory"`
	}
	require.NoError(t, answer(t.Context(), c.request("GET", "jobs", id, "exceptions"), &exceptions))
	require.NotEmpty(t, exceptions.History.Entries)
	return exceptions.History.Entries[0].Stacktrace
}

// counterVertex is the name of the vertex that counts.
const counterVertex = "counter"

// CounterParallelism returns the parallelism of the part of the job that counts; zero if it has none.
func (j *Job) CounterParallelism() int {
	for _, vertex := range j.Vertices {
		if vertex.Name == counterVertex {
			return vertex.Parallelism
		}
	}
	return 0
}

// ReadCount reads from Flink how far the job has counted.
func (c *Cluster) ReadCount(ctx context.Context, id string) (int64, error) {
	return c.readGauge(ctx, id, "count")
}

// ReadGap reads from Flink how long no number was counted before the first one of this run: since the last number in the snapshot
// that it started from, or before in all if the job keeps that in a file. It is an error as long as there is no such number.
func (c *Cluster) ReadGap(ctx context.Context, id string) (time.Duration, error) {
	millis, err := c.readGauge(ctx, id, "gap")
	if err == nil && millis < 0 {
		err = fmt.Errorf("job %s has counted nothing since it was started", id)
	}
	return time.Duration(millis) * time.Millisecond, err
}

// readGauge reads a number from the subtasks of the counter. All numbers have one key, so only one of them counts, and the
// greatest value is its.
func (c *Cluster) readGauge(ctx context.Context, id, gauge string) (int64, error) {
	job, err := c.ReadJob(ctx, id)
	if err != nil {
		return 0, err
	}
	for _, vertex := range job.Vertices {
		if vertex.Name != counterVertex {
			continue
		}
		var names []string
		for subtask := range vertex.Parallelism {
			names = append(names, fmt.Sprintf("%d.counter.%s", subtask, gauge))
		}
		var metrics []struct {
			Value string `json:"value"`
		}
		if err := answer(ctx, c.request("GET", "jobs", id, "vertices", vertex.ID, "metrics").Param("get", strings.Join(names, ",")), &metrics); err != nil {
			return 0, err
		}
		if len(metrics) != vertex.Parallelism {
			return 0, fmt.Errorf("flink gives %d metrics for %q", len(metrics), names)
		}
		greatest := int64(math.MinInt64)
		for _, metric := range metrics {
			value, err := strconv.ParseInt(metric.Value, 10, 64)
			if err != nil {
				return 0, err
			}
			greatest = max(greatest, value)
		}
		return greatest, nil
	}
	return 0, fmt.Errorf("job %s has no vertex named %s", id, counterVertex)
}

// AwaitCount waits until the job has counted to a number and returns the count.
func (c *Cluster) AwaitCount(t testing.TB, id string, least int64) int64 {
	t.Helper()
	var count int64
	Eventually(t, fmt.Sprintf("a count of %d", least), func(ctx context.Context) error {
		var err error
		if count, err = c.ReadCount(ctx, id); err != nil {
			return err
		}
		if count < least {
			return fmt.Errorf("the count is %d", count)
		}
		return nil
	})
	return count
}

// AwaitFirstCount waits until Flink shows a count and returns it, with the time since the job was submitted.
func (c *Cluster) AwaitFirstCount(t testing.TB, id string) (int64, time.Duration) {
	t.Helper()
	count := c.AwaitCount(t, id, 0)
	job, err := c.ReadJob(t.Context(), id)
	require.NoError(t, err)
	return count, time.Duration(job.Duration) * time.Millisecond
}

// TriggerSavepoint asks Flink itself for a savepoint, past the operator, and returns where it is.
func (c *Cluster) TriggerSavepoint(t testing.TB, id string) string {
	t.Helper()
	return c.takeSavepoint(t, id, "savepoints", fmt.Sprintf(`{"target-directory":%q,"cancel-job":false}`, SavepointsDirectory))
}

// StopWithSavepoint has Flink itself stop a job with a savepoint, past the operator, and returns where it is.
func (c *Cluster) StopWithSavepoint(t testing.TB, id string) string {
	t.Helper()
	return c.takeSavepoint(t, id, "stop", fmt.Sprintf(`{"targetDirectory":%q,"drain":false}`, SavepointsDirectory))
}

func (c *Cluster) takeSavepoint(t testing.TB, id, operation, body string) string {
	t.Helper()
	var trigger struct {
		ID string `json:"request-id"`
	}
	require.NoError(t, answer(t.Context(), c.request("POST", "jobs", id, operation).SetHeader("Content-Type", "application/json").Body([]byte(body)), &trigger))
	var result struct {
		Status    struct{ ID string }
		Operation struct {
			Location string          `json:"location"`
			Failure  json.RawMessage `json:"failure-cause"`
		}
	}
	Eventually(t, "the savepoint taken past the operator", func(ctx context.Context) error {
		if err := answer(ctx, c.request("GET", "jobs", id, "savepoints", trigger.ID), &result); err != nil {
			return err
		}
		if result.Status.ID != "COMPLETED" {
			return fmt.Errorf("it is %s", result.Status.ID)
		}
		return nil
	})
	require.NotEmpty(t, result.Operation.Location, "savepoint failed: %s", result.Operation.Failure)
	return result.Operation.Location
}

// ExpectTaskManagers returns an error unless so many TaskManagers are registered at the JobManager.
func (c *Cluster) ExpectTaskManagers(ctx context.Context, wanted int) error {
	var overview struct {
		TaskManagers []json.RawMessage `json:"taskmanagers"`
	}
	err := answer(ctx, c.request("GET", "taskmanagers"), &overview)
	if err == nil && len(overview.TaskManagers) != wanted {
		err = fmt.Errorf("there are %d TaskManagers", len(overview.TaskManagers))
	}
	return err
}

// ExpectSlots returns an error unless the TaskManagers offer so many slots.
func (c *Cluster) ExpectSlots(ctx context.Context, wanted int) error {
	var overview struct {
		Slots int `json:"slots-total"`
	}
	err := answer(ctx, c.request("GET", "overview"), &overview)
	if err == nil && overview.Slots != wanted {
		err = fmt.Errorf("there are %d slots", overview.Slots)
	}
	return err
}
