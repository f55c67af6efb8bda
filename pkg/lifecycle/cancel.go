package lifecycle

import (
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// cancelIfWanted has a live run stopped: with a savepoint where cancelRequested is set and a directory is known, else
// by Flink's cancel. A stop asked for by annotation is in the savepoint slot already.
//
// That the spec asked is recorded before Flink is asked: it may be taken back before the run has ended.
func (p *jobPass) cancelIfWanted(observed flink.Observation) {
	directory := p.Cluster.Spec.SavepointDirectory()
	switch {
	case p.spec.CancelRequested:
		p.job.CancelledBy = v1beta1.CancelledBySpec
	case !p.stopUnderWay() && observed.Job != nil && observed.Job.Status == flink.JobRunning:
		// Taken back in time.
		p.job.CancelledBy = ""
	}
	switch {
	case p.cancelAsked(), p.spec.CancelRequested && directory == "":
		p.cancelWithoutSavepoint(observed)
	case p.spec.CancelRequested && p.job.State == v1beta1.JobStateRunning:
		p.fileStop(observed, directory)
	case p.spec.CancelRequested:
		// A job that never ran has nothing to save but what it was started from.
		p.cancelWithoutSavepoint(observed)
	}
}

// stopUnderWay says whether the run is being stopped with a savepoint, or has been and does not show it yet.
func (p *jobPass) stopUnderWay() bool {
	slot := p.status.Savepoint
	return slot != nil && slot.Stop && slot.JobID == p.job.ID && slot.State != v1beta1.SavepointStateFailed
}

// cancelAsked says whether a request by annotation asks for a cancel without savepoint of the recorded run.
func (p *jobPass) cancelAsked() bool {
	control := p.status.Control
	return cancelInProgress(control) &&
		control.Details[v1beta1.ControlDetailSavepointTriggerID] == ""
}

// cancelInProgress says whether a request by annotation for a cancel, with or without a savepoint, is being carried out.
func cancelInProgress(control *v1beta1.ControlStatus) bool {
	return control != nil && control.State == v1beta1.ControlStateInProgress && asksForCancel(control)
}

func asksForCancel(control *v1beta1.ControlStatus) bool {
	return control.Name == v1beta1.ControlJobCancel || control.Name == v1beta1.ControlJobCancelWithoutSavepoint
}

// cancelWithoutSavepoint asks Flink, which may be repeated; or, while the JobManager has never named the job of the
// run, takes the run down, so that a run which cannot come up can still be cancelled.
func (p *jobPass) cancelWithoutSavepoint(observed flink.Observation) {
	// "While the slot is busy no cancel starts" would let a savepoint that hangs hold up what a user asked for in so many
	// words. Flink aborts the savepoint, and the slot is told so.
	explicit := p.status.Control != nil && p.status.Control.Name == v1beta1.ControlJobCancelWithoutSavepoint && p.cancelAsked()
	if SavepointBusy(p.status.Savepoint) && !explicit {
		return
	}
	if observed.Job != nil {
		p.effects = append(p.effects, flink.Effect{Kind: flink.CancelJob, JobID: p.job.ID})
		return
	}
	if p.job.State == v1beta1.JobStateDeploying {
		p.keepMetadata()
		p.job.State = v1beta1.JobStateRestarting
		p.job.CancelledBy, p.job.CompletionTime = p.cancelledBy(), p.stamp()
	}
}

// fileStop files a stop with savepoint into the empty slot, and again after a failed one, with growing delay.
func (p *jobPass) fileStop(observed flink.Observation, directory string) {
	slot := p.status.Savepoint
	if SavepointBusy(slot) || awaitedByControl(p.status) {
		return
	}
	if slot != nil && slot.JobID == p.job.ID && slot.Stop {
		if slot.State == v1beta1.SavepointStateSucceeded {
			return
		}
		if wait := retryTime(slot).Sub(p.Now); wait > 0 {
			p.requeue = earliest(p.requeue, wait)
			return
		}
	}
	p.status.Savepoint = newRequest(p.Cluster, p.status, observed, p.Now, v1beta1.SavepointReasonJobCancel, directory)
}

// cancelledBy names who had the run cancelled, for a run that has just been.
func (p *jobPass) cancelledBy() v1beta1.CancelledBy {
	control := p.status.Control
	asked := cancelInProgress(control) &&
		(control.Details[v1beta1.ControlDetailJobID] == p.job.ID || control.Details[v1beta1.ControlDetailJobID] == "")
	switch {
	case p.deleting():
		return v1beta1.CancelledByDeletion
	case p.spec.CancelRequested, p.job.CancelledBy == v1beta1.CancelledBySpec:
		return v1beta1.CancelledBySpec
	case asked:
		return v1beta1.CancelledByControl
	}
	return v1beta1.CancelledByOther
}
