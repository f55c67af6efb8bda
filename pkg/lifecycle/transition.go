package lifecycle

import (
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// A transition stops the run that is recorded and brings the job where the spec wants it: into another run, or to rest.
// It is recorded before Flink is asked (4.1), and then goes its way whatever becomes of the spec: a stop cannot be taken
// back. What comes after it is decided by the newest spec when the run has ended.
//
//	Running ──stop──> Updating ──old pods gone──> Deploying ──> Running
//	        └─stop──> Suspending ──pods gone──> Suspended ──state: running──> Updating

const (
	// cancelWait is how long Flink is given to cancel a job before its pods are removed.
	cancelWait = time.Minute
	// silenceWait is how long a JobManager that does not answer is waited for before its pods are removed.
	silenceWait = 30 * time.Second
)

// stopping returns the transition that the recorded run is being stopped for; nil for none.
func (p *jobPass) stopping() *v1beta1.JobTransition {
	return stoppingFor(p.job)
}

func stoppingFor(job *v1beta1.JobStatus) *v1beta1.JobTransition {
	if job == nil || job.Transition == nil || job.Transition.Attempt != job.Attempt {
		return nil
	}
	return job.Transition
}

// wish is what the spec, or a request by annotation, asks for beyond the run that is recorded; empty for nothing. A
// cancel goes before everything else.
func (p *jobPass) wish() v1beta1.TransitionPurpose {
	switch {
	case p.spec.CancelRequested, p.cancelAsked(), p.cancelFiled():
		return ""
	case p.spec.State == v1beta1.DesiredJobStateSuspended:
		return v1beta1.TransitionSuspend
	case nonceChanged(p.spec.SavepointRedeployNonce, p.job.ObservedSavepointRedeployNonce):
		return v1beta1.TransitionRedeploy
	case p.NextRevision != "":
		return v1beta1.TransitionUpgrade
	case nonceChanged(p.Cluster.Spec.RestartNonce, p.status.ObservedRestartNonce), p.restartAsked():
		return v1beta1.TransitionRestart
	case p.rollbackDue():
		return v1beta1.TransitionRollBack
	}
	return ""
}

// nonceChanged says whether a nonce has a value that has not been served. One that is taken away asks for nothing.
func nonceChanged(wanted, observed *int64) bool {
	return wanted != nil && (observed == nil || *observed != *wanted)
}

// cancelFiled says whether the run is being stopped with a savepoint because a request by annotation asked for it.
func (p *jobPass) cancelFiled() bool {
	return jobActive(p.job) && p.stopUnderWay() && p.status.Savepoint.TriggerReason == v1beta1.SavepointReasonJobCancel
}

// restartAsked says whether a request by annotation asks for a restart of the recorded run.
func (p *jobPass) restartAsked() bool {
	control := p.status.Control
	return control != nil && control.State == v1beta1.ControlStateInProgress && control.Name == v1beta1.ControlJobRestart &&
		control.Details[v1beta1.ControlDetailJobID] == p.job.ID
}

// transitionIfWanted begins or carries on a transition of a run that has not ended.
func (p *jobPass) transitionIfWanted(observed flink.Observation) {
	if transition := p.stopping(); transition != nil {
		p.carryStop(transition, observed)
		return
	}
	purpose := p.wish()
	if purpose == "" {
		return
	}
	stop := p.chooseStop(purpose, observed)
	p.requeue = earliest(p.requeue, stop.again)
	if stop.wait != "" {
		return
	}
	p.beginTransition(purpose, stop)
	if stop.takesSavepoint() {
		reason := v1beta1.SavepointReasonUpdate
		if purpose == v1beta1.TransitionSuspend {
			reason = v1beta1.SavepointReasonSuspend
		}
		p.status.Savepoint = newRequest(p.Cluster, p.status, observed, p.Now, reason, p.Cluster.Spec.SavepointDirectory())
	}
}

func (p *jobPass) beginTransition(purpose v1beta1.TransitionPurpose, stop stopChoice) {
	if purpose == v1beta1.TransitionRollBack {
		p.recordFailedRevision()
		stop.mode = v1beta1.UpgradeModeLastState
	}
	p.job.Transition = &v1beta1.JobTransition{
		Purpose: purpose, Mode: stop.mode, Savepoint: stop.savepoint, StartTime: *p.stamp(), Attempt: p.job.Attempt, KeepsMetadata: stop.metadata,
	}
}

// carryStop follows a stop with savepoint, or has Flink cancel the job. A run whose JobManager never names its job, does not
// answer or does not cancel it is ended without it: its pods are removed.
func (p *jobPass) carryStop(transition *v1beta1.JobTransition, observed flink.Observation) {
	if transition.Mode == v1beta1.UpgradeModeSavepoint && transition.Savepoint == "" {
		p.carryStopWithSavepoint(observed)
		return
	}
	if transition.KeepsMetadata {
		p.endForTransition()
		return
	}
	p.cancelRun(transition.StartTime.Time, observed)
}

// cancelRun has Flink cancel the job, and ends the run without it when its time since then is up.
func (p *jobPass) cancelRun(since time.Time, observed flink.Observation) {
	deadline := since.Add(cancelWait)
	switch {
	case observed.Job == nil && p.job.State == v1beta1.JobStateDeploying, !p.Now.Before(deadline):
		p.endForTransition()
	case !observed.Reachable && observed.Silent:
		silent := maxTime(since, observed.AnsweredAt).Add(silenceWait)
		if !p.Now.Before(silent) {
			p.endForTransition()
			return
		}
		p.requeue = earliest(p.requeue, silent.Sub(p.Now))
	case observed.Job != nil:
		p.effects = append(p.effects, flink.Effect{Kind: flink.CancelJob, JobID: p.job.ID})
	}
	p.requeue = earliest(p.requeue, deadline.Sub(p.Now))
}

// carryStopWithSavepoint: the savepoint loop brings the savepoint about. One that failed leaves the job running, so the
// transition is over; it begins anew after a while, if it is still wanted.
func (p *jobPass) carryStopWithSavepoint(observed flink.Observation) {
	slot := p.status.Savepoint
	switch {
	case slot == nil || !slot.Stop || slot.JobID != p.job.ID || slot.State == v1beta1.SavepointStateFailed:
		p.job.Transition = nil
	case slot.State == v1beta1.SavepointStateSucceeded && observed.Job == nil:
		// The job has ended with it; only the JobManager that would say so does not.
		ended := slot.CompletionTime.Add(silenceWait)
		if !p.Now.Before(ended) {
			p.endForTransition()
			return
		}
		p.requeue = earliest(p.requeue, ended.Sub(p.Now))
	case SavepointBusy(slot) && observed.Silent && p.spec.UpgradeFallback == v1beta1.UpgradeFallbackLastState:
		// Flink keeps a result for as long as this, so the JobManager would have to answer soon to tell it.
		hung := maxTime(slot.RequestTime.Time, observed.AnsweredAt).Add(answerWait)
		if !p.Now.Before(hung) {
			p.endForTransition()
			return
		}
		p.requeue = earliest(p.requeue, hung.Sub(p.Now))
	}
}

// endForTransition ends the run without a word of Flink; its pods are removed next.
func (p *jobPass) endForTransition() {
	p.keepMetadata()
	p.endCancelled()
}

// afterStop is the state of a job whose run has ended in a transition.
func (p *jobPass) afterStop() v1beta1.JobState {
	if p.spec.State == v1beta1.DesiredJobStateSuspended {
		return v1beta1.JobStateSuspending
	}
	return v1beta1.JobStateUpdating
}

// startOver brings a job that has ended where the spec wants it. It returns false if the spec wants nothing of it.
func (p *jobPass) startOver() bool {
	purpose := p.wish()
	if purpose == "" || purpose == v1beta1.TransitionSuspend && p.job.State == v1beta1.JobStateSucceeded {
		return false
	}
	if !p.stateRecorded() {
		return true
	}
	if purpose != v1beta1.TransitionSuspend {
		if point := p.restorePointFor(purpose); point.refusal != "" {
			return true
		}
	}
	p.beginTransition(purpose, stopChoice{mode: endedMode(p.Cluster, p.status)})
	p.job.NextStartTime, p.job.CancelledBy = nil, ""
	p.job.State = p.afterStop()
	return true
}

// stepUpdating starts the next run, with the newest spec, when nothing of the last one is left.
func (p *jobPass) stepUpdating() {
	if wait := p.untilSeen(); wait > 0 {
		p.requeue = wait
		return
	}
	nothingLeft := p.Children.clearFor(p.job.Attempt + 1)
	switch {
	case p.spec.CancelRequested || p.cancelAsked():
		if nothingLeft {
			p.job.Transition = nil
			p.endCancelled()
		}
		return
	case p.spec.State == v1beta1.DesiredJobStateSuspended:
		p.job.Transition.Purpose, p.job.State = v1beta1.TransitionSuspend, v1beta1.JobStateSuspending
		return
	case !p.stateRecorded() || !nothingLeft:
		return
	}
	purpose, wish := p.job.Transition.Purpose, p.wish()
	if wish != "" && (purpose != v1beta1.TransitionResume || wish == v1beta1.TransitionRedeploy) {
		purpose = wish
	}
	point := p.restorePointFor(purpose)
	if p.readMetadata {
		return
	}
	if point.refusal != "" {
		p.refuseStart(point)
		return
	}
	p.job.Transition.Purpose = purpose
	p.job.ConsecutiveFailures, p.job.FailureReasons, p.job.SuspectSnapshot = 0, nil, ""
	p.startRun(point)
}

// stepSuspending waits until nothing of the last run is left.
func (p *jobPass) stepSuspending() {
	if wait := p.untilSeen(); wait > 0 {
		p.requeue = wait
		return
	}
	switch {
	case p.spec.State != v1beta1.DesiredJobStateSuspended, p.spec.CancelRequested:
		p.resume()
	case p.stateRecorded() && p.Children.clearFor(p.job.Attempt+1) && len(p.Children.Pods) == 0:
		// Not even a pod that has ended is left: who suspends a job may want to see none.
		p.job.State = v1beta1.JobStateSuspended
	}
}

// stepSuspended waits for the job to be wanted again. What changes meanwhile is taken over at once: nothing runs.
func (p *jobPass) stepSuspended() {
	p.takeNextRevision()
	switch {
	case p.spec.CancelRequested:
		p.endCancelled()
	case p.spec.State == v1beta1.DesiredJobStateSuspended:
	case p.job.Attempt == 0:
		p.job.State = v1beta1.JobStatePending
	case p.restorePointFor(v1beta1.TransitionResume).refusal == "":
		p.resume()
	}
}

// resume goes on with a suspended job. How it was stopped stands in the transition, and decides what it starts from.
func (p *jobPass) resume() {
	p.job.State = v1beta1.JobStateUpdating
	p.job.Transition.Purpose, p.job.Transition.StartTime = v1beta1.TransitionResume, *p.stamp()
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
