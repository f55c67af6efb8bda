package observer

import (
	"strings"
	"time"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// apply takes over what a poll heard and says whether the meaning changed.
func (r *record) apply(heard answer, now time.Time) bool {
	if heard.err != nil {
		r.failures++
		r.recovered = false
		r.versionKnown = false
		// One lost answer is nothing, to whoever looks at the moment: nobody would be woken to take it back.
		r.observation.Reachable = r.observation.Reachable && r.failures < silenceAfter
		r.observation.Silent = r.failures >= silenceAfter
		if r.observation.Silent {
			// Whoever answers next may be another JobManager, which has yet to recover the job.
			r.observation.MissingSince = time.Time{}
		}
		return r.meaningChanged()
	}
	r.recovered = r.failures > 0
	if r.failures >= silenceAfter {
		r.distrustCancel()
	}
	r.failures = 0
	r.observation.Reachable, r.observation.Silent = true, false
	r.observation.AnsweredAt = now
	if heard.version != "" {
		r.observation.Version = heard.version
		r.versionKnown = true
	}
	r.applyJob(heard, now)
	r.applyOperation(heard, now)
	if heard.disposal != nil && heard.question.disposalID == r.disposalRequest() {
		heard.disposal.TriggerID = r.target.DisposalID
		r.observation.Disposal = heard.disposal
	}
	if statistics := heard.checkpoint.statistics; statistics != nil && !r.emptied(statistics) {
		r.observation.Checkpoints = statistics
	}
	if len(heard.exceptions) > 0 {
		r.observation.Exceptions = heard.exceptions
	}
	return r.meaningChanged()
}

func (r *record) applyJob(heard answer, now time.Time) {
	r.observation.Job = heard.job
	switch {
	case heard.job != nil:
		r.observation.MissingAnswers, r.observation.MissingSince = 0, time.Time{}
	case r.target.JobID != "":
		r.observation.MissingAnswers++
		if r.observation.MissingSince.IsZero() {
			r.observation.MissingSince = now
		}
	}
	if heard.job == nil {
		// What was read while it was listed stays as final as it was.
		return
	}
	if !heard.job.Status.Terminal() {
		r.endedAt, r.observation.CheckpointsFinal = time.Time{}, false
		return
	}
	if r.endedAt.IsZero() {
		r.endedAt = now
	}
	toldWhy := heard.exceptionsAnswered || heard.job.Status != flink.JobFailed
	if heard.checkpoint.answered && toldWhy && heard.question.startedAt.Sub(r.endedAt) >= statisticsLifetime {
		r.observation.CheckpointsFinal = true
	}
}

// unknownAfter is for how long Flink has to answer that it does not know a trigger id until it is believed: a 404 may come
// from something in between, and what is believed to be lost is counted as failed.
const unknownAfter = time.Second

// applyOperation drops a "not found" that may have been said before the effect arrived: one that was queued, on its
// way, or ended while the poll was.
func (r *record) applyOperation(heard answer, now time.Time) {
	outdated := heard.question.target.TriggerID != r.target.TriggerID
	if heard.operation == nil || outdated || hasEnded(r.observation.Operation) {
		return
	}
	if heard.operation.State != flink.OperationNotFound {
		r.unknownSince = time.Time{}
		r.observation.Operation = heard.operation
		return
	}
	pending := r.observation.Effects[r.target.TriggerID].Outcome == flink.OutcomePending
	if pending || heard.question.effectsDone != r.effectsDone {
		return
	}
	if r.unknownSince.IsZero() {
		r.unknownSince = now
	}
	if now.Sub(r.unknownSince) >= unknownAfter {
		r.observation.Operation = heard.operation
	}
}

// emptied says whether statistics that held something now hold nothing: a JobManager that has just come back and not
// restored the job yet. What was known is still the newest state.
func (r *record) emptied(statistics *flink.CheckpointStatistics) bool {
	return r.observation.Checkpoints.HighestID() > 0 && statistics.HighestID() == 0
}

func (r *record) jobStatus() flink.JobStatus {
	if r.observation.Job == nil {
		return ""
	}
	return r.observation.Job.Status
}

// meaning is the part of an observation that decisions are made of. Time, counters and periodic checkpoints are not:
// they change with every poll, and none of them is a reason to look at a cluster.
type meaning struct {
	reachable       bool
	silent          bool
	version         string
	jobStatus       flink.JobStatus
	allTasksRunning bool
	missingAnswers  int
	savepoint       int64
	restored        flink.Snapshot
	checkpointed    bool
	final           bool
	operation       flink.OperationState
	disposal        flink.OperationState
	exceptions      string
}

// silenceAfter is the number of failed polls in a row from which on a JobManager counts as silent: one lost answer is
// nothing.
const silenceAfter = 2

func (r *record) meaningChanged() bool {
	now := meaning{
		reachable:      r.observation.Reachable,
		silent:         r.observation.Silent,
		version:        r.observation.Version,
		jobStatus:      r.jobStatus(),
		missingAnswers: min(r.observation.MissingAnswers, 2),
		final:          r.observation.CheckpointsFinal,
		exceptions:     strings.Join(r.observation.Exceptions, "\n"),
	}
	if r.observation.Job != nil {
		now.allTasksRunning = r.observation.Job.AllTasksRunning()
	}
	if r.observation.Operation != nil {
		now.operation = r.observation.Operation.State
	}
	if r.observation.Disposal != nil {
		now.disposal = r.observation.Disposal.State
	}
	if statistics := r.observation.Checkpoints; statistics != nil {
		now.checkpointed = statistics.Completed != nil
		if statistics.Restored != nil {
			now.restored = flink.Snapshot{ID: statistics.Restored.ID, Location: statistics.Restored.Location}
		}
		for _, savepoint := range statistics.Savepoints() {
			now.savepoint = max(now.savepoint, savepoint.ID)
		}
	}
	changed := now != r.meaning
	r.meaning = now
	return changed
}
