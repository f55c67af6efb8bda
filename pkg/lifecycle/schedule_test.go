package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func TestFileDue(t *testing.T) {
	every := func(seconds int32) clusterEdit {
		return spec(func(job *v1beta1.JobSpec) { job.AutoSavepointSeconds = new(seconds) })
	}
	generation := func(wanted, is, observed int32) clusterEdit {
		return func(c *v1beta1.FlinkCluster) {
			c.Spec.Job.SavepointGeneration = wanted
			jobOf(c).SavepointGeneration, jobOf(c).ObservedSavepointGeneration = is, observed
		}
	}
	nonce := func(wanted, observed *int64) clusterEdit {
		return func(c *v1beta1.FlinkCluster) {
			c.Spec.Job.SavepointTriggerNonce, jobOf(c).ObservedSavepointTriggerNonce = wanted, observed
		}
	}
	startedAgo := func(age time.Duration) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { jobOf(c).StartTime = at(-age) }
	}
	savedAgo := func(age time.Duration) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { jobOf(c).LastSavepointTime = at(-age) }
	}
	failedAgo := func(age time.Duration, edits ...func(*v1beta1.SavepointStatus)) clusterEdit {
		return slot(v1beta1.SavepointStateFailed, append(edits, func(s *v1beta1.SavepointStatus) { s.CompletionTime = at(-age) })...)
	}
	askedBy := func(generation int32, nonce *int64) func(*v1beta1.SavepointStatus) {
		return func(s *v1beta1.SavepointStatus) { s.SavepointGeneration, s.SavepointTriggerNonce = generation, nonce }
	}
	state := func(state v1beta1.JobState) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { jobOf(c).State = state }
	}
	const (
		user      = v1beta1.SavepointReasonUserRequested
		scheduled = v1beta1.SavepointReasonScheduled
	)
	for name, test := range map[string]struct {
		edits    []clusterEdit
		observed *flink.Observation
		expected v1beta1.SavepointReason
		requeue  time.Duration // in full seconds, rounded up
	}{
		"nothing is due": {},

		"generation, next":                        {edits: []clusterEdit{generation(3, 2, 0)}, expected: user},
		"generation, the first":                   {edits: []clusterEdit{generation(1, 0, 0)}, expected: user},
		"generation, equal":                       {edits: []clusterEdit{generation(2, 2, 0)}},
		"generation, smaller":                     {edits: []clusterEdit{generation(1, 2, 0)}},
		"generation, a jump":                      {edits: []clusterEdit{generation(10, 2, 0)}, expected: user},
		"generation, a jump that was served":      {edits: []clusterEdit{generation(10, 3, 10)}},
		"generation, beyond a jump":               {edits: []clusterEdit{generation(11, 3, 10)}, expected: user},
		"generation, below a jump":                {edits: []clusterEdit{generation(4, 3, 10)}, expected: user},
		"generation, failed a moment ago":         {edits: []clusterEdit{generation(3, 2, 0), failedAgo(time.Second, askedBy(3, nil))}, requeue: 9 * time.Second},
		"generation, failed some time ago":        {edits: []clusterEdit{generation(3, 2, 0), failedAgo(10*time.Second, askedBy(3, nil))}, expected: user},
		"generation, another value failed":        {edits: []clusterEdit{generation(3, 2, 0), failedAgo(time.Second, askedBy(4, nil))}, expected: user},
		"generation, a scheduled one failed":      {edits: []clusterEdit{generation(3, 2, 0), failedAgo(time.Second)}, expected: user},
		"generation, it failed in another run":    {edits: []clusterEdit{generation(3, 2, 0), failedAgo(time.Second, askedBy(3, nil), func(s *v1beta1.SavepointStatus) { s.JobID = "x" })}, expected: user},
		"generation, during a restart":            {edits: []clusterEdit{generation(3, 2, 0), state(v1beta1.JobStateRestarting)}},
		"generation, job deploying":               {edits: []clusterEdit{generation(3, 2, 0), state(v1beta1.JobStateDeploying)}},
		"generation, job ended":                   {edits: []clusterEdit{generation(3, 2, 0), state(v1beta1.JobStateFailed)}},
		"generation, job seen to have ended":      {edits: []clusterEdit{generation(3, 2, 0)}, observed: new(heard(flinkSays(flink.JobFailed)))},
		"generation, nothing heard yet":           {edits: []clusterEdit{generation(3, 2, 0)}, observed: &flink.Observation{}, expected: user},
		"generation, no directory":                {edits: []clusterEdit{generation(3, 2, 0), noDirectory}},
		"generation, being deleted":               {edits: []clusterEdit{generation(3, 2, 0), func(c *v1beta1.FlinkCluster) { c.DeletionTimestamp = new(metav1.NewTime(start)) }}},
		"generation, the job has been stopped":    {edits: []clusterEdit{generation(3, 2, 0), slot(v1beta1.SavepointStateSucceeded, stop)}},
		"generation, another run was stopped":     {edits: []clusterEdit{generation(3, 2, 0), slot(v1beta1.SavepointStateSucceeded, stop, func(s *v1beta1.SavepointStatus) { s.JobID = "x" })}, expected: user},
		"generation, a result is to be taken":     {edits: []clusterEdit{generation(3, 2, 0), slot(v1beta1.SavepointStateSucceeded), control(v1beta1.ControlSavepoint, v1beta1.ControlStateInProgress, follows(1))}},
		"generation, a result has been taken":     {edits: []clusterEdit{generation(3, 2, 0), slot(v1beta1.SavepointStateSucceeded), control(v1beta1.ControlSavepoint, v1beta1.ControlStateSucceeded, follows(1))}, expected: user},
		"generation, waits, so does the schedule": {edits: []clusterEdit{generation(3, 2, 0), every(1), failedAgo(time.Second, askedBy(3, nil))}, requeue: 9 * time.Second},

		"nonce, the first":         {edits: []clusterEdit{nonce(new(int64(1)), nil)}, expected: user},
		"nonce, changed":           {edits: []clusterEdit{nonce(new(int64(1)), new(int64(2)))}, expected: user},
		"nonce, zero":              {edits: []clusterEdit{nonce(new(int64(0)), new(int64(2)))}, expected: user},
		"nonce, unchanged":         {edits: []clusterEdit{nonce(new(int64(2)), new(int64(2)))}},
		"nonce, removed":           {edits: []clusterEdit{nonce(nil, new(int64(2)))}},
		"nonce, failed just now":   {edits: []clusterEdit{nonce(new(int64(1)), nil), failedAgo(0, askedBy(0, new(int64(1))))}, requeue: 10 * time.Second},
		"nonce, another failed":    {edits: []clusterEdit{nonce(new(int64(1)), nil), failedAgo(0, askedBy(0, new(int64(3))))}, expected: user},
		"nonce after a generation": {edits: []clusterEdit{nonce(new(int64(1)), nil), failedAgo(0, askedBy(3, nil))}, expected: user},

		"schedule, due":                          {edits: []clusterEdit{every(60), startedAgo(time.Minute)}, expected: scheduled},
		"schedule, nothing right at the start":   {edits: []clusterEdit{every(60), startedAgo(0)}, requeue: time.Minute},
		"schedule, after the last savepoint":     {edits: []clusterEdit{every(60), savedAgo(20 * time.Second)}, requeue: 40 * time.Second},
		"schedule, the run began after the last": {edits: []clusterEdit{every(60), startedAgo(10 * time.Second), savedAgo(time.Hour)}, requeue: 50 * time.Second},
		"schedule, many were missed":             {edits: []clusterEdit{every(1), savedAgo(time.Hour)}, expected: scheduled},
		"schedule, a second":                     {edits: []clusterEdit{every(1), savedAgo(0)}, requeue: time.Second},
		"schedule, failed a moment ago":          {edits: []clusterEdit{every(1), savedAgo(time.Hour), failedAgo(0)}, requeue: 10 * time.Second},
		"schedule, failed again":                 {edits: []clusterEdit{every(1), savedAgo(time.Hour), failedAgo(0, func(s *v1beta1.SavepointStatus) { s.ConsecutiveFailures = 3 })}, requeue: 40 * time.Second},
		"schedule, failed, but long to go":       {edits: []clusterEdit{every(60), savedAgo(0), failedAgo(0)}, requeue: time.Minute},
		"schedule, no start time":                {edits: []clusterEdit{every(1), func(c *v1beta1.FlinkCluster) { jobOf(c).StartTime = nil }}},
		"schedule, the user goes first":          {edits: []clusterEdit{every(1), generation(3, 2, 0)}, expected: user},
		"schedule, the longest interval":         {edits: []clusterEdit{every(1<<31 - 1), startedAgo(0)}, requeue: (1<<31 - 1) * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning)}, test.edits...)...)
			observed := heard()
			if test.observed != nil {
				observed = *test.observed
			}
			before := cluster.Status.Savepoint
			decision := decideSavepoint(cluster, observed, 0)
			require.Nil(t, decision.Effect, "recorded first")
			if test.expected == "" {
				require.Equal(t, before, decision.Status.Savepoint)
				require.Equal(t, test.requeue, decision.RequeueAfter.Round(time.Second).Truncate(time.Second))
				return
			}
			request := decision.Status.Savepoint
			require.Equal(t, v1beta1.SavepointStateRequested, request.State)
			require.Equal(t, test.expected, request.TriggerReason)
			require.Equal(t, testDir, request.Directory)
			require.False(t, request.Stop)
			if test.expected == scheduled {
				require.Zero(t, request.SavepointGeneration)
				require.Nil(t, request.SavepointTriggerNonce)
			}
		})
	}
}

// TestGeneration follows requests by generation and nonce to their ends.
func TestGeneration(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning), spec(func(job *v1beta1.JobSpec) {
		job.SavepointGeneration, job.SavepointTriggerNonce = 5, new(int64(1))
	}))
	now, taken := time.Duration(0), 0
	pass := func(observed flink.Observation) {
		now += time.Second
		cluster.Status = stored(t, decideSavepoint(cluster, observed, now).Status)
	}
	serve := func() {
		for range 5 {
			pass(heard())
			if slot := cluster.Status.Savepoint; SavepointBusy(slot) {
				taken++
				pass(heard(operation(flink.OperationSucceeded, func(o *flink.Operation) {
					o.TriggerID, o.Location = slot.TriggerID, savepointPath(1, 10+slot.Request)
				})))
			}
		}
	}
	serve()
	require.Equal(t, 1, taken, "both at once are one request, and so is a jump")
	require.EqualValues(t, 1, jobOf(cluster).SavepointGeneration)
	serve()
	require.Equal(t, 1, taken)
	cluster.Spec.Job.SavepointGeneration = 2
	serve()
	require.Equal(t, 2, taken)
	require.EqualValues(t, 2, jobOf(cluster).SavepointGeneration)
	cluster.Spec.Job.SavepointTriggerNonce = new(int64(0))
	serve()
	require.Equal(t, 3, taken)
	cluster.Spec.Job.SavepointTriggerNonce = nil
	serve()
	require.Equal(t, 3, taken)
	require.Len(t, cluster.Status.SavepointHistory, 3)

	t.Run("one that comes by the way serves a generation", func(t *testing.T) {
		cluster.Status.Savepoint = newRequest(cluster, &cluster.Status, heard(), start, v1beta1.SavepointReasonScheduled, testDir)
		cluster.Spec.Job.SavepointGeneration = 4
		serve()
		require.Equal(t, 4, taken)
		require.EqualValues(t, 4, jobOf(cluster).SavepointGeneration)
	})
}
