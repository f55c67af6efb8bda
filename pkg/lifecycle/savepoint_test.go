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

// TestSlot: a request in the slot against what is heard of it.
func TestSlot(t *testing.T) {
	const (
		requested  = v1beta1.SavepointStateRequested
		inProgress = v1beta1.SavepointStateInProgress
		succeeded  = v1beta1.SavepointStateSucceeded
		failed     = v1beta1.SavepointStateFailed
	)
	version := func(version string) clusterEdit {
		return func(c *v1beta1.FlinkCluster) { c.Status.FlinkVersion = version }
	}
	unheard := func(o *flink.Observation) { o.Checkpoints = nil }
	unversioned := func(o *flink.Observation) { o.Version = "" }
	jobManagerGone := func(c *v1beta1.FlinkCluster) {
		c.Status.Components.JobManager.State = v1beta1.ComponentStateDeleted
	}
	nothing := func(o *flink.Observation) { *o = flink.Observation{} }
	for name, test := range map[string]struct {
		job      v1beta1.JobState // Running if empty.
		from     v1beta1.SavepointState
		edits    []clusterEdit
		heard    []func(*flink.Observation)
		after    time.Duration
		expected v1beta1.SavepointState
		sends    bool
		message  string
		requeue  time.Duration
	}{
		"sent":                                   {from: requested, expected: requested, sends: true},
		"sent, though nothing has been heard":    {from: requested, heard: []func(*flink.Observation){nothing}, expected: requested, sends: true},
		"sent, though silent":                    {from: requested, heard: []func(*flink.Observation){silent}, expected: requested, sends: true},
		"on its way":                             {from: requested, heard: []func(*flink.Observation){effect(flink.OutcomePending)}, expected: requested},
		"accepted":                               {from: requested, heard: []func(*flink.Observation){effect(flink.OutcomeAccepted)}, expected: inProgress},
		"refused":                                {from: requested, heard: []func(*flink.Observation){effect(flink.OutcomeRefused)}, expected: failed, message: "said Flink"},
		"no answer: again with the same id":      {from: requested, heard: []func(*flink.Observation){effect(flink.OutcomeUnknown)}, expected: requested, sends: true, requeue: time.Second},
		"in progress":                            {from: requested, heard: []func(*flink.Observation){operation(flink.OperationInProgress)}, expected: inProgress},
		"still in progress":                      {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationInProgress)}, expected: inProgress},
		"still in progress after an hour":        {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationInProgress)}, after: time.Hour, expected: inProgress},
		"succeeded":                              {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationSucceeded)}, expected: succeeded},
		"succeeded at once":                      {from: requested, heard: []func(*flink.Observation){operation(flink.OperationSucceeded)}, expected: succeeded},
		"succeeded, and the job has ended":       {job: v1beta1.JobStateSucceeded, from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationSucceeded), flinkSays(flink.JobFinished)}, expected: succeeded},
		"succeeded, and the JobManager is gone":  {job: v1beta1.JobStateLost, from: inProgress, edits: []clusterEdit{jobManagerGone}, heard: []func(*flink.Observation){operation(flink.OperationSucceeded), silent}, expected: succeeded},
		"failed":                                 {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationFailed)}, expected: failed, message: "Not all required tasks"},
		"failed after the savepoint was written": {from: inProgress, edits: []clusterEdit{slot(inProgress, stop)}, heard: []func(*flink.Observation){operation(flink.OperationFailed, func(o *flink.Operation) { o.Location = savepointPath(1, 6) })}, expected: succeeded},
		"an answer about another trigger id":     {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationFailed, func(o *flink.Operation) { o.TriggerID = "x" })}, expected: inProgress},
		"an answer about another job":            {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationFailed, func(o *flink.Operation) { o.JobID = "x" })}, expected: inProgress},
		"an observation of another job":          {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationFailed), func(o *flink.Observation) { o.JobID = "x" }}, expected: inProgress},

		"not found: never arrived":                              {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound)}, after: time.Hour, expected: requested, sends: true},
		"not found a moment after the request: somebody else's": {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: requested, sends: true},
		"not found: the statistics show it":                     {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, after: time.Hour, expected: succeeded},
		"not found in progress: the statistics show it":         {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: succeeded},
		"not found in progress, no trace":                       {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound)}, expected: failed, message: "no longer knows"},
		"not found, the job has ended":                          {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), flinkSays(flink.JobFinished)}, expected: failed, message: "ended before"},
		"not found, an older savepoint":                         {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 5))}, expected: failed},
		"not found, one triggered before":                       {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(flink.Snapshot{ID: 6, Location: savepointPath(1, 6), Savepoint: true, TriggerTime: start.Add(-time.Minute)})}, expected: failed},
		"not found, clocks differ a little":                     {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(flink.Snapshot{ID: 6, Location: savepointPath(1, 6), Savepoint: true, TriggerTime: start.Add(-4 * time.Second)})}, expected: succeeded},
		"not found, one in another directory":                   {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(flink.Snapshot{ID: 6, Location: otherPath, Savepoint: true, TriggerTime: start})}, expected: failed},
		"not found, Flink's own directory":                      {from: inProgress, edits: []clusterEdit{slot(inProgress, func(s *v1beta1.SavepointStatus) { s.Directory = "" })}, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(flink.Snapshot{ID: 6, Location: otherPath, Savepoint: true, TriggerTime: start})}, expected: succeeded},
		"not found, one that counted already":                   {from: inProgress, edits: []clusterEdit{history(record(1, 6, 0))}, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: failed},
		"a stop not found, another's savepoint":                 {from: inProgress, edits: []clusterEdit{slot(inProgress, stop)}, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: failed},
		"a stop not found, the job has ended":                   {from: inProgress, edits: []clusterEdit{slot(inProgress, stop)}, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6)), flinkSays(flink.JobFinished)}, expected: succeeded},
		"a stop not found, the job has failed":                  {from: requested, edits: []clusterEdit{slot(requested, stop)}, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6)), flinkSays(flink.JobFailed)}, expected: failed},
		"a stop never arrived, another's savepoint":             {from: requested, edits: []clusterEdit{slot(requested, stop)}, heard: []func(*flink.Observation){operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: requested, sends: true},
		"not found after it was accepted":                       {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), effect(flink.OutcomeAccepted)}, expected: inProgress},
		"not found, the statistics are still to come":           {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), unheard}, after: time.Hour, expected: requested, requeue: time.Second},
		"not found in progress, the same":                       {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationNotFound), unheard}, after: time.Hour, expected: inProgress, requeue: time.Second},
		"not found, no statistics, but only just asked":         {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), unheard}, expected: requested, sends: true},
		"not found, ended, the statistics are to come":          {job: v1beta1.JobStateFailed, from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), flinkSays(flink.JobFailed), unheard, func(o *flink.Observation) { o.CheckpointsFinal = false }}, expected: requested, requeue: time.Second},
		"not found, ended, there are no statistics":             {job: v1beta1.JobStateFailed, from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), flinkSays(flink.JobFailed), unheard}, expected: failed},
		"not found, on its way":                                 {from: requested, heard: []func(*flink.Observation){operation(flink.OperationNotFound), effect(flink.OutcomePending)}, expected: requested},

		"an old request waits for an answer":       {from: requested, after: 2 * time.Minute, expected: requested},
		"an old request of a silent JobManager":    {from: requested, heard: []func(*flink.Observation){silent}, after: 2 * time.Minute, expected: requested},
		"silence in progress":                      {from: inProgress, heard: []func(*flink.Observation){silent}, after: time.Hour, expected: inProgress},
		"silence after an answer":                  {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationInProgress), silent}, after: time.Hour, expected: inProgress},
		"the operator has just started":            {from: inProgress, heard: []func(*flink.Observation){nothing}, after: time.Hour, expected: inProgress},
		"overdue":                                  {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationInProgress)}, after: 7 * time.Hour, expected: failed, message: "within 6h0m0s"},
		"overdue, silent":                          {from: requested, heard: []func(*flink.Observation){silent}, after: 7 * time.Hour, expected: failed},
		"overdue, but it was completed":            {from: inProgress, heard: []func(*flink.Observation){operation(flink.OperationInProgress), savepointsSeen(savepoint(1, 6))}, after: 7 * time.Hour, expected: succeeded},
		"overdue, the operator was away":           {from: inProgress, heard: []func(*flink.Observation){nothing}, after: 7 * time.Hour, expected: inProgress},
		"the run was lost, its JobManager is gone": {job: v1beta1.JobStateLost, from: inProgress, edits: []clusterEdit{jobManagerGone}, heard: []func(*flink.Observation){operation(flink.OperationInProgress), silent}, expected: failed, message: "JobManager is gone"},
		"the same, nothing heard":                  {job: v1beta1.JobStateLost, from: requested, edits: []clusterEdit{jobManagerGone}, heard: []func(*flink.Observation){nothing}, expected: failed, message: "JobManager is gone"},
		"the same, and it had been seen completed": {job: v1beta1.JobStateLost, from: inProgress, edits: []clusterEdit{jobManagerGone}, heard: []func(*flink.Observation){silent, savepointsSeen(savepoint(1, 6))}, expected: succeeded},
		"ended, the JobManager may answer":         {job: v1beta1.JobStateFailed, from: inProgress, heard: []func(*flink.Observation){silent}, after: time.Minute, expected: inProgress, requeue: 4*time.Minute - 123456789*time.Nanosecond},
		"ended, the JobManager never answered":     {job: v1beta1.JobStateFailed, from: inProgress, heard: []func(*flink.Observation){silent}, after: 6 * time.Minute, expected: failed},
		"ended, the JobManager answers":            {job: v1beta1.JobStateFailed, from: inProgress, heard: []func(*flink.Observation){flinkSays(flink.JobFailed)}, after: time.Minute, expected: inProgress},
		"finished by a stop, silent since":         {from: inProgress, edits: []clusterEdit{slot(inProgress, stop)}, heard: []func(*flink.Observation){flinkSays(flink.JobFinished), operation(flink.OperationInProgress), silent}, after: time.Minute, expected: inProgress, requeue: 4 * time.Minute},
		"finished by a stop, silent for long":      {from: inProgress, edits: []clusterEdit{slot(inProgress, stop)}, heard: []func(*flink.Observation){flinkSays(flink.JobFinished), silent}, after: 6 * time.Minute, expected: failed},
		"finished by a stop, the JobManager gone":  {from: inProgress, edits: []clusterEdit{slot(inProgress, stop), jobManagerGone}, heard: []func(*flink.Observation){flinkSays(flink.JobFinished), silent}, expected: failed},
		"finished by a stop, gone, seen completed": {from: inProgress, edits: []clusterEdit{slot(inProgress, stop), jobManagerGone}, heard: []func(*flink.Observation){flinkSays(flink.JobFinished), silent, savepointsSeen(savepoint(1, 6))}, expected: succeeded},
		"the request of another run":               {from: inProgress, edits: []clusterEdit{slot(inProgress, func(s *v1beta1.SavepointStatus) { s.JobID = "x" })}, expected: failed, message: "the run x ended"},

		"1.14: sent":                                      {from: requested, heard: []func(*flink.Observation){unversioned}, edits: []clusterEdit{version("1.14.6")}, expected: requested, sends: true},
		"1.14: no answer, not sent twice":                 {from: requested, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, effect(flink.OutcomeUnknown)}, expected: requested, requeue: time.Minute - 123456789*time.Nanosecond},
		"1.14: no answer, given up":                       {from: requested, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, effect(flink.OutcomeUnknown), operation(flink.OperationNotFound)}, after: 2 * time.Minute, expected: failed, message: "may have been sent"},
		"1.14: no answer, but the statistics":             {from: requested, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, effect(flink.OutcomeUnknown), operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: succeeded},
		"1.14: a restarted operator":                      {from: requested, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, operation(flink.OperationNotFound)}, after: 20 * time.Second, expected: requested, requeue: 40*time.Second - 123456789*time.Nanosecond},
		"1.14: a restarted operator gives up":             {from: requested, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, operation(flink.OperationNotFound)}, after: 2 * time.Minute, expected: failed, message: "restarted"},
		"1.14: in progress under an id that is forgotten": {from: inProgress, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, operation(flink.OperationNotFound)}, after: 10 * time.Minute, expected: inProgress, requeue: time.Minute - 123456789*time.Nanosecond},
		"1.14: the same, and too long":                    {from: inProgress, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, operation(flink.OperationNotFound)}, after: 12 * time.Minute, expected: failed},
		"1.14: the same, and the statistics show it":      {from: inProgress, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, operation(flink.OperationNotFound), savepointsSeen(savepoint(1, 6))}, expected: succeeded},
		"1.14: not found under Flink's own id": {from: inProgress, edits: []clusterEdit{version("1.14.6")}, heard: []func(*flink.Observation){unversioned, operation(flink.OperationNotFound), effect(flink.OutcomeAccepted), func(o *flink.Observation) {
			o.Effects[TriggerID(testUID, 1)] = flink.EffectResult{Outcome: flink.OutcomeAccepted, RequestID: "flink"}
		}}, expected: failed},
		"1.14: not recorded yet": {from: requested, edits: []clusterEdit{version("")}, heard: []func(*flink.Observation){func(o *flink.Observation) { o.Version = "1.14.6" }, effect(flink.OutcomeUnknown)}, expected: requested, requeue: time.Minute - 123456789*time.Nanosecond},
		"1.15 knows trigger ids": {from: requested, edits: []clusterEdit{version("1.15.0")}, heard: []func(*flink.Observation){unversioned, effect(flink.OutcomeUnknown)}, expected: requested, sends: true, requeue: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			job := test.job
			if job == "" {
				job = v1beta1.JobStateRunning
			}
			cluster := newCluster(append([]clusterEdit{run(job), slot(test.from)}, test.edits...)...)
			decision := decideSavepoint(cluster, heard(test.heard...), test.after)
			result := decision.Status.Savepoint
			require.Equal(t, test.expected, result.State, result.Message)
			require.Contains(t, result.Message, test.message)
			// A savepoint that never ends has its deadline, hours away.
			if test.requeue > 0 || decision.RequeueAfter < 4*time.Hour {
				require.Equal(t, test.requeue, decision.RequeueAfter)
			}
			require.Equal(t, test.sends, decision.Effect != nil)
			if decision.Effect != nil {
				kind := flink.TriggerSavepoint
				if result.Stop {
					kind = flink.StopWithSavepoint
				}
				require.Equal(t, flink.Effect{Kind: kind, JobID: JobID(testUID, 1), TriggerID: TriggerID(testUID, 1), Directory: result.Directory}, *decision.Effect)
			}
			generation := decision.Status.Components.Job.SavepointGeneration
			if test.expected == succeeded {
				require.EqualValues(t, 1, generation)
				require.NotEmpty(t, result.Location)
				require.Equal(t, result.Location, decision.Status.Components.Job.SavepointLocation)
				require.Equal(t, result.Location, decision.Status.SavepointHistory[0].Location)
				require.NotNil(t, result.TriggerTime)
			} else {
				require.Zero(t, generation)
				require.Empty(t, result.Location)
			}
			if !SavepointBusy(result) {
				require.NotNil(t, result.CompletionTime)
			}
		})
	}
}

// TestSlotWithHighAvailability: another JobManager may take over at any time, and knows no trigger ids.
func TestSlotWithHighAvailability(t *testing.T) {
	const (
		requested  = v1beta1.SavepointStateRequested
		inProgress = v1beta1.SavepointStateInProgress
		failed     = v1beta1.SavepointStateFailed
	)
	began := func(after time.Duration) func(*flink.Observation) {
		return func(o *flink.Observation) { o.Job.StartTime = start.Add(after) }
	}
	first, second := began(-time.Hour), began(time.Second)
	asked := func(s *v1beta1.SavepointStatus) { s.JobStartTime = at(-time.Hour) }
	unlisted := func(o *flink.Observation) { o.Job = nil }
	unknown := operation(flink.OperationNotFound)
	for name, test := range map[string]struct {
		job      v1beta1.JobState // Running if empty.
		from     v1beta1.SavepointState
		edits    []func(*v1beta1.SavepointStatus)
		heard    []func(*flink.Observation)
		after    time.Duration
		expected v1beta1.SavepointState
		records  bool
		sends    bool
		message  string
	}{
		"who is asked is recorded first":               {from: requested, heard: []func(*flink.Observation){first}, expected: requested, records: true},
		"and then asked":                               {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){first}, expected: requested, sends: true},
		"nobody is asked who does not list the job":    {from: requested, heard: []func(*flink.Observation){unlisted}, expected: requested},
		"nor if one was asked that did":                {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){unlisted, unknown}, expected: requested},
		"nor who does not answer":                      {from: requested, heard: []func(*flink.Observation){first, func(o *flink.Observation) { o.Reachable = false }}, expected: requested},
		"nobody is asked who tells no time":            {from: requested, heard: nil, expected: requested},
		"no answer: first it says that it was not":     {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){first, effect(flink.OutcomeUnknown)}, expected: requested},
		"no answer, and it was not":                    {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){first, effect(flink.OutcomeUnknown), unknown}, expected: requested, sends: true},
		"not asked by a restarted operator":            {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){second}, after: 20 * time.Second, expected: requested},
		"another has taken over":                       {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){second, effect(flink.OutcomeUnknown), unknown}, after: 20 * time.Second, expected: failed, message: "it is in " + testDir},
		"another has taken over, after the window":     {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){second, unknown}, after: 2 * time.Minute, expected: failed, message: "taken over"},
		"another has taken over in the savepoint":      {from: inProgress, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){second, unknown}, expected: failed, message: "taken over"},
		"another has taken over, Flink's directory":    {from: requested, edits: []func(*v1beta1.SavepointStatus){asked, func(s *v1beta1.SavepointStatus) { s.Directory = "" }}, heard: []func(*flink.Observation){second, unknown}, expected: failed, message: "Flink's own directory"},
		"a stop, and another has taken over":           {from: requested, edits: []func(*v1beta1.SavepointStatus){asked, stop}, heard: []func(*flink.Observation){second, unknown}, expected: failed, message: "taken over"},
		"the statistics show it all the same":          {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){second, unknown, savepointsSeen(savepoint(1, 6))}, expected: v1beta1.SavepointStateSucceeded},
		"another was asked after all":                  {from: requested, edits: []func(*v1beta1.SavepointStatus){asked}, heard: []func(*flink.Observation){second, operation(flink.OperationInProgress)}, expected: inProgress},
		"another has taken over, without the job":      {job: v1beta1.JobStateLost, from: requested, edits: []func(*v1beta1.SavepointStatus){asked, stop}, heard: []func(*flink.Observation){unlisted, unknown}, expected: failed, message: "taken over"},
		"the job has ended, and nobody has been asked": {job: v1beta1.JobStateLost, from: requested, heard: []func(*flink.Observation){unlisted, unknown}, expected: failed, message: "ended before"},
	} {
		t.Run(name, func(t *testing.T) {
			job := test.job
			if job == "" {
				job = v1beta1.JobStateRunning
			}
			cluster := newCluster(run(job), slot(test.from, test.edits...))
			jobOf(cluster).HighAvailability = &v1beta1.HighAvailabilityStatus{ClusterID: "counter"}
			decision := decideSavepoint(cluster, heard(test.heard...), test.after)
			result := decision.Status.Savepoint
			require.Equal(t, test.expected, result.State, result.Message)
			require.Contains(t, result.Message, test.message)
			require.Equal(t, test.sends, decision.Effect != nil)
			require.Equal(t, test.records, cluster.Status.Savepoint.JobStartTime == nil && result.JobStartTime != nil)
		})
	}
}

func TestSuccess(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.SavepointGeneration = 2 }),
		slot(v1beta1.SavepointStateInProgress, func(s *v1beta1.SavepointStatus) {
			s.ConsecutiveFailures, s.SavepointGeneration, s.SavepointTriggerNonce, s.FormatType = 3, 9, new(int64(4)), v1beta1.SavepointFormatNative
		}))
	decision := decideSavepoint(cluster, heard(operation(flink.OperationSucceeded), savepointsSeen(savepoint(1, 6))), time.Minute)
	job, location := decision.Status.Components.Job, savepointPath(1, 6)
	require.EqualValues(t, 3, job.SavepointGeneration)
	require.Equal(t, location, job.SavepointLocation)
	require.Equal(t, TriggerID(testUID, 1), job.LastSavepointTriggerID)
	require.True(t, at(time.Minute).Equal(job.LastSavepointTime))
	require.EqualValues(t, 9, job.ObservedSavepointGeneration)
	require.EqualValues(t, 4, *job.ObservedSavepointTriggerNonce)
	require.Zero(t, decision.Status.Savepoint.ConsecutiveFailures)
	require.Equal(t, v1beta1.SavepointRecord{
		Location: location, Time: *job.LastSavepointTime, Attempt: 1, Reason: v1beta1.SavepointReasonUserRequested, FormatType: v1beta1.SavepointFormatNative,
		TriggerID: TriggerID(testUID, 1), JobID: JobID(testUID, 1), CheckpointID: 6,
	}, decision.Status.SavepointHistory[0])

	cluster.Status = stored(t, decision.Status)
	again := decideSavepoint(cluster, heard(operation(flink.OperationSucceeded), savepointsSeen(savepoint(1, 6))), time.Minute)
	require.Equal(t, cluster.Status, again.Status, "a success counts once")
	require.Nil(t, again.Effect)
}

func TestLateNumber(t *testing.T) {
	// Flink answers its statistics from a cache: the number of a savepoint is seen some time after its location.
	cluster := newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress))
	cluster.Status = stored(t, decideSavepoint(cluster, heard(operation(flink.OperationSucceeded)), 0).Status)
	require.Zero(t, cluster.Status.SavepointHistory[0].CheckpointID)
	cluster.Status = stored(t, decideSavepoint(cluster, heard(savepointsSeen(savepoint(1, 6))), 0).Status)
	require.Len(t, cluster.Status.SavepointHistory, 1)
	require.EqualValues(t, 6, cluster.Status.SavepointHistory[0].CheckpointID)
	require.EqualValues(t, 1, jobOf(cluster).SavepointGeneration)
}

func TestExternalSavepoints(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning, func(job *v1beta1.JobStatus) { job.SavepointLocation = "mine" }), history(record(1, 6, time.Minute)))
	external := flink.Snapshot{ID: 8, Location: otherPath, Savepoint: true, CompletionTime: start.Add(-time.Second)}
	timeless := flink.Snapshot{ID: 7, Location: otherPath + "7", Savepoint: true}
	status := decideSavepoint(cluster, heard(savepointsSeen(external, timeless, savepoint(1, 6))), 0).Status
	require.Equal(t, []string{otherPath, otherPath + "7", savepointPath(1, 6)}, locations(status))
	found := status.SavepointHistory[0]
	require.Equal(t, v1beta1.SavepointReasonExternal, found.Reason)
	require.EqualValues(t, 8, found.CheckpointID)
	require.Equal(t, JobID(testUID, 1), found.JobID)
	require.True(t, at(-time.Second).Equal(&found.Time))
	require.True(t, at(0).Equal(&status.SavepointHistory[1].Time))
	require.Zero(t, status.Components.Job.SavepointGeneration, "the generation is ours alone")
	require.Equal(t, "mine", status.Components.Job.SavepointLocation)

	t.Run("not while a savepoint of ours may be it", func(t *testing.T) {
		cluster := newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateInProgress))
		require.Empty(t, decideSavepoint(cluster, heard(savepointsSeen(savepoint(1, 6))), 0).Status.SavepointHistory)
	})
	t.Run("what was restored is not one", func(t *testing.T) {
		observed := heard(func(o *flink.Observation) {
			o.Checkpoints.Restored = &flink.Snapshot{ID: 3, Location: otherPath, Savepoint: true}
		})
		require.Empty(t, decideSavepoint(newCluster(run(v1beta1.JobStateRunning)), observed, 0).Status.SavepointHistory)
	})
	t.Run("a Flink that remembers more than the status", func(t *testing.T) {
		var many []flink.Snapshot
		for id := int64(60); id > 5; id-- {
			many = append(many, savepoint(1, id))
		}
		cluster := newCluster(run(v1beta1.JobStateRunning))
		for id := int64(6); id <= 60; id++ {
			cluster.Status = stored(t, decideSavepoint(cluster, heard(savepointsSeen(many[60-id:]...)), 0).Status)
			require.Equal(t, savepointPath(1, id), cluster.Status.SavepointHistory[0].Location)
			again := decideSavepoint(cluster, heard(savepointsSeen(many[60-id:]...)), 0)
			require.Equal(t, cluster.Status, again.Status, "noticed once")
		}
		require.Len(t, cluster.Status.SavepointHistory, maxSavepointHistory)
	})
}

func locations(status v1beta1.FlinkClusterStatus) []string {
	var found []string
	for _, record := range status.SavepointHistory {
		found = append(found, record.Location)
	}
	return found
}

func TestNoJobNoSavepoint(t *testing.T) {
	for name, cluster := range map[string]*v1beta1.FlinkCluster{
		"session":     newCluster(func(c *v1beta1.FlinkCluster) { c.Spec.Job = nil }),
		"not started": newCluster(),
		"pending":     newCluster(run(v1beta1.JobStatePending)),
	} {
		t.Run(name, func(t *testing.T) {
			decision := decideSavepoint(cluster, heard(), 0)
			require.Equal(t, SavepointDecision{Status: cluster.Status}, decision)
		})
	}
}

func TestIdentity(t *testing.T) {
	require.Len(t, JobID(testUID, 1), 32)
	require.Equal(t, "cc2d7666c068a6355caf9302de58a4ab", JobID(testUID, 1), "it must never change")
	seen := map[string]bool{}
	for _, id := range []string{JobID("a", 1), JobID("a", 2), JobID("b", 1), JobID("a", 11), TriggerID("a", 1), TriggerID("a", 2), TriggerID("b", 1)} {
		require.False(t, seen[id])
		require.Equal(t, strings.ToLower(id), id)
		seen[id] = true
	}
}

func TestRequestNumbers(t *testing.T) {
	cluster := newCluster(run(v1beta1.JobStateRunning), slot(v1beta1.SavepointStateFailed, func(s *v1beta1.SavepointStatus) { s.Request, s.ConsecutiveFailures = 7, 2 }),
		spec(func(job *v1beta1.JobSpec) { job.SavepointFormatType = v1beta1.SavepointFormatNative }))
	request := newRequest(cluster, &cluster.Status, heard(), start, v1beta1.SavepointReasonScheduled, "dir")
	require.Equal(t, &v1beta1.SavepointStatus{
		JobID: JobID(testUID, 1), TriggerID: TriggerID(testUID, 8), TriggerReason: v1beta1.SavepointReasonScheduled, RequestTime: at(0),
		State: v1beta1.SavepointStateRequested, Request: 8, Directory: "dir", FormatType: v1beta1.SavepointFormatNative, ConsecutiveFailures: 2,
		NewestCheckpointID: 5,
	}, request)
	slot(v1beta1.SavepointStateSucceeded)(cluster)
	require.Zero(t, newRequest(cluster, &cluster.Status, flink.Observation{}, start, v1beta1.SavepointReasonScheduled, "").ConsecutiveFailures)
	require.True(t, newRequest(cluster, &cluster.Status, heard(), start, v1beta1.SavepointReasonJobCancel, "").Stop)
	require.Zero(t, newRequest(cluster, &cluster.Status, flink.Observation{}, start, v1beta1.SavepointReasonScheduled, "").NewestCheckpointID)
}

func TestRetryTime(t *testing.T) {
	for failures, delay := range map[int32]time.Duration{
		0: 10 * time.Second, 1: 10 * time.Second, 2: 20 * time.Second, 5: 160 * time.Second, 6: 300 * time.Second, 1 << 30: 300 * time.Second,
	} {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			cluster := newCluster(slot(v1beta1.SavepointStateFailed, func(s *v1beta1.SavepointStatus) { s.ConsecutiveFailures = failures }))
			require.Equal(t, at(delay).Time, retryTime(cluster.Status.Savepoint))
		})
	}
	require.True(t, retryTime(nil).IsZero())
	require.True(t, retryTime(newCluster(slot(v1beta1.SavepointStateSucceeded)).Status.Savepoint).IsZero())
}
