package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// The disposal of a savepoint, one at a time:
//
//	kept ──marked──> Requested ──Flink says it is gone──> leaves the history
//	                   ^    └──Flink does not──> Failed
//	                   └────────after a while────────┘
//
// A savepoint that is marked is never started from again: its files may be gone at any moment. What is marked goes its way,
// whatever becomes of the spec.

const (
	// disposalAttempts is how often Flink is asked to dispose of a savepoint, over more than two hours. After that it is left.
	disposalAttempts     = 10
	disposalRetryInitial = 10 * time.Second
	disposalRetryMax     = 30 * time.Minute
	// longestDisposal is how long Flink is given.
	longestDisposal = 10 * time.Minute
	// unnumberedWait is how long a savepoint waits for its number, by which it is recognised after it has left the history.
	// Flink answers it from a cache of three seconds, and is asked every half minute at least.
	unnumberedWait = time.Minute
)

// DisposalID identifies one attempt to dispose of a savepoint. Flink takes no ids for that: if an attempt is made twice,
// the second finds nothing any more, which is as good.
func DisposalID(record *v1beta1.SavepointRecord) string {
	return identity("disposal/"+record.TriggerID, "", int64(record.Disposal.Attempts))
}

// beingDisposed returns the record of the savepoint that Flink is asked to dispose of, nil if there is none.
func beingDisposed(status *v1beta1.FlinkClusterStatus) *v1beta1.SavepointRecord {
	for i := range status.SavepointHistory {
		if record := &status.SavepointHistory[i]; record.Disposal != nil && record.Disposal.State == v1beta1.SavepointDisposalRequested {
			return record
		}
	}
	return nil
}

// MayDispose says whether a cluster still wants what an effect would dispose of to be gone, and may have Flink asked now.
func MayDispose(cluster *v1beta1.FlinkCluster, effect flink.Effect) bool {
	status, job := &cluster.Status, cluster.Status.Components.Job
	if cluster.Spec.Job == nil || cluster.DeletionTimestamp != nil || job == nil || job.State != v1beta1.JobStateRunning ||
		job.ID != effect.JobID || SavepointBusy(status.Savepoint) || stoppingFor(job) != nil {
		return false
	}
	record := beingDisposed(status)
	return record != nil && DisposalID(record) == effect.TriggerID && !inUse(cluster.Spec.Job, status, nil, record)
}

// retain brings the disposal that is under way a step further, or else begins the one that is due.
func (p *savepointPass) retain() {
	if record := beingDisposed(p.status); record != nil {
		p.stepDisposal(record)
		return
	}
	due, again := p.dueForDisposal()
	p.requeue = earliest(p.requeue, again)
	if due == nil || !p.disposes() {
		return
	}
	attempts := int32(1)
	if due.Disposal != nil {
		attempts = due.Disposal.Attempts + 1
	}
	due.Disposal = &v1beta1.SavepointDisposal{State: v1beta1.SavepointDisposalRequested, Time: *timestamp(p.Now), Attempts: attempts}
}

// disposes says whether this is a moment to have Flink dispose of something: the job runs and goes on running.
func (p *savepointPass) disposes() bool {
	runs := p.job.State == v1beta1.JobStateRunning && p.observed.Reachable && p.observed.Job != nil && p.observed.Job.Status == flink.JobRunning
	return runs && p.Cluster.DeletionTimestamp == nil && !p.Cluster.Spec.Job.CancelRequested && !awaitedByControl(p.status) &&
		!stoppedRun(p.status) && !p.transitionComes()
}

func (p *savepointPass) stepDisposal(record *v1beta1.SavepointRecord) {
	id := DisposalID(record)
	if answer := p.observed.Disposal; answer != nil && answer.TriggerID == id && answer.State != flink.OperationInProgress {
		switch {
		case answer.State == flink.OperationSucceeded, saysMissing(answer.Cause):
			p.leave(record)
		case answer.State == flink.OperationNotFound:
			p.failDisposal(record, "the JobManager no longer knows that it was asked")
		default:
			p.failDisposal(record, answer.Cause)
		}
		return
	}
	switch result := p.observed.EffectOutcome(id); result.Outcome {
	case flink.OutcomeRefused, flink.OutcomeUnknown:
		p.failDisposal(record, result.Message)
	case flink.OutcomePending:
	case flink.OutcomeAccepted:
		wait := record.Disposal.Time.Add(longestDisposal).Sub(p.Now)
		if wait <= 0 {
			p.failDisposal(record, "Flink did not end it within "+longestDisposal.String())
			return
		}
		p.requeue = earliest(p.requeue, wait)
	default:
		switch {
		case !p.disposes():
		case inUse(p.Cluster.Spec.Job, p.status, p.observed.Checkpoints, record):
			// The user has named it since.
			p.failDisposal(record, "it is in use")
		default:
			p.effect = &flink.Effect{Kind: flink.DisposeSavepoint, JobID: p.job.ID, TriggerID: id, Location: record.Location}
		}
	}
}

// leave takes a record out of the history.
func (p *savepointPass) leave(record *v1beta1.SavepointRecord) {
	p.forget(record)
	location := record.Location
	p.status.SavepointHistory = slices.DeleteFunc(p.status.SavepointHistory, func(other v1beta1.SavepointRecord) bool { return other.Location == location })
}

func (p *savepointPass) failDisposal(record *v1beta1.SavepointRecord, message string) {
	record.Disposal.State, record.Disposal.Time = v1beta1.SavepointDisposalFailed, *timestamp(p.Now)
	record.Disposal.Message = boundText(message, maxReasonLength)
}

// dueForDisposal returns the oldest savepoint that the retention gives up and that is not in use, nil if there is none, and
// when there may be one; zero where something else will tell.
func (p *savepointPass) dueForDisposal() (due *v1beta1.SavepointRecord, again time.Duration) {
	retention := p.Cluster.Spec.Job.SavepointRetention
	if retention == nil {
		return nil, 0
	}
	count := int32(0)
	for i := range p.status.SavepointHistory {
		record := &p.status.SavepointHistory[i]
		if !retentionApplies(record) {
			continue
		}
		count++
		wait := time.Duration(0)
		if exceeds := retention.MaxCount != nil && count > *retention.MaxCount; !exceeds {
			if retention.MaxAgeSeconds == nil {
				continue
			}
			wait = record.Time.Add(time.Duration(*retention.MaxAgeSeconds) * time.Second).Sub(p.Now)
		}
		switch wait = max(wait, p.untilDisposable(record)); {
		case gaveUp(record) || inUse(p.Cluster.Spec.Job, p.status, p.observed.Checkpoints, record):
		case wait > 0:
			again = earliest(again, wait)
		default:
			due = record
		}
	}
	return due, again
}

// retentionApplies says whether a savepoint was taken by this operator of its own accord. What Flink's answer about our
// trigger id did not name may be somebody else's.
func retentionApplies(record *v1beta1.SavepointRecord) bool {
	ours := []v1beta1.SavepointReason{v1beta1.SavepointReasonScheduled, v1beta1.SavepointReasonUpdate, v1beta1.SavepointReasonSuspend}
	return record.TriggerID != "" && !record.Inferred && slices.Contains(ours, record.Reason)
}

// inUse says whether a savepoint must stay: it is the newest, the run that goes on may need it, or the next one may start
// from it.
func inUse(spec *v1beta1.JobSpec, status *v1beta1.FlinkClusterStatus, statistics *flink.CheckpointStatistics, record *v1beta1.SavepointRecord) bool {
	job := status.Components.Job
	needed := []string{status.SavepointHistory[0].Location, job.SavepointLocation, spec.FromSavepoint}
	for _, known := range candidates(status) {
		if known.savepoint {
			needed = append(needed, known.location)
			break
		}
	}
	if job.Transition != nil {
		needed = append(needed, job.Transition.Savepoint)
	}
	// Flink falls back on what the run was started from as long as the run has no checkpoint. Savepoints of the run do not
	// count for that (FLIP-203).
	if own := job.LastCheckpoint; own == nil || own.JobID != job.ID {
		needed = append(needed, job.FromSavepoint)
	}
	// Flink 1.14 falls back on them, though.
	if statistics != nil && statistics.Restored != nil && record.JobID == job.ID {
		needed = append(needed, statistics.Restored.Location)
	}
	return slices.ContainsFunc(needed, func(location string) bool { return location != "" && sameLocation(location, record.Location) })
}

// untilDisposable is how long a savepoint has to wait after a disposal that failed, or for its number.
func (p *savepointPass) untilDisposable(record *v1beta1.SavepointRecord) time.Duration {
	var wait time.Duration
	if record.JobID == p.job.ID && record.CheckpointID == 0 {
		wait = record.Time.Add(unnumberedWait).Sub(p.Now)
	}
	if failed := record.Disposal; failed != nil {
		delay := disposalRetryInitial
		for range min(failed.Attempts-1, disposalAttempts) {
			delay = min(2*delay, disposalRetryMax)
		}
		wait = max(wait, failed.Time.Add(delay).Sub(p.Now))
	}
	return wait
}

// gaveUp says whether a savepoint was to be disposed of, could not be, and is left.
func gaveUp(record *v1beta1.SavepointRecord) bool {
	return record.Disposal != nil && record.Disposal.State == v1beta1.SavepointDisposalFailed && record.Disposal.Attempts >= disposalAttempts
}

// Disposals compares two statuses, the newer of which was stored: which savepoints were disposed of, and which could not
// be and are left.
func Disposals(old, updated *v1beta1.FlinkClusterStatus) (disposed, left []v1beta1.SavepointRecord) {
	for _, before := range old.SavepointHistory {
		if before.Disposal == nil || gaveUp(&before) {
			continue
		}
		i := slices.IndexFunc(updated.SavepointHistory, func(after v1beta1.SavepointRecord) bool { return after.Location == before.Location })
		switch {
		case i >= 0 && gaveUp(&updated.SavepointHistory[i]):
			left = append(left, updated.SavepointHistory[i])
		case i < 0 && before.Disposal.State == v1beta1.SavepointDisposalRequested:
			disposed = append(disposed, before)
		case i < 0:
			left = append(left, before)
		}
	}
	return disposed, left
}

func (c *collector) disposals(old, updated *v1beta1.FlinkClusterStatus) {
	disposed, left := Disposals(old, updated)
	for _, record := range disposed {
		c.normal(v1beta1.EventSavepointDisposed, fmt.Sprintf("savepoint %s (%s) was disposed of: %s", record.TriggerID, record.Reason, record.Location))
	}
	for _, record := range left {
		c.warning(v1beta1.EventSavepointDisposalFailed, fmt.Sprintf("savepoint %s (%s) could not be disposed of, and is left at %s: %s",
			record.TriggerID, record.Reason, record.Location, record.Disposal.Message))
	}
}

// retentionWarning tells of savepoints that are to be kept for so long that the history cannot hold them: it loses sight of
// the oldest, and they are never disposed of.
func retentionWarning(cluster *v1beta1.FlinkCluster) []string {
	spec := cluster.Spec.Job
	if spec == nil || spec.SavepointRetention == nil || spec.SavepointRetention.MaxAgeSeconds == nil ||
		spec.SavepointRetention.MaxCount != nil || spec.AutoSavepointSeconds == nil {
		return nil
	}
	kept := *spec.SavepointRetention.MaxAgeSeconds / *spec.AutoSavepointSeconds
	if kept <= v1beta1.MaxRetainedSavepoints {
		return nil
	}
	return []string{fmt.Sprintf("spec.job.savepointRetention keeps %d scheduled savepoints at a time, and status.savepointHistory holds %d: "+
		"those that leave it before their age comes are never disposed of; set maxCount, or a longer autoSavepointSeconds", kept, maxSavepointHistory)}
}
