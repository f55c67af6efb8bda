package lifecycle

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func limit(limit int32) clusterEdit {
	return spec(func(job *v1beta1.JobSpec) { job.RestartBackoff = &v1beta1.RestartBackoff{Limit: new(limit)} })
}

func failures(count int32) func(*v1beta1.JobStatus) {
	return func(job *v1beta1.JobStatus) { job.ConsecutiveFailures = count }
}

func withCheckpoint(job *v1beta1.JobStatus) { job.LastCheckpoint = checkpointStatus(1, 5, time.Minute) }

func TestRestartPolicy(t *testing.T) {
	const (
		never     = v1beta1.RestartPolicyNever
		savepoint = v1beta1.RestartPolicyFromSavepointOnFailure
		latest    = v1beta1.RestartPolicyFromLatestStateOnFailure
	)
	saved := history(record(1, 4, time.Minute))
	for name, test := range map[string]struct {
		edits    []clusterEdit
		observed flink.Observation
		expected v1beta1.JobState // Of a failed one; a lost one does the same.
		degraded string
	}{
		"never":                        {edits: []clusterEdit{policy(never), saved}, expected: "", degraded: reasonNeverRestarts},
		"from savepoint":               {edits: []clusterEdit{policy(savepoint), saved}, expected: v1beta1.JobStateRestarting},
		"from savepoint, none":         {edits: []clusterEdit{policy(savepoint)}, expected: "", degraded: reasonNoSavepoint},
		"latest, nothing ever":         {edits: []clusterEdit{policy(latest)}, expected: v1beta1.JobStateRestarting},
		"latest, savepoint":            {edits: []clusterEdit{policy(latest), saved}, expected: v1beta1.JobStateRestarting},
		"a savepoint is under way":     {edits: []clusterEdit{policy(latest), slot(v1beta1.SavepointStateInProgress)}, expected: ""},
		"a savepoint is not noted yet": {edits: []clusterEdit{policy(latest)}, observed: heard(savepointsSeen(savepointOf(1, 7))), expected: ""},
		"within the limit":             {edits: []clusterEdit{limit(2), run(v1beta1.JobStateFailed, failures(2))}, expected: v1beta1.JobStateRestarting},
		"beyond the limit":             {edits: []clusterEdit{limit(2), run(v1beta1.JobStateFailed, failures(3))}, expected: "", degraded: reasonRestartLimit},
		"limit zero":                   {edits: []clusterEdit{limit(0)}, expected: "", degraded: reasonRestartLimit},
		"stopped with a savepoint":     {edits: []clusterEdit{slot(v1beta1.SavepointStateSucceeded, stop)}, expected: v1beta1.JobStateCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []v1beta1.JobState{v1beta1.JobStateFailed, v1beta1.JobStateLost} {
				cluster := newCluster(append([]clusterEdit{run(before)}, test.edits...)...)
				before := jobOf(cluster).State
				decision := decideCluster(cluster, up(1), test.observed)
				expected := test.expected
				if expected == "" {
					expected = before
					require.Equal(t, Leave, decision.Plan.JobManager)
				}
				require.Equal(t, expected, decision.Status.Components.Job.State)
				if degraded := conditionOf(decision.Status, v1beta1.ConditionDegraded); test.degraded != "" {
					require.Equal(t, test.degraded, degraded.Reason)
					require.Contains(t, degraded.Message, "it broke")
				}
			}
		})
	}
}

func savepointOf(attempt int32, id int64) flink.Snapshot { return savepoint(attempt, id) }

func TestRestart(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateFailed, withCheckpoint))
	decision := settle(t, cluster, up(1), flink.Observation{})
	require.Equal(t, v1beta1.JobStateRestarting, decision.Status.Components.Job.State)
	require.Equal(t, Plan{ConfigMap: Apply, Service: Apply, JobManager: Delete, TaskManager: Delete}, decision.Plan)
	require.Equal(t, v1beta1.LifecycleRestarting, decision.Status.Lifecycle)

	pods := up(1, func(c *Children) { c.JobManager, c.TaskManager = Workload{}, Workload{} })
	decision = settle(t, cluster, pods, flink.Observation{})
	require.Equal(t, v1beta1.JobStateRestarting, decision.Status.Components.Job.State, "the old pods still run")
	require.Contains(t, conditionOf(decision.Status, v1beta1.ConditionProgressing).Message, "pod jm")

	decision = decideCluster(cluster, Children{}, flink.Observation{})
	job := decision.Status.Components.Job
	require.Equal(t, v1beta1.JobStateDeploying, job.State)
	require.EqualValues(t, 2, job.Attempt)
	require.Equal(t, JobID(testUID, 2), job.ID)
	require.Equal(t, checkpointPath(1, 5), job.FromSavepoint)
	require.EqualValues(t, 1, job.RestartCount)
	require.Nil(t, job.CompletionTime)
	require.Nil(t, job.NextStartTime)
	require.Nil(t, decision.Status.Components.JobManager)
	require.Equal(t, []string{"it broke"}, job.FailureReasons, "the reasons are kept until the job is healthy")
}

func TestRestartDelay(t *testing.T) {
	for name, test := range map[string]struct {
		initial, longest int32
		failures         int32
		expected         time.Duration
	}{
		"none":                    {10, 300, 0, 0},
		"the first at once":       {10, 300, 1, 0},
		"the second":              {10, 300, 2, 10 * time.Second},
		"the third":               {10, 300, 3, 20 * time.Second},
		"the sixth":               {10, 300, 6, 160 * time.Second},
		"the longest":             {10, 300, 7, 300 * time.Second},
		"very many":               {10, 300, 1 << 30, 300 * time.Second},
		"no delay":                {0, 0, 9, 0},
		"initial above longest":   {10, 5, 2, 5 * time.Second},
		"a day, and no overflow":  {86400, 86400, 1000, 24 * time.Hour},
		"overflow of the doubled": {1, 86400, 1000, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			backoff := &v1beta1.RestartBackoff{InitialSeconds: new(test.initial), MaxSeconds: new(test.longest)}
			require.Equal(t, test.expected, restartDelay(backoff, test.failures))
		})
	}
}

func TestBackoff(t *testing.T) {
	// The third failure in a row: 20 s after the end.
	cluster := newCluster(run(v1beta1.JobStateFailed, failures(3), withCheckpoint))
	decision := settle(t, cluster, Children{}, flink.Observation{})
	require.Equal(t, v1beta1.JobStateRestarting, decision.Status.Components.Job.State)
	require.True(t, at(20*time.Second).Equal(decision.Status.Components.Job.NextStartTime))
	require.Equal(t, 20*time.Second-123456789*time.Nanosecond, decision.RequeueAfter)
	require.Contains(t, conditionOf(decision.Status, v1beta1.ConditionProgressing).Message, "the next run starts at 2026-03-01T12:00:20Z")

	early := decideClusterAt(cluster, Children{}, flink.Observation{}, start.Add(19*time.Second))
	require.Equal(t, v1beta1.JobStateRestarting, early.Status.Components.Job.State)
	due := decideClusterAt(cluster, Children{}, flink.Observation{}, start.Add(20*time.Second))
	require.Equal(t, v1beta1.JobStateDeploying, due.Status.Components.Job.State)
}

func TestConsecutiveFailures(t *testing.T) {
	for name, test := range map[string]struct {
		ran      time.Duration
		before   int32
		observed flink.JobStatus
		expected int32
	}{
		"first":              {time.Minute, 0, flink.JobFailed, 1},
		"again":              {time.Minute, 3, flink.JobFailed, 4},
		"after a good while": {time.Hour, 3, flink.JobFailed, 1},
		"just long enough":   {600 * time.Second, 3, flink.JobFailed, 1},
		"finished":           {time.Minute, 3, flink.JobFinished, 0},
		"cancelled":          {time.Minute, 3, flink.JobCanceled, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(run(v1beta1.JobStateRunning, failures(test.before), func(job *v1beta1.JobStatus) { job.StartTime = at(-test.ran) }))
			require.Equal(t, test.expected, decideCluster(cluster, up(1), heard(flinkSays(test.observed))).Status.Components.Job.ConsecutiveFailures)
		})
	}
	t.Run("never ran", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateDeploying, failures(3)))
		require.EqualValues(t, 4, decideCluster(cluster, up(1), heard(flinkSays(flink.JobFailed))).Status.Components.Job.ConsecutiveFailures)
	})
}

// TestRefusedAtTheLastMoment: what was possible when the restart was decided is not when its time has come.
func TestRefusedAtTheLastMoment(t *testing.T) {
	restarting := func(edits ...clusterEdit) *v1beta1.FlinkCluster {
		return newCluster(append([]clusterEdit{run(v1beta1.JobStateRestarting, withCheckpoint), spec(func(job *v1beta1.JobSpec) {
			job.MaxStateAgeToRestoreSeconds = new(int32(30))
		})}, edits...)...)
	}
	cluster := restarting()
	decision := decideCluster(cluster, Children{}, flink.Observation{})
	job := decision.Status.Components.Job
	require.Equal(t, v1beta1.JobStateFailed, job.State)
	require.Contains(t, job.FailureReasons[0], "maxStateAgeToRestoreSeconds")
	require.Zero(t, job.RestartCount)
	require.Equal(t, reasonStateTooOld, conditionOf(decision.Status, v1beta1.ConditionDegraded).Reason)
	cluster.Status = stored(t, decision.Status)
	require.Equal(t, cluster.Status, decideCluster(cluster, Children{}, flink.Observation{}).Status, "it stays so")
	cluster.Spec.Job.MaxStateAgeToRestoreSeconds = nil
	require.Equal(t, v1beta1.JobStateRestarting, decideCluster(cluster, Children{}, flink.Observation{}).Status.Components.Job.State)

	t.Run("a job that was stopped with a savepoint", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateCancelled, withCheckpoint, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledBySpec }),
			slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) { s.Location = savepointPath(1, 6) }), history(record(1, 6, time.Hour)),
			spec(func(job *v1beta1.JobSpec) { job.MaxStateAgeToRestoreSeconds = new(int32(30)) }))
		decision := settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateFailed, decision.Status.Components.Job.State)
		require.Equal(t, 1, strings.Count(conditionOf(decision.Status, v1beta1.ConditionDegraded).Message, "is older than"))
		cluster.Spec.Job.MaxStateAgeToRestoreSeconds = nil
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, savepointPath(1, 6), jobOf(cluster).FromSavepoint)
	})
	t.Run("a resumed job needs no restart policy to go on", func(t *testing.T) {
		cluster := restarting(policy(v1beta1.RestartPolicyNever), func(c *v1beta1.FlinkCluster) {
			jobOf(c).CancelledBy, jobOf(c).ConsecutiveFailures = v1beta1.CancelledBySpec, 0
		})
		decision := settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateFailed, decision.Status.Components.Job.State)
		require.Equal(t, reasonStateTooOld, conditionOf(decision.Status, v1beta1.ConditionDegraded).Reason)
		cluster.Spec.Job.FromSavepoint = otherPath
		decision = settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateDeploying, decision.Status.Components.Job.State)
		require.Equal(t, otherPath, decision.Status.Components.Job.FromSavepoint)
		require.Zero(t, decision.Status.Components.Job.RestartCount)
	})
}

// TestMissingSnapshot follows a job whose snapshots disappear one after the other.
func TestMissingSnapshot(t *testing.T) {
	missing := func(path string) string {
		return "java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '" + path + "' on file system 's3'."
	}
	cluster := newCluster(history(record(1, 4, time.Minute)), run(v1beta1.JobStateDeploying, func(job *v1beta1.JobStatus) {
		job.Attempt, job.ID, job.FromSavepoint, job.LastCheckpoint = 2, JobID(testUID, 2), checkpointPath(1, 5), checkpointStatus(1, 5, time.Second)
		job.ConsecutiveFailures = 1
	}))
	fail := func(reason string) {
		attempt := jobOf(cluster).Attempt
		children := up(attempt, podEnded(2, "Error"), jobManagerPod(func(pod *Pod) { pod.Message = reason }))
		cluster.Status = stored(t, decideCluster(cluster, children, flink.Observation{}).Status)
		require.Equal(t, v1beta1.JobStateFailed, jobOf(cluster).State)
		for range 3 {
			cluster.Status = stored(t, decideClusterAt(cluster, Children{}, flink.Observation{}, start.Add(time.Hour)).Status)
		}
	}
	fail(missing(checkpointPath(1, 5)))
	require.Empty(t, jobOf(cluster).MissingSnapshots, "a volume may come late")
	require.Equal(t, checkpointPath(1, 5), jobOf(cluster).FromSavepoint, "the same once more")
	fail(missing(checkpointPath(1, 5)))
	require.Equal(t, []string{checkpointPath(1, 5)}, jobOf(cluster).MissingSnapshots)
	require.Equal(t, savepointPath(1, 4), jobOf(cluster).FromSavepoint, "the next older one")

	fail("java.io.FileNotFoundException: /opt/secrets/kafka.properties (No such file or directory)")
	require.Len(t, jobOf(cluster).MissingSnapshots, 1, "a file of the job's own")
	require.Equal(t, savepointPath(1, 4), jobOf(cluster).FromSavepoint)

	fail(missing(savepointPath(1, 4)))
	fail(missing(savepointPath(1, 4)))
	require.Equal(t, v1beta1.JobStateFailed, jobOf(cluster).State, "never from nothing")
	require.Equal(t, reasonStateMissing, conditionOf(cluster.Status, v1beta1.ConditionDegraded).Reason)

	cluster.Spec.Job.FromSavepoint = otherPath
	for range 3 {
		cluster.Status = stored(t, decideClusterAt(cluster, Children{}, flink.Observation{}, start.Add(time.Hour)).Status)
	}
	require.Equal(t, otherPath, jobOf(cluster).FromSavepoint)
	fail(missing(otherPath))
	require.Equal(t, otherPath, jobOf(cluster).FromSavepoint, "what the user named is tried again")
	attempt := jobOf(cluster).Attempt
	decision := decideCluster(cluster, up(attempt), heard(func(o *flink.Observation) { o.JobID, o.Attempt = JobID(testUID, attempt), attempt }))
	require.Equal(t, v1beta1.JobStateRunning, decision.Status.Components.Job.State)
	require.NotContains(t, decision.Status.Components.Job.MissingSnapshots, otherPath, "it was there in the end")
}

// TestMissingOnce: a volume may come late, so that the first run from a snapshot does not find it.
func TestMissingOnce(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateDeploying, func(job *v1beta1.JobStatus) { job.FromSavepoint = otherPath }), spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = otherPath }))
	jobOf(cluster).ObservedFromSavepoint = otherPath
	children := up(1, podEnded(2, "Error"), jobManagerPod(func(pod *Pod) { pod.Message = "java.io.FileNotFoundException: Cannot find meta data file" }))
	cluster.Status = stored(t, decideCluster(cluster, children, flink.Observation{}).Status)
	require.Empty(t, jobOf(cluster).MissingSnapshots)
	for range 3 {
		cluster.Status = stored(t, decideClusterAt(cluster, Children{}, flink.Observation{}, start.Add(time.Minute)).Status)
	}
	require.EqualValues(t, 2, jobOf(cluster).Attempt)
	require.Equal(t, otherPath, jobOf(cluster).FromSavepoint)
}

func TestMissingSnapshotsAreBounded(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateDeploying, func(job *v1beta1.JobStatus) {
		job.FromSavepoint, job.SuspectSnapshot = checkpointPath(1, 5), checkpointPath(1, 5)
		for i := range 10 {
			job.MissingSnapshots = append(job.MissingSnapshots, fmt.Sprint(i))
		}
	}))
	children := up(1, podEnded(2, "Error"), jobManagerPod(func(pod *Pod) {
		pod.Message = "java.io.FileNotFoundException: Cannot find meta data file '_metadata' in directory"
	}))
	missing := decideCluster(cluster, children, flink.Observation{}).Status.Components.Job.MissingSnapshots
	require.Len(t, missing, 10)
	require.Equal(t, checkpointPath(1, 5), missing[0])
}
