package lifecycle

import (
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// cancelIfWanted has a live run stopped: with a savepoint where cancelRequested is set and a directory is known, else
// by Flink's cancel. A stop asked for by annotation is in the savepoint slot already.
func (p *jobPass) cancelIfWanted(observed flink.Observation) {
	directory := p.Cluster.Spec.SavepointDirectory()
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

// cancelAsked says whether a request by annotation asks for a cancel without savepoint of the recorded run.
func (p *jobPass) cancelAsked() bool {
	control := p.status.Control
	return control != nil && control.State == v1beta1.ControlStateInProgress &&
		control.Name != v1beta1.ControlSavepoint &&
		control.Details[v1beta1.ControlDetailSavepointTriggerID] == ""
}

// cancelWithoutSavepoint asks Flink, which may be repeated; or, while the JobManager has never named the job of the
// run, takes the run down, so that a run which cannot come up can still be cancelled.
func (p *jobPass) cancelWithoutSavepoint(observed flink.Observation) {
	if SavepointBusy(p.status.Savepoint) {
		return
	}
	if observed.Job != nil {
		p.effects = append(p.effects, flink.Effect{Kind: flink.CancelJob, JobID: p.job.ID})
		return
	}
	if p.job.State == v1beta1.JobStateDeploying {
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
	if slot != nil && slot.JobID == p.job.ID && slot.TriggerReason == v1beta1.SavepointReasonJobCancel {
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
	asked := control != nil && control.State == v1beta1.ControlStateInProgress && control.Name != v1beta1.ControlSavepoint &&
		(control.Details[v1beta1.ControlDetailJobID] == p.job.ID || control.Details[v1beta1.ControlDetailJobID] == "")
	switch {
	case p.spec.CancelRequested:
		return v1beta1.CancelledBySpec
	case asked:
		return v1beta1.CancelledByControl
	}
	return v1beta1.CancelledByOther
}
