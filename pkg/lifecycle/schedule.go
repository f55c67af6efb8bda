package lifecycle

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// fileDue files the request that is due, if the job runs. What the user asked for goes before the schedule; a due
// time that is served by another savepoint has coalesced with it.
func (p *savepointPass) fileDue() {
	if p.job.State != v1beta1.JobStateRunning || p.runEnded() || p.Cluster.DeletionTimestamp != nil || awaitedByControl(p.status) {
		return
	}
	directory := p.Cluster.Spec.SavepointDirectory()
	if directory == "" {
		return
	}
	if p.transitionComes() {
		return
	}
	if stoppedRun(p.status) {
		return
	}
	request := newRequest(p.Cluster, p.status, p.observed, p.Now, v1beta1.SavepointReasonUserRequested, directory)
	if p.userAsks(request) {
		if wait := retryTime(p.status.Savepoint).Sub(p.Now); wait > 0 && p.sameRequestFailed(request) {
			p.requeue = earliest(p.requeue, wait)
			return
		}
		p.status.Savepoint = request
		return
	}
	due, scheduled := nextScheduled(p.Cluster.Spec.Job, p.status)
	if !scheduled {
		return
	}
	if wait := due.Sub(p.Now); wait > 0 {
		p.requeue = earliest(p.requeue, wait)
		return
	}
	request.TriggerReason = v1beta1.SavepointReasonScheduled
	p.status.Savepoint = request
}

// stoppedRun says whether the run was stopped with a savepoint.
func stoppedRun(status *v1beta1.FlinkClusterStatus) bool {
	stop := status.Savepoint
	return stop != nil && stop.Stop && stop.JobID == status.Components.Job.ID && stop.State == v1beta1.SavepointStateSucceeded
}

// transitionComes says whether the run is being stopped or is about to be: what is asked for at the same time is done after
// an upgrade, also by an operator that has only just begun to ask Flink. One that waits for a person may wait for a savepoint.
func (p *savepointPass) transitionComes() bool {
	pass := newJobPass(ClusterInput{Cluster: p.Cluster, NextRevision: p.NextRevision, Observation: p.observed, Now: p.Now}, p.status)
	purpose := pass.wish()
	return pass.stopping() != nil || purpose != "" && pass.chooseStop(purpose, p.observed).reason == ""
}

// userAsks says whether the spec holds a request by generation or nonce, and notes in the request which it serves.
// Both at once are one request.
func (p *savepointPass) userAsks(request *v1beta1.SavepointStatus) bool {
	spec, job := p.Cluster.Spec.Job, p.job
	asks := false
	if spec.SavepointGeneration > job.SavepointGeneration && spec.SavepointGeneration != job.ObservedSavepointGeneration {
		request.SavepointGeneration, asks = spec.SavepointGeneration, true
	}
	if nonce, observed := spec.SavepointTriggerNonce, job.ObservedSavepointTriggerNonce; nonce != nil && (observed == nil || *observed != *nonce) {
		request.SavepointTriggerNonce, asks = new(*nonce), true
	}
	return asks
}

// sameRequestFailed says whether the last savepoint failed and was asked for in the same way, so that trying again
// has to wait. A request with another value is a new one and does not wait.
func (p *savepointPass) sameRequestFailed(request *v1beta1.SavepointStatus) bool {
	last := p.status.Savepoint
	if last == nil || last.State != v1beta1.SavepointStateFailed || last.JobID != p.job.ID {
		return false
	}
	sameNonce := (last.SavepointTriggerNonce == nil) == (request.SavepointTriggerNonce == nil) &&
		(last.SavepointTriggerNonce == nil || *last.SavepointTriggerNonce == *request.SavepointTriggerNonce)
	return sameNonce && last.SavepointGeneration == request.SavepointGeneration
}

// nextScheduled returns when the next scheduled savepoint is due: one interval after the last savepoint or the start
// of the run, whichever is later; after a failure, not before its retry time. Runs that were missed coalesce into one.
func nextScheduled(spec *v1beta1.JobSpec, status *v1beta1.FlinkClusterStatus) (time.Time, bool) {
	job := status.Components.Job
	if spec.AutoSavepointSeconds == nil || job.StartTime == nil {
		return time.Time{}, false
	}
	begin := job.StartTime.Time
	if last := job.LastSavepointTime; last != nil && last.After(begin) {
		begin = last.Time
	}
	due := begin.Add(time.Duration(*spec.AutoSavepointSeconds) * time.Second)
	if retry := retryTime(status.Savepoint); retry.After(due) {
		due = retry
	}
	return due, true
}

// retryTime is when a savepoint may be tried again after the one in the slot failed: after ten seconds, doubled with
// each failure in a row up to five minutes. It is the zero time if it did not fail.
func retryTime(slot *v1beta1.SavepointStatus) time.Time {
	if slot == nil || slot.State != v1beta1.SavepointStateFailed || slot.CompletionTime == nil {
		return time.Time{}
	}
	delay := savepointRetryInitial
	for range min(slot.ConsecutiveFailures-1, 16) {
		delay = min(2*delay, savepointRetryMax)
	}
	return slot.CompletionTime.Add(delay)
}
