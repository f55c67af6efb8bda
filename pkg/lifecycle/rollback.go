package lifecycle

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// An upgrade is rolled back if its run fails, is lost, or does not prove itself in time, and another revision has proved
// itself before. It is a transition as others are; the next run gets the stable revision.
//
//	Deploying, Running ──cancel──> Updating ──old pods gone──> Deploying ──> Running
//	Failed, Lost ───────────────────────^
//
// The failed revision is recorded with the intent. From then on no run gets it, whether the rollback comes to its end or
// the job is suspended, cancelled or edited on the way, until the spec asks for another one, or for a new try.

// Reasons of the Degraded condition of an upgrade that failed.
const (
	reasonUpgradeFailed = "UpgradeFailed"
	reasonRolledBack    = "RolledBack"
)

// nextRevision is the revision that the next run shall get, if not the one in force: what the spec asks for, unless that
// has failed and nobody asks to try it again.
func nextRevision(in ClusterInput, status *v1beta1.FlinkClusterStatus) string {
	next := in.NextRevision
	if next == "" || next == status.Revision.Current || next == status.Revision.Failed && !triesAgain(in.Cluster, status) {
		return ""
	}
	return next
}

// triesAgain says whether a nonce asks for a restart that has not been made: of what the spec says, even if that failed.
func triesAgain(cluster *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) bool {
	job := status.Components.Job
	return nonceChanged(cluster.Spec.RestartNonce, status.ObservedRestartNonce) ||
		job != nil && nonceChanged(cluster.Spec.Job.SavepointRedeployNonce, job.ObservedSavepointRedeployNonce)
}

// setRevision takes in what the spec asks for. Once it asks for the revision that runs, the failed one is forgotten.
func setRevision(in ClusterInput, status *v1beta1.FlinkClusterStatus) {
	revision := &status.Revision
	revision.Current = in.Revision
	if in.NextRevision == "" && in.Problem == nil && revision.Failed != revision.Current {
		forgetFailedRevision(revision)
	}
	revision.Next = nextRevision(in, status)
}

func forgetFailedRevision(revision *v1beta1.RevisionStatus) {
	revision.Failed, revision.FailureReason = "", ""
}

// rollingBack says whether the revision in force has failed after an upgrade: no run gets it any more.
func rollingBack(revision v1beta1.RevisionStatus) bool {
	return revision.Failed != "" && revision.Failed == revision.Current
}

// rolledBack says whether the revision that the spec asks for has failed, and an older one is in force.
func rolledBack(revision v1beta1.RevisionStatus) bool {
	return revision.Failed != "" && revision.Failed != revision.Current
}

// takeNextRevision puts in force what the next run shall have: the wanted spec, or the stable one instead of one that
// failed. The next pass finds it so.
func (p *jobPass) takeNextRevision() {
	revision := &p.status.Revision
	switch {
	case p.NextRevision != "":
		revision.Current, revision.Next = p.NextRevision, ""
		forgetFailedRevision(revision)
	case rollingBack(*revision) && triesAgain(p.Cluster, p.status):
		forgetFailedRevision(revision)
	case rollingBack(*revision):
		revision.Current = revision.Stable
	}
}

// recordStable notes that the revision in force has proved itself, and which generation of the spec asks for it.
func (p *jobPass) recordStable() {
	revision := &p.status.Revision
	if p.job.State == v1beta1.JobStateSucceeded && rollingBack(*revision) {
		// It finished while it was being stopped.
		forgetFailedRevision(revision)
	}
	if rollingBack(*revision) {
		return
	}
	// What this pass has just put in force is not what it was told about.
	asked := p.askedFor == "" && p.Problem == nil && p.Revision == revision.Current
	if revision.Stable != revision.Current {
		if !p.proven() {
			p.awaitProof()
			return
		}
		// Where the spec asks for another one already, an older generation did.
		revision.Stable, revision.StableGeneration = revision.Current, p.Cluster.Generation-1
	}
	if asked {
		revision.StableGeneration = p.Cluster.Generation
	}
}

// proven says whether the recorded run has shown that its revision works. A checkpoint or savepoint needs all tasks, so
// one of its own tells that they ran; without one they have to be there when the time is over.
func (p *jobPass) proven() bool {
	switch p.job.State {
	case v1beta1.JobStateSucceeded:
		return true
	case v1beta1.JobStatePending, v1beta1.JobStateSuspended:
		return false
	case v1beta1.JobStateDeploying, v1beta1.JobStateRunning:
		if p.stopped() {
			return true
		}
		observed := p.runObservation()
		return !endedInFlink(observed) && (p.hasSnapshotOfRun() || p.runsInTime(observed))
	case v1beta1.JobStateRestarting, v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateFailed,
		v1beta1.JobStateCancelled, v1beta1.JobStateLost:
	}
	return p.stopped()
}

func endedInFlink(observed flink.Observation) bool {
	return observed.Job != nil && observed.Job.Status.Terminal()
}

// runsInTime says whether all tasks run now that the time to become ready is over.
func (p *jobPass) runsInTime(observed flink.Observation) bool {
	deadline, known := p.readyBy()
	return known && !p.Now.Before(deadline) && p.job.State == v1beta1.JobStateRunning && observed.Reachable &&
		observed.Job != nil && observed.Job.AllTasksRunning()
}

// readyBy is when the run has to be stable. It counts from the record of the run, which outlives the operator. A run that was
// recorded by an operator of before has only the time when its tasks ran first.
func (p *jobPass) readyBy() (deadline time.Time, known bool) {
	begin := p.job.DeployTime
	if begin == nil {
		begin = p.job.StartTime
	}
	if begin == nil {
		return time.Time{}, false
	}
	return begin.Add(time.Duration(*p.Cluster.Spec.Rollback.ReadinessSeconds) * time.Second), true
}

// awaitProof has the next pass come when the time to become ready is over.
func (p *jobPass) awaitProof() {
	if deadline, known := p.readyBy(); known && jobActive(p.job) && deadline.After(p.Now) {
		p.requeue = earliest(p.requeue, deadline.Sub(p.Now))
	}
}

// rollbackDue says whether the stable revision has to be put in force again: the run of a newer one ended in a failure, or
// has not proved itself in time. A run that was being stopped did not fail.
func (p *jobPass) rollbackDue() bool {
	revision := p.status.Revision
	fallible := p.Cluster.Spec.Rollback.Enabled && revision.Stable != "" && revision.Stable != revision.Current &&
		p.stopping() == nil && !p.resuming() && !p.stopped()
	switch p.job.State {
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
		// One that has begun is carried on, though it could not be a moment ago.
		return fallible || rollingBack(revision)
	case v1beta1.JobStateDeploying, v1beta1.JobStateRunning:
		return fallible && p.overdue()
	case v1beta1.JobStatePending, v1beta1.JobStateRestarting, v1beta1.JobStateUpdating, v1beta1.JobStateSuspending,
		v1beta1.JobStateSuspended, v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled:
	}
	return false
}

// overdue says whether a run that has not ended should have proved itself by now. An operator that has just started has to
// hear of it first.
func (p *jobPass) overdue() bool {
	deadline, known := p.readyBy()
	observed := p.runObservation()
	heard := !observed.AnsweredAt.IsZero() || observed.Silent
	return known && heard && !p.Now.Before(deadline) && !endedInFlink(observed) && !p.proven()
}

// chooseRollBack stops a run as an upgrade by last-state does. What it has done since its start and not kept is lost, as it
// would be if Flink restarted the job: only a run that is not stable comes here. No savepoint is taken of it.
func (p *jobPass) chooseRollBack(condition jobCondition) stopChoice {
	if point := p.rollBackPoint(p.withNewestCheckpoint()); point.refusal != "" {
		return stopChoice{reason: point.reason, wait: point.refusal}
	}
	if condition == conditionSilent && !p.neverRan() {
		if wait := p.silentSince().Add(silenceWait).Sub(p.Now); wait > 0 {
			return stopChoice{wait: "the JobManager does not answer", again: wait}
		}
	}
	return stopChoice{mode: v1beta1.UpgradeModeLastState}
}

// rollBackPoint is what the run of the stable revision starts from: the newest state of the job. That is what the failed run
// was started from, if it completed nothing of its own: so nothing of before comes back that the user had thrown away.
func (p *jobPass) rollBackPoint(status *v1beta1.FlinkClusterStatus) restorePoint {
	return newestState(p.spec, status, false, p.Now)
}

// silentSince is when a JobManager that does not answer was last heard, as far as is known: an operator that has just started
// has what the Ready condition tells.
func (p *jobPass) silentSince() time.Time {
	ready := meta.FindStatusCondition(p.status.Conditions, v1beta1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionUnknown {
		return p.Now
	}
	return maxTime(ready.LastTransitionTime.Time, p.runObservation().AnsweredAt)
}

// recordFailedRevision notes which revision is not to be started again, and why, since the reasons of a run go with it.
func (p *jobPass) recordFailedRevision() {
	revision := &p.status.Revision
	if rollingBack(*revision) {
		return
	}
	reasons := p.job.FailureReasons
	if jobActive(p.job) {
		reasons = []string{
			fmt.Sprintf("it was not stable after %d seconds", *p.Cluster.Spec.Rollback.ReadinessSeconds),
			inFlink(p.ClusterInput, p.job), waitsFor(p.ClusterInput, p.status),
		}
	}
	told := boundText(joinTexts(boundReasons(reasons)...), 2*maxReasonLength)
	revision.Failed, revision.FailureReason = revision.Current, cmp.Or(told, "the job is "+string(p.job.State))
}

// failedUpgradeVerdict tells of an upgrade that failed, until another one is made.
func failedUpgradeVerdict(in ClusterInput, revision v1beta1.RevisionStatus) (verdict, bool) {
	upgrade := "the upgrade to " + revision.Failed
	if len(in.Changed) > 0 {
		upgrade += " (" + strings.Join(in.Changed, ", ") + ")"
	}
	switch {
	case rollingBack(revision):
		return yes(reasonUpgradeFailed, upgrade+" failed, and "+revision.Stable+" is put in force again: "+revision.FailureReason), true
	case rolledBack(revision):
		return yes(reasonRolledBack, upgrade+" failed, and "+revision.Current+" is in force again until the spec asks for another one, "+
			"or a new spec.restartNonce to try this one again: "+revision.FailureReason), true
	}
	return verdict{}, false
}
