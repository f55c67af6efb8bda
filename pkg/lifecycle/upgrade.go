package lifecycle

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// Reasons of the Degraded condition of a transition that cannot begin.
const (
	reasonNoStateKept    = "NoStateKept"
	reasonJobNotRunning  = "JobNotRunning"
	reasonNoCheckpoint   = "NoCheckpoint"
	reasonSavepointFirst = "SavepointNeeded"
)

// stopChoice is how a run is to be stopped, or why it is not yet.
type stopChoice struct {
	mode v1beta1.UpgradeMode
	// savepoint is the one that the next run starts from, where none is taken.
	savepoint string
	// metadata: the run is ended by removing its pods alone, and its metadata of high availability stays.
	metadata bool
	// wait says what has to come first; empty for nothing. reason is set where a person has to do something about it.
	wait, reason string
	// again is when to look again; zero where something will tell.
	again time.Duration
}

func (c stopChoice) takesSavepoint() bool {
	return c.mode == v1beta1.UpgradeModeSavepoint && c.savepoint == ""
}

// EffectiveUpgradeMode is the mode that an upgrade uses: the one in the spec, else the safest that the spec supports. It is
// empty where no state would be kept, and nobody has asked for that.
func EffectiveUpgradeMode(spec *v1beta1.FlinkClusterSpec, job *v1beta1.JobStatus) v1beta1.UpgradeMode {
	switch {
	case spec.Job.UpgradeMode != "":
		return spec.Job.UpgradeMode
	case spec.SavepointDirectory() != "":
		return v1beta1.UpgradeModeSavepoint
	case spec.HighAvailability(), spec.CheckpointDirectory() != "", job != nil && job.LastCheckpoint != nil:
		// A job may set its checkpoint directory in its code: that one has checkpoints which can be restored tells it.
		return v1beta1.UpgradeModeLastState
	}
	return ""
}

// jobCondition is what matters of a job when it is to be stopped.
type jobCondition string

const (
	// conditionRunning: Flink says that the job runs.
	conditionRunning jobCondition = "running"
	// conditionFailing: the JobManager answers, and the job is not running: it restarts, fails or comes up.
	conditionFailing jobCondition = "failing"
	// conditionSilent: the JobManager does not answer.
	conditionSilent jobCondition = "silent"
)

func conditionOfJob(job *v1beta1.JobStatus, observed flink.Observation) jobCondition {
	switch {
	case !observed.Reachable:
		return conditionSilent
	case job.State == v1beta1.JobStateRunning && observed.Job != nil && observed.Job.Status == flink.JobRunning:
		return conditionRunning
	}
	return conditionFailing
}

// chooseStop decides how the recorded run is stopped. The rule is a table in docs/user-guide/job-lifecycle.md, which a test
// makes from this function.
func (p *jobPass) chooseStop(purpose v1beta1.TransitionPurpose, observed flink.Observation) stopChoice {
	condition := conditionOfJob(p.job, observed)
	if slot := p.status.Savepoint; condition != conditionSilent && (SavepointBusy(slot) || awaitedByControl(p.status)) {
		return stopChoice{wait: "the savepoint " + slot.TriggerID + " has to end first"}
	}
	mode := EffectiveUpgradeMode(&p.Cluster.Spec, p.job)
	switch purpose {
	case v1beta1.TransitionRollBack:
		return p.chooseRollBack(condition)
	case v1beta1.TransitionRedeploy:
		mode = v1beta1.UpgradeModeStateless
	default:
	}
	switch mode {
	case v1beta1.UpgradeModeStateless:
		return stopChoice{mode: mode}
	case v1beta1.UpgradeModeSavepoint:
		return p.chooseSavepoint(purpose, condition)
	case v1beta1.UpgradeModeLastState:
		return p.chooseLastState(condition)
	}
	if p.neverRan() {
		return stopChoice{mode: v1beta1.UpgradeModeLastState}
	}
	return stopChoice{reason: reasonNoStateKept, wait: "neither a savepoint directory nor a checkpoint directory is known, and the state of the job would be lost: " +
		"set spec.job.savepointsDir, or spec.job.upgradeMode to stateless to start from nothing"}
}

func (p *jobPass) chooseSavepoint(purpose v1beta1.TransitionPurpose, condition jobCondition) stopChoice {
	if !*p.spec.TakeSavepointOnUpdate && purpose != v1beta1.TransitionSuspend {
		point := newestState(p.spec, p.status, true, p.Now)
		if point.refusal != "" {
			return stopChoice{reason: reasonSavepointFirst, wait: "spec.job.takeSavepointOnUpdate is false, and no savepoint can be used: take one (" + point.refusal + ")"}
		}
		return stopChoice{mode: v1beta1.UpgradeModeSavepoint, savepoint: point.location}
	}
	switch {
	case condition == conditionRunning:
		return p.retryStop()
	case p.spec.UpgradeFallback == v1beta1.UpgradeFallbackNone && !p.neverRan():
		return stopChoice{reason: reasonJobNotRunning, wait: "the job does not run, so it cannot be stopped with a savepoint; " +
			"spec.job.upgradeFallback LastState would start it from its newest state"}
	}
	return p.chooseLastState(condition)
}

// retryStop stops with a savepoint, and after one that failed with growing delay.
func (p *jobPass) retryStop() stopChoice {
	slot := p.status.Savepoint
	if slot != nil && slot.Stop && slot.JobID == p.job.ID {
		if wait := retryTime(slot).Sub(p.Now); wait > 0 {
			return stopChoice{again: wait, reason: "SavepointFailed", wait: "the job could not be stopped with a savepoint, which is tried again at " +
				retryTime(slot).UTC().Format(time.RFC3339) + "; spec.job.upgradeMode last-state needs none: " + slot.Message}
		}
	}
	return stopChoice{mode: v1beta1.UpgradeModeSavepoint}
}

// chooseLastState cancels the job, or removes the pods of one that does not answer, if what it has done so far is kept.
func (p *jobPass) chooseLastState(condition jobCondition) stopChoice {
	serves := p.metadataServes()
	if p.neverRan() && !serves {
		return stopChoice{mode: v1beta1.UpgradeModeLastState}
	}
	if condition == conditionSilent && !p.neverRan() {
		// Silence is not loss, and a savepoint is better than what a checkpoint lacks.
		wait := p.Observation.AnsweredAt.Add(silenceWait).Sub(p.Now)
		if unheard := p.Observation.AnsweredAt.IsZero() && !p.Observation.Silent; unheard || wait > 0 {
			return stopChoice{wait: "the JobManager does not answer", again: wait}
		}
	}
	if serves {
		return p.chooseMetadata(condition)
	}
	if option, value := deletesCheckpoints(&p.Cluster.Spec); option != "" && condition != conditionSilent {
		return stopChoice{reason: reasonNoCheckpoint, wait: "spec.flinkProperties[" + option + "] is " + value + ", so Flink would delete the checkpoints of a cancelled job: " +
			"set RETAIN_ON_CANCELLATION, or spec.job.upgradeMode to stateless to start from nothing"}
	}
	if condition == conditionRunning && !p.hasSnapshotOfRun() {
		return stopChoice{reason: reasonNoCheckpoint, wait: "no checkpoint of this run has been completed that outlives its JobManager, so what it has done would be lost: " +
			"wait for one, set execution.checkpointing.dir and execution.checkpointing.interval, or spec.job.upgradeMode to stateless to start from nothing"}
	}
	if point := newestState(p.spec, p.withNewestCheckpoint(), false, p.Now); point.refusal != "" {
		return stopChoice{reason: point.reason, wait: point.refusal}
	}
	return stopChoice{mode: v1beta1.UpgradeModeLastState}
}

// retentionOption says what becomes of the checkpoints of a job that is cancelled. The operator's own default keeps them.
const retentionOption = "execution.checkpointing.externalized-checkpoint-retention"

func deletesCheckpoints(spec *v1beta1.FlinkClusterSpec) (option, value string) {
	switch value = spec.FlinkProperties[retentionOption]; strings.ToUpper(value) {
	case "", "RETAIN_ON_CANCELLATION":
		return "", ""
	}
	return retentionOption, value
}

// hasSnapshotOfRun says whether the recorded run has completed a snapshot that another run can start from.
func (p *jobPass) hasSnapshotOfRun() bool {
	return slices.ContainsFunc(candidates(p.withNewestCheckpoint()), func(known candidate) bool { return known.jobID == p.job.ID })
}

// withNewestCheckpoint is the status with the newest checkpoint that is known, which is written now and then only.
func (p *jobPass) withNewestCheckpoint() *v1beta1.FlinkClusterStatus {
	newest := recordedCheckpoint(p.job.ID, p.runObservation().Checkpoints)
	if newest == nil {
		return p.status
	}
	status := p.status.DeepCopy()
	status.Components.Job.LastCheckpoint = newest
	return status
}

// neverRan says whether the tasks of the recorded run have not run yet: there is nothing to lose.
func (p *jobPass) neverRan() bool {
	return p.job.StartTime == nil && p.job.State == v1beta1.JobStateDeploying
}

// endedMode is the mode of a transition of a job that does not run: nothing has to be stopped.
func endedMode(cluster *v1beta1.FlinkCluster, status *v1beta1.FlinkClusterStatus) v1beta1.UpgradeMode {
	return cmp.Or(EffectiveUpgradeMode(&cluster.Spec, status.Components.Job), v1beta1.UpgradeModeLastState)
}

// restorePointFor chooses what the next run starts from in a transition. State is thrown away only where the user asks
// for it in the spec of now: by redeploying, by another fromSavepoint, or by upgradeMode stateless.
func (p *jobPass) restorePointFor(purpose v1beta1.TransitionPurpose) restorePoint {
	transition, mode := p.stopping(), EffectiveUpgradeMode(&p.Cluster.Spec, p.job)
	switch {
	case nonceChanged(p.spec.SavepointRedeployNonce, p.job.ObservedSavepointRedeployNonce), purpose == v1beta1.TransitionRedeploy:
		return restorePoint{location: p.spec.FromSavepoint, afresh: true}
	case p.spec.FromSavepoint != "" && p.spec.FromSavepoint != p.job.ObservedFromSavepoint:
		return restorePoint{location: p.spec.FromSavepoint}
	case purpose == v1beta1.TransitionRollBack:
		return p.rollBackPoint(p.status)
	case mode == v1beta1.UpgradeModeStateless, purpose == v1beta1.TransitionResume && transition != nil && transition.Mode == v1beta1.UpgradeModeStateless:
		return restorePoint{afresh: true}
	case mode == v1beta1.UpgradeModeSavepoint && p.spec.UpgradeFallback == v1beta1.UpgradeFallbackNone && transition == nil &&
		!p.stopped() && p.job.State != v1beta1.JobStateSucceeded:
		return restorePoint{reason: reasonJobNotRunning, refusal: "the job does not run, so it could not be stopped with a savepoint; " +
			"spec.job.upgradeFallback LastState starts it from its newest state, spec.job.fromSavepoint from where you say"}
	case transition != nil && transition.Savepoint != "":
		return restorePoint{location: transition.Savepoint}
	}
	return p.continued()
}
