package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestCancel(t *testing.T) {
	withoutSavepoint := control(v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateInProgress)
	byStop := control(v1beta1.ControlJobCancel, v1beta1.ControlStateInProgress, follows(1))
	const (
		nothing = ""
		effect  = "effect"
		filed   = "stop filed"
		down    = "taken down"
	)
	for name, test := range map[string]struct {
		state    v1beta1.JobState
		edits    []clusterEdit
		observed flink.Observation
		expected string
	}{
		"nobody asks":                       {v1beta1.JobStateRunning, nil, heard(), nothing},
		"spec, running":                     {v1beta1.JobStateRunning, []clusterEdit{cancelRequested}, heard(), filed},
		"spec, running, just started":       {v1beta1.JobStateRunning, []clusterEdit{cancelRequested}, flink.Observation{}, filed},
		"spec, no directory":                {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, noDirectory}, heard(), effect},
		"spec, no directory, nothing heard": {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, noDirectory}, flink.Observation{}, nothing},
		"spec, Flink's own directory": {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, noDirectory, func(c *v1beta1.FlinkCluster) {
			c.Spec.FlinkProperties = map[string]string{"state.savepoints.dir": "s3://b"}
		}}, heard(), filed},
		"spec, a savepoint runs":                  {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateInProgress)}, heard(), nothing},
		"spec, no directory, a savepoint runs":    {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, noDirectory, slot(v1beta1.SavepointStateInProgress)}, heard(), nothing},
		"spec, a result waits for its request":    {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateSucceeded), control(v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress, follows(1))}, heard(), nothing},
		"spec, an older savepoint":                {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateSucceeded)}, heard(), filed},
		"spec, an older stop of another run":      {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) { s.JobID = "x" })}, heard(), filed},
		"spec, the stop succeeded":                {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateSucceeded, stop)}, heard(), nothing},
		"spec, the stop failed a moment ago":      {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateFailed, stop)}, heard(), nothing},
		"spec, the stop failed some time ago":     {v1beta1.JobStateRunning, []clusterEdit{cancelRequested, slot(v1beta1.SavepointStateFailed, stop, func(s *v1beta1.SavepointStatus) { s.CompletionTime = at(-10 * time.Second) })}, heard(), filed},
		"spec, never came up":                     {v1beta1.JobStateDeploying, []clusterEdit{cancelRequested}, flink.Observation{}, down},
		"spec, the JobManager has no job":         {v1beta1.JobStateDeploying, []clusterEdit{cancelRequested}, heard(unlisted(5)), down},
		"spec, coming up":                         {v1beta1.JobStateDeploying, []clusterEdit{cancelRequested}, heard(flinkSays(flink.JobInitializing)), effect},
		"spec, just came up":                      {v1beta1.JobStateDeploying, []clusterEdit{cancelRequested}, heard(), filed},
		"annotation, running":                     {v1beta1.JobStateRunning, []clusterEdit{withoutSavepoint}, heard(), effect},
		"annotation, coming up":                   {v1beta1.JobStateDeploying, []clusterEdit{withoutSavepoint}, heard(flinkSays(flink.JobCreated)), effect},
		"annotation, never came up":               {v1beta1.JobStateDeploying, []clusterEdit{withoutSavepoint}, flink.Observation{}, down},
		"annotation, silent":                      {v1beta1.JobStateRunning, []clusterEdit{withoutSavepoint}, heard(silent), effect},
		"annotation, nothing heard":               {v1beta1.JobStateRunning, []clusterEdit{withoutSavepoint}, flink.Observation{}, nothing},
		"annotation, a savepoint runs":            {v1beta1.JobStateRunning, []clusterEdit{withoutSavepoint, slot(v1beta1.SavepointStateRequested)}, heard(), effect},
		"annotation, no directory":                {v1beta1.JobStateRunning, []clusterEdit{noDirectory, control(v1beta1.ControlJobCancel, v1beta1.ControlStateInProgress)}, heard(), effect},
		"annotation, by its stop":                 {v1beta1.JobStateRunning, []clusterEdit{byStop, slot(v1beta1.SavepointStateSucceeded, stop)}, heard(), nothing},
		"annotation, waits for the slot":          {v1beta1.JobStateRunning, []clusterEdit{control(v1beta1.ControlJobCancel, v1beta1.ControlStateRequested)}, heard(), nothing},
		"annotation, finished":                    {v1beta1.JobStateRunning, []clusterEdit{control(v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateFailed)}, heard(), nothing},
		"annotation for a savepoint":              {v1beta1.JobStateRunning, []clusterEdit{control(v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress)}, heard(), nothing},
		"both, the annotation needs no savepoint": {v1beta1.JobStateRunning, []clusterEdit{withoutSavepoint, cancelRequested}, heard(), effect},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(test.state)}, test.edits...)...)
			before := cluster.Status.Savepoint
			decision := decideCluster(cluster, up(1), test.observed)
			actual := nothing
			switch {
			case len(decision.Effects) > 0:
				actual = effect
				require.Equal(t, []flink.Effect{{Kind: flink.CancelJob, JobID: JobID(testUID, 1)}}, decision.Effects)
			case decision.Status.Components.Job.State == v1beta1.JobStateRestarting:
				actual = down
			case decision.Status.Savepoint != nil && (before == nil || before.Request != decision.Status.Savepoint.Request):
				actual = filed
				request := decision.Status.Savepoint
				require.True(t, request.Stop)
				require.Equal(t, v1beta1.SavepointReasonJobCancel, request.TriggerReason)
				require.Equal(t, v1beta1.SavepointStateRequested, request.State)
				require.NotEmpty(t, request.Directory)
				require.Equal(t, TriggerID(testUID, request.Request), request.TriggerID)
			}
			require.Equal(t, test.expected, actual)
		})
	}
	t.Run("the retry of a stop has its time", func(t *testing.T) {
		failed := slot(v1beta1.SavepointStateFailed, stop, func(s *v1beta1.SavepointStatus) { s.ConsecutiveFailures = 3 })
		decision := decideCluster(newCluster(run(v1beta1.JobStateRunning), cancelRequested, failed), up(1), heard())
		require.Equal(t, 40*time.Second-123456789*time.Nanosecond, decision.RequeueAfter)
	})
}

// TestCancelAndBack: cancelRequested before, during and after a run, and taken back.
func TestCancelAndBack(t *testing.T) {
	t.Run("before the first run", func(t *testing.T) {
		cluster := newCluster(cancelRequested, spec(func(job *v1beta1.JobSpec) { job.SavepointTriggerNonce, job.FromSavepoint = new(int64(3)), otherPath }))
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateCancelled, jobOf(cluster).State)
		require.Equal(t, v1beta1.CancelledBySpec, jobOf(cluster).CancelledBy)
		require.Equal(t, v1beta1.LifecycleStopped, cluster.Status.Lifecycle)
		require.Equal(t, v1beta1.ClusterStateStopped, cluster.Status.State)

		cluster.Spec.Job.CancelRequested = false
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateDeploying, jobOf(cluster).State)
		require.EqualValues(t, 1, jobOf(cluster).Attempt)
		require.Equal(t, otherPath, jobOf(cluster).FromSavepoint)
		require.Equal(t, int64(3), *jobOf(cluster).ObservedSavepointTriggerNonce)
	})
	t.Run("while it runs", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRunning), cancelRequested, slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) {
			s.Location = savepointPath(1, 6)
		}), history(record(1, 6, 0)))
		decision := settle(t, cluster, up(1), heard(flinkSays(flink.JobFinished)))
		require.Equal(t, v1beta1.JobStateCancelled, jobOf(cluster).State)
		require.Equal(t, Plan{ConfigMap: Delete, Service: Delete, JobManager: Delete, TaskManager: Delete}, decision.Plan)
		require.Equal(t, v1beta1.ClusterStateStopping, cluster.Status.State)
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.ClusterStateStopped, cluster.Status.State)

		cluster.Spec.Job.CancelRequested = false
		decision = settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateDeploying, jobOf(cluster).State)
		require.Equal(t, savepointPath(1, 6), jobOf(cluster).FromSavepoint)
		require.Zero(t, jobOf(cluster).RestartCount)
		require.Empty(t, jobOf(cluster).CancelledBy)
		require.Equal(t, Apply, decision.Plan.JobManager)
	})
	for name, test := range map[string]struct {
		edits    []clusterEdit
		heard    flink.JobStatus
		expected v1beta1.CancelledBy
	}{
		"taken back in time":                      {nil, flink.JobRunning, ""},
		"taken back while Flink cancels":          {nil, flink.JobCancelling, v1beta1.CancelledBySpec},
		"taken back, and the stop is requested":   {[]clusterEdit{slot(v1beta1.SavepointStateRequested, stop)}, flink.JobRunning, v1beta1.CancelledBySpec},
		"taken back, and the stop is in progress": {[]clusterEdit{slot(v1beta1.SavepointStateInProgress, stop)}, flink.JobRunning, v1beta1.CancelledBySpec},
		"taken back, and the stop has succeeded":  {[]clusterEdit{slot(v1beta1.SavepointStateSucceeded, stop)}, flink.JobRunning, v1beta1.CancelledBySpec},
		"taken back, and the stop has failed":     {[]clusterEdit{slot(v1beta1.SavepointStateFailed, stop)}, flink.JobRunning, ""},
		"taken back during an ordinary savepoint": {[]clusterEdit{slot(v1beta1.SavepointStateInProgress)}, flink.JobRunning, ""},
		"taken back, a stop of another run was":   {[]clusterEdit{slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) { s.JobID = "x" })}, flink.JobRunning, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledBySpec })}, test.edits...)...)
			require.Equal(t, test.expected, decideCluster(cluster, up(1), heard(flinkSays(test.heard))).Status.Components.Job.CancelledBy)
			require.Equal(t, v1beta1.CancelledBySpec, decideCluster(cluster, up(1), flink.Observation{}).Status.Components.Job.CancelledBy, "nothing heard")
			if test.expected == "" || SavepointBusy(cluster.Status.Savepoint) {
				return
			}
			// It cannot be taken back any more: the job ends, and is started again.
			settle(t, cluster, up(1), heard(flinkSays(flink.JobCanceled)))
			settle(t, cluster, Children{}, flink.Observation{})
			require.Equal(t, v1beta1.JobStateDeploying, jobOf(cluster).State)
			require.EqualValues(t, 2, jobOf(cluster).Attempt)
		})
	}
	t.Run("while a restart waits", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRestarting), cancelRequested)
		require.Equal(t, v1beta1.JobStateRestarting, decideCluster(cluster, up(1), flink.Observation{}).Status.Components.Job.State, "pods are left")
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateCancelled, jobOf(cluster).State)
		require.Equal(t, v1beta1.CancelledBySpec, jobOf(cluster).CancelledBy)
	})
	t.Run("by annotation while a restart waits", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRestarting), control(v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateInProgress))
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.CancelledByControl, jobOf(cluster).CancelledBy)
	})
	t.Run("a job cancelled otherwise stays so", func(t *testing.T) {
		for _, by := range []v1beta1.CancelledBy{v1beta1.CancelledByControl, v1beta1.CancelledByOther} {
			cluster := newCluster(run(v1beta1.JobStateCancelled, func(job *v1beta1.JobStatus) { job.CancelledBy = by }))
			settle(t, cluster, up(1), flink.Observation{})
			require.Equal(t, v1beta1.JobStateCancelled, jobOf(cluster).State)
		}
	})
	t.Run("resumes by the newest state whatever the policy", func(t *testing.T) {
		cluster := newCluster(policy(v1beta1.RestartPolicyNever), run(v1beta1.JobStateCancelled, func(job *v1beta1.JobStatus) {
			job.CancelledBy, job.LastCheckpoint = v1beta1.CancelledBySpec, checkpointStatus(1, 5, time.Hour)
		}))
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, checkpointPath(1, 5), jobOf(cluster).FromSavepoint)
	})
	for name, asked := range map[string][]clusterEdit{
		"not before a cancel by annotation has ended": {control(v1beta1.ControlJobCancelWithoutSavepoint, v1beta1.ControlStateInProgress)},
		"not before a cancel by annotation with a savepoint has ended": {
			slot(v1beta1.SavepointStateSucceeded, stop), control(v1beta1.ControlJobCancel, v1beta1.ControlStateInProgress, follows(1)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			cancelled := run(v1beta1.JobStateCancelled, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledBySpec })
			cluster := newCluster(append([]clusterEdit{cancelled}, asked...)...)
			settle(t, cluster, Children{}, flink.Observation{})
			require.Equal(t, v1beta1.JobStateCancelled, jobOf(cluster).State)
			cluster.Status.Control.State = v1beta1.ControlStateSucceeded
			settle(t, cluster, Children{}, flink.Observation{})
			require.Equal(t, v1beta1.JobStateDeploying, jobOf(cluster).State)
		})
	}
	t.Run("not before the savepoint has ended", func(t *testing.T) {
		cluster := newCluster(slot(v1beta1.SavepointStateInProgress), run(v1beta1.JobStateCancelled, func(job *v1beta1.JobStatus) { job.CancelledBy = v1beta1.CancelledBySpec }))
		settle(t, cluster, Children{}, flink.Observation{})
		require.Equal(t, v1beta1.JobStateCancelled, jobOf(cluster).State)
	})
}
