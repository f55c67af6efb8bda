package lifecycle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

func keepCount(count int32) clusterEdit {
	return spec(func(job *v1beta1.JobSpec) { job.SavepointRetention = &v1beta1.SavepointRetention{MaxCount: new(count)} })
}

func keepAge(age time.Duration) clusterEdit {
	return spec(func(job *v1beta1.JobSpec) {
		job.SavepointRetention = &v1beta1.SavepointRetention{MaxAgeSeconds: new(int32(age.Seconds()))}
	})
}

// taken is a savepoint of the first run that the operator took for a reason, so many minutes ago.
func taken(id int64, reason v1beta1.SavepointReason, minutes int) v1beta1.SavepointRecord {
	found := record(1, id, time.Duration(minutes)*time.Minute)
	found.Reason, found.TriggerID = reason, TriggerID(testUID, id)
	return found
}

func scheduled(id int64, minutes int) v1beta1.SavepointRecord {
	return taken(id, v1beta1.SavepointReasonScheduled, minutes)
}

func disposal(state v1beta1.SavepointDisposalState, attempts int32, after time.Duration, of v1beta1.SavepointRecord) v1beta1.SavepointRecord {
	of.Disposal = &v1beta1.SavepointDisposal{State: state, Attempts: attempts, Time: *at(after)}
	return of
}

// retained is a running job with a checkpoint of its own and a history.
func retained(records ...v1beta1.SavepointRecord) clusterEdit {
	return func(cluster *v1beta1.FlinkCluster) {
		run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) {
			job.LastCheckpoint = checkpointStatus(1, 5, 0)
			if len(records) > 0 {
				job.SavepointLocation = records[0].Location
			}
		})(cluster)
		history(records...)(cluster)
	}
}

// marked returns the number of the savepoint whose disposal is requested, 0 for none.
func marked(status *v1beta1.FlinkClusterStatus) int64 {
	if record := beingDisposed(status); record != nil {
		return record.CheckpointID
	}
	return 0
}

func TestDueForDisposal(t *testing.T) {
	three := []v1beta1.SavepointRecord{scheduled(9, 10), scheduled(8, 20), scheduled(7, 30)}
	startedFrom := func(location string) clusterEdit {
		return func(c *v1beta1.FlinkCluster) {
			jobOf(c).FromSavepoint, jobOf(c).LastCheckpoint = location, nil
		}
	}
	tests := map[string]struct {
		edits    []clusterEdit
		observed flink.Observation
		want     int64
		again    time.Duration
	}{
		"all are kept":                {edits: []clusterEdit{retained(three...)}},
		"as many as may be":           {edits: []clusterEdit{retained(three...), keepCount(3)}},
		"the oldest first":            {edits: []clusterEdit{retained(three...), keepCount(1)}, want: 7},
		"not the newest":              {edits: []clusterEdit{retained(scheduled(9, 10)), keepAge(time.Minute)}},
		"young enough":                {edits: []clusterEdit{retained(three...), keepAge(31 * time.Minute)}, again: time.Minute - time.Duration(start.Nanosecond())},
		"too old":                     {edits: []clusterEdit{retained(three...), keepAge(30 * time.Minute)}, want: 7},
		"either is enough":            {edits: []clusterEdit{retained(three...), keepCount(3), func(c *v1beta1.FlinkCluster) { c.Spec.Job.SavepointRetention.MaxAgeSeconds = new(int32(60)) }}, want: 7},
		"upgrades and suspensions":    {edits: []clusterEdit{retained(scheduled(9, 1), taken(8, v1beta1.SavepointReasonUpdate, 2), taken(7, v1beta1.SavepointReasonSuspend, 3)), keepCount(1)}, want: 7},
		"not what a user asked for":   {edits: []clusterEdit{retained(scheduled(9, 1), taken(8, v1beta1.SavepointReasonUserRequested, 2), taken(7, v1beta1.SavepointReasonJobCancel, 3)), keepCount(1)}},
		"which does not count either": {edits: []clusterEdit{retained(scheduled(9, 1), taken(8, v1beta1.SavepointReasonUserRequested, 2), scheduled(7, 3)), keepCount(2)}},
		"not what was taken past us":  {edits: []clusterEdit{retained(scheduled(9, 1), taken(8, v1beta1.SavepointReasonExternal, 2)), keepCount(1)}},
		"not what has no trigger id":  {edits: []clusterEdit{retained(scheduled(9, 1), record(1, 8, time.Hour)), keepCount(1)}},
		"not what may be another's": {edits: []clusterEdit{retained(scheduled(9, 1), func() v1beta1.SavepointRecord {
			inferred := scheduled(8, 2)
			inferred.Inferred = true
			return inferred
		}()), keepCount(1)}},
		"not the newest of our own, whatever came after": {edits: []clusterEdit{retained(scheduled(9, 10), scheduled(8, 20)), keepAge(time.Minute), func(c *v1beta1.FlinkCluster) {
			c.Status.SavepointHistory = append([]v1beta1.SavepointRecord{taken(10, v1beta1.SavepointReasonExternal, 1)}, c.Status.SavepointHistory...)
		}}, want: 8},
		"not what the run was started from, without a checkpoint": {edits: []clusterEdit{retained(three...), keepCount(1), startedFrom(savepointPath(1, 7))}, want: 8},
		"what the run was started from, once it has one": {edits: []clusterEdit{retained(three...), keepCount(1), startedFrom(savepointPath(1, 7)), func(c *v1beta1.FlinkCluster) {
			jobOf(c).LastCheckpoint = checkpointStatus(1, 10, 0)
		}}, want: 7},
		"a checkpoint of another run is none": {edits: []clusterEdit{retained(three...), keepCount(1), startedFrom(savepointPath(1, 7)), func(c *v1beta1.FlinkCluster) {
			jobOf(c).LastCheckpoint = checkpointStatus(2, 10, 0)
		}}, want: 8},
		"not spec.job.fromSavepoint": {edits: []clusterEdit{retained(three...), keepCount(1), spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = savepointPath(1, 7) + "/_metadata" })}, want: 8},
		"not what Flink went back to": {
			edits: []clusterEdit{retained(three...), keepCount(1)}, want: 8,
			observed: heard(func(o *flink.Observation) { o.Checkpoints.Restored = new(savepoint(1, 7)) }),
		},
		"not the next best of a newest that is missing": {edits: []clusterEdit{retained(three...), keepCount(1), func(c *v1beta1.FlinkCluster) {
			jobOf(c).MissingSnapshots = []string{savepointPath(1, 9)}
			c.Status.SavepointHistory = c.Status.SavepointHistory[:2]
		}}},
		"not without its number": {edits: []clusterEdit{retained(scheduled(9, 0), func() v1beta1.SavepointRecord {
			unnumbered := scheduled(8, 0)
			unnumbered.CheckpointID = 0
			return unnumbered
		}()), keepCount(1)}, again: time.Minute - time.Duration(start.Nanosecond())},
		"not before its time after a failure": {
			edits: []clusterEdit{retained(scheduled(9, 1), scheduled(8, 2), disposal(v1beta1.SavepointDisposalFailed, 2, 0, scheduled(7, 3))), keepCount(1)}, want: 8,
		},
		"again after a failure": {
			edits: []clusterEdit{retained(scheduled(9, 1), scheduled(8, 2), disposal(v1beta1.SavepointDisposalFailed, 2, -20*time.Second, scheduled(7, 3))), keepCount(1)}, want: 7,
		},
		"not after the last attempt": {
			edits: []clusterEdit{retained(scheduled(9, 1), disposal(v1beta1.SavepointDisposalFailed, disposalAttempts, -24*time.Hour, scheduled(7, 3))), keepCount(1)},
		},
		"not while the job is stopped": {edits: []clusterEdit{retained(three...), keepCount(1), func(c *v1beta1.FlinkCluster) {
			jobOf(c).Transition = &v1beta1.JobTransition{Purpose: v1beta1.TransitionUpgrade, Mode: v1beta1.UpgradeModeLastState, StartTime: *at(0), Attempt: 1}
		}}},
		"not when it is about to be":       {edits: []clusterEdit{retained(three...), keepCount(1), suspended}},
		"not when it is to be cancelled":   {edits: []clusterEdit{retained(three...), keepCount(1), cancelRequested}},
		"not during a savepoint":           {edits: []clusterEdit{retained(three...), keepCount(1), slot(v1beta1.SavepointStateInProgress)}, again: -1},
		"not while the JobManager is away": {edits: []clusterEdit{retained(three...), keepCount(1)}, observed: heard(silent)},
		"not while Flink restarts the job": {edits: []clusterEdit{retained(three...), keepCount(1)}, observed: heard(flinkSays(flink.JobRestarting))},
		"not of a job that has ended":      {edits: []clusterEdit{retained(three...), keepCount(1), func(c *v1beta1.FlinkCluster) { jobOf(c).State = v1beta1.JobStateFailed }}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.observed.JobID == "" {
				test.observed = heard()
			}
			decision := decideSavepoint(newCluster(test.edits...), test.observed, 0)
			require.Equal(t, test.want, marked(&decision.Status))
			require.Nil(t, decision.Effect, "what is recorded comes first")
			if test.want == 0 && test.again >= 0 {
				require.Equal(t, test.again, decision.RequeueAfter)
			}
		})
	}
}

func TestDisposalSteps(t *testing.T) {
	requested := disposal(v1beta1.SavepointDisposalRequested, 3, 0, scheduled(7, 30))
	id := DisposalID(&requested)
	sent := func(outcome flink.Outcome) func(*flink.Observation) {
		return func(o *flink.Observation) {
			o.Effects = map[string]flink.EffectResult{id: {Outcome: outcome, Message: "told", RequestID: "f"}}
		}
	}
	says := func(state flink.OperationState, cause string) func(*flink.Observation) {
		return func(o *flink.Observation) {
			sent(flink.OutcomeAccepted)(o)
			o.Disposal = &flink.Operation{TriggerID: id, State: state, Cause: cause}
		}
	}
	const missing = "java.io.FileNotFoundException: Cannot find meta data file '_metadata' in directory 'x'."
	tests := map[string]struct {
		observed flink.Observation
		after    time.Duration
		edit     clusterEdit
		// want is what becomes of the record: kept as requested, "gone", or the message of its failure.
		want string
		sent bool
	}{
		"it is asked for":              {observed: heard(), sent: true},
		"not during a savepoint":       {observed: heard(), edit: slot(v1beta1.SavepointStateRequested)},
		"not of a job that is stopped": {observed: heard(), edit: suspended},
		"not once it is in use":        {observed: heard(), edit: spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = requested.Location }), want: "it is in use"},
		"also if all are kept now":     {observed: heard(), edit: spec(func(job *v1beta1.JobSpec) { job.SavepointRetention = nil }), sent: true},
		"it is on its way":             {observed: heard(sent(flink.OutcomePending))},
		"it was refused":               {observed: heard(sent(flink.OutcomeRefused)), want: "told"},
		"no answer":                    {observed: heard(sent(flink.OutcomeUnknown)), want: "told"},
		"it was accepted":              {observed: heard(sent(flink.OutcomeAccepted))},
		"it goes on":                   {observed: heard(says(flink.OperationInProgress, ""))},
		"it goes on for too long":      {observed: heard(says(flink.OperationInProgress, "")), after: longestDisposal, want: "Flink did not end it within 10m0s"},
		"it is done":                   {observed: heard(says(flink.OperationSucceeded, "")), want: "gone"},
		"there is nothing":             {observed: heard(says(flink.OperationFailed, missing)), want: "gone"},
		"it failed":                    {observed: heard(says(flink.OperationFailed, "disk full")), want: "disk full"},
		"the JobManager has forgotten": {observed: heard(says(flink.OperationNotFound, "")), want: "the JobManager no longer knows that it was asked"},
		"an answer about another": {observed: heard(func(o *flink.Observation) {
			o.Disposal = &flink.Operation{TriggerID: "other", State: flink.OperationSucceeded}
		}), sent: true},
		"the JobManager is away":         {observed: heard(silent)},
		"the answer counts all the same": {observed: heard(says(flink.OperationSucceeded, ""), silent), want: "gone"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			edits := []clusterEdit{retained(scheduled(9, 10), requested), keepCount(1)}
			if test.edit != nil {
				edits = append(edits, test.edit)
			}
			cluster := newCluster(edits...)
			decision := decideSavepoint(cluster, test.observed, test.after)
			if SavepointBusy(cluster.Status.Savepoint) {
				require.Equal(t, requested.Disposal, decision.Status.SavepointHistory[1].Disposal)
				return
			}
			if test.sent {
				require.Equal(t, &flink.Effect{Kind: flink.DisposeSavepoint, JobID: JobID(testUID, 1), TriggerID: id, Location: requested.Location}, decision.Effect)
				require.True(t, MayDispose(cluster, *decision.Effect))
			} else {
				require.Nil(t, decision.Effect)
			}
			switch test.want {
			case "":
				require.Equal(t, cluster.Status.SavepointHistory, decision.Status.SavepointHistory)
			case "gone":
				require.Equal(t, []string{savepointPath(1, 9)}, locations(decision.Status))
				require.Equal(t, &v1beta1.ForgottenSavepoint{JobID: JobID(testUID, 1), CheckpointID: 7}, decision.Status.ForgottenSavepoint)
			default:
				require.Equal(t, &v1beta1.SavepointDisposal{State: v1beta1.SavepointDisposalFailed, Attempts: 3, Time: *at(test.after), Message: test.want}, decision.Status.SavepointHistory[1].Disposal)
			}
		})
	}
}

// The last look before Flink is asked is at a newer status.
func TestMayDispose(t *testing.T) {
	requested := disposal(v1beta1.SavepointDisposalRequested, 1, 0, scheduled(7, 30))
	effect := flink.Effect{Kind: flink.DisposeSavepoint, JobID: JobID(testUID, 1), TriggerID: DisposalID(&requested), Location: requested.Location}
	cluster := func(edits ...clusterEdit) *v1beta1.FlinkCluster {
		return newCluster(append([]clusterEdit{retained(scheduled(9, 10), requested)}, edits...)...)
	}
	require.True(t, MayDispose(cluster(), effect))
	for name, edit := range map[string]clusterEdit{
		"it is kept":           history(scheduled(9, 10), scheduled(7, 30)),
		"it has left":          history(scheduled(9, 10)),
		"another attempt":      history(scheduled(9, 10), disposal(v1beta1.SavepointDisposalRequested, 2, 0, scheduled(7, 30))),
		"a savepoint is taken": slot(v1beta1.SavepointStateRequested),
		"another run":          run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.Attempt, job.ID = 2, JobID(testUID, 2) }),
		"the job has ended":    run(v1beta1.JobStateFailed),
		"it is needed":         spec(func(job *v1beta1.JobSpec) { job.FromSavepoint = requested.Location }),
		"the cluster goes":     func(c *v1beta1.FlinkCluster) { c.DeletionTimestamp = at(0) },
		"no job":               func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil },
		"an upgrade": func(c *v1beta1.FlinkCluster) {
			jobOf(c).Transition = &v1beta1.JobTransition{Attempt: 1, StartTime: *at(0)}
		},
	} {
		require.False(t, MayDispose(cluster(edit), effect), name)
	}
}

// A savepoint that is to be disposed of is nothing to start from.
func TestDisposedSavepointIsNoCandidate(t *testing.T) {
	cluster := newCluster(retained(scheduled(9, 10), disposal(v1beta1.SavepointDisposalFailed, disposalAttempts, 0, scheduled(8, 20))))
	for _, known := range candidates(&cluster.Status) {
		require.NotEqual(t, savepointPath(1, 8), known.location)
	}
}

// What was disposed of is not taken for news, though Flink goes on naming it; what comes later is.
func TestForgottenSavepoints(t *testing.T) {
	cluster := newCluster(retained(scheduled(9, 10)), func(c *v1beta1.FlinkCluster) {
		c.Status.ForgottenSavepoint = &v1beta1.ForgottenSavepoint{JobID: JobID(testUID, 1), CheckpointID: 8}
	})
	seen := heard(savepointsSeen(savepoint(1, 10), savepoint(1, 9), savepoint(1, 8), savepoint(1, 7)))
	require.Equal(t, []string{savepointPath(1, 10), savepointPath(1, 9)}, locations(decideSavepoint(cluster, seen, 0).Status))
	cluster.Status.ForgottenSavepoint.JobID = JobID(testUID, 2)
	require.Len(t, decideSavepoint(cluster, seen, 0).Status.SavepointHistory, 4, "numbers are those of one run")
}

// TestHistoryKeepsWhatIsDue: the bound of the history costs the records that retention has no use for.
func TestHistoryKeepsWhatIsDue(t *testing.T) {
	full := func(special v1beta1.SavepointRecord, at int) []v1beta1.SavepointRecord {
		var records []v1beta1.SavepointRecord
		for i := range maxSavepointHistory {
			next := scheduled(int64(60-i), i)
			if i == at {
				special.CheckpointID, special.Location = next.CheckpointID, next.Location
				next = special
			}
			records = append(records, next)
		}
		return records
	}
	user := taken(0, v1beta1.SavepointReasonUserRequested, 0)
	tests := map[string]struct {
		records []v1beta1.SavepointRecord
		edit    clusterEdit
		gone    int64
	}{
		"without retention the oldest":      {full(user, 3), func(*v1beta1.FlinkCluster) {}, 41},
		"a user's, whose files stay":        {full(user, 3), keepCount(15), 57},
		"one that could not be disposed of": {full(disposal(v1beta1.SavepointDisposalFailed, 10, 0, user), 5), keepCount(15), 55},
		"not the one that is disposed of":   {full(disposal(v1beta1.SavepointDisposalRequested, 1, 0, scheduled(0, 0)), 19), keepCount(15), 42},
		"the oldest where all are our own":  {full(scheduled(0, 0), 3), keepCount(15), 41},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(retained(test.records...), test.edit)
			pass := &savepointPass{SavepointInput: SavepointInput{Cluster: cluster, Now: start}, status: &cluster.Status, job: jobOf(cluster)}
			pass.remember(scheduled(61, 0))
			require.Len(t, cluster.Status.SavepointHistory, maxSavepointHistory)
			require.Equal(t, savepointPath(1, 61), cluster.Status.SavepointHistory[0].Location)
			require.NotContains(t, locations(cluster.Status), savepointPath(1, test.gone))
			require.Equal(t, test.gone, cluster.Status.ForgottenSavepoint.CheckpointID)
		})
	}
}

// A savepoint that reaches the generation that a user asks for is the user's, whatever it was taken for; what the
// statistics alone show may be somebody else's.
func TestWhoseSavepoint(t *testing.T) {
	asks := func(generation int32) clusterEdit {
		return spec(func(job *v1beta1.JobSpec) { job.SavepointGeneration = generation })
	}
	byAnswer := heard(operation(flink.OperationSucceeded, func(o *flink.Operation) { o.Location = savepointPath(1, 6) }))
	byStatistics := heard(operation(flink.OperationNotFound), savepointsSeen(func() flink.Snapshot {
		found := savepoint(1, 6)
		found.TriggerTime = start
		return found
	}()))
	of := func(observed flink.Observation, edits ...clusterEdit) v1beta1.SavepointRecord {
		inSlot := slot(v1beta1.SavepointStateInProgress, func(s *v1beta1.SavepointStatus) { s.TriggerReason = v1beta1.SavepointReasonScheduled })
		return decideSavepoint(newCluster(append([]clusterEdit{run(v1beta1.JobStateRunning), inSlot}, edits...)...), observed, time.Second).Status.SavepointHistory[0]
	}
	require.True(t, retentionApplies(new(of(byAnswer))))
	require.False(t, retentionApplies(new(of(byAnswer, asks(1)))))
	require.True(t, retentionApplies(new(of(byAnswer, asks(7)))), "one is still to be taken for the user")
	found := of(byStatistics)
	require.True(t, found.Inferred)
	require.False(t, retentionApplies(&found))
}

func TestDisposalEvents(t *testing.T) {
	reasons := func(old, updated *v1beta1.FlinkCluster) []v1beta1.EventReason {
		var found []v1beta1.EventReason
		for _, event := range Events(old, updated) {
			found = append(found, event.Reason)
		}
		return found
	}
	with := func(records ...v1beta1.SavepointRecord) *v1beta1.FlinkCluster {
		return newCluster(retained(records...))
	}
	newest, old := scheduled(9, 1), scheduled(7, 3)
	requested := disposal(v1beta1.SavepointDisposalRequested, 10, 0, old)
	failedOnce, gaveUp := disposal(v1beta1.SavepointDisposalFailed, 1, 0, old), disposal(v1beta1.SavepointDisposalFailed, 10, 0, old)
	require.Empty(t, reasons(with(newest, old), with(newest, requested)))
	require.Empty(t, reasons(with(newest, requested), with(newest, failedOnce)))
	require.Empty(t, reasons(with(newest, old), with(newest)), "out of the bound of the history")
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventSavepointDisposed}, reasons(with(newest, requested), with(newest)))
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventSavepointDisposalFailed}, reasons(with(newest, requested), with(newest, gaveUp)))
	require.Equal(t, []v1beta1.EventReason{v1beta1.EventSavepointDisposalFailed}, reasons(with(newest, failedOnce), with(newest)))
	require.Empty(t, reasons(with(newest, gaveUp), with(newest)), "told already")
}

func TestRetentionWarning(t *testing.T) {
	for _, test := range []struct {
		every  int32
		edit   clusterEdit
		warned bool
	}{
		{60, keepAge(time.Hour), true}, {60, keepAge(15 * time.Minute), false}, {60, keepCount(15), false},
		{60, func(c *v1beta1.FlinkCluster) {
			keepAge(time.Hour)(c)
			c.Spec.Job.SavepointRetention.MaxCount = new(int32(5))
		}, false},
	} {
		cluster := newCluster(test.edit, spec(func(job *v1beta1.JobSpec) { job.AutoSavepointSeconds = new(test.every) }))
		require.Equal(t, test.warned, len(retentionWarning(cluster)) > 0, fmt.Sprint(cluster.Spec.Job.SavepointRetention))
	}
}

// The job is asked closely while a savepoint is disposed of, and about nothing else.
func TestDisposalIsWatched(t *testing.T) {
	requested := disposal(v1beta1.SavepointDisposalRequested, 1, 0, scheduled(7, 30))
	watch := WatchFor(newCluster(retained(scheduled(9, 10), requested)))
	require.Equal(t, DisposalID(&requested), watch.DisposalID)
	require.Equal(t, PaceOperation, watch.Pace)
	require.Empty(t, WatchFor(newCluster(retained(scheduled(9, 10), requested), slot(v1beta1.SavepointStateRequested))).DisposalID)
	require.Empty(t, WatchFor(newCluster(retained(scheduled(9, 10)))).DisposalID)
}
