package lifecycle

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// lastSnapshotsWait is how long after the end of a job its statistics, or what its JobManager logged, are waited for. The end may be noticed ten seconds
// late, one look at Flink may take its five seconds in vain, and Flink keeps what it answers for three
// (web.refresh-interval, rest.cache.checkpoint-statistics.timeout) before a last look tells the truth.
const lastSnapshotsWait = 30 * time.Second

// jobPass is one look at the job: the input, and the copy of the status that it changes.
type jobPass struct {
	ClusterInput
	status *v1beta1.FlinkClusterStatus
	job    *v1beta1.JobStatus
	spec   *v1beta1.JobSpec
	// askedFor names the revision of the wanted spec, if it is not in force, even if it is not to be started.
	askedFor string
	effects  []flink.Effect
	requeue  time.Duration
	// confirm: whether the run has ended depends on what has to be confirmed first.
	confirm bool
	// readMetadata: what comes next depends on the metadata of high availability.
	readMetadata bool
}

// step moves the job on by at most one state. A run's life:
//
//	Pending ─> Deploying ─> Running ─> Succeeded | Cancelled | Failed | Lost
//	               ^                                   │ by restartPolicy, or cancelRequested taken back
//	               └──────────── Restarting <──────────┘
//
// An upgrade and a suspension are in transition.go.
func (p *jobPass) step() {
	switch p.job.State {
	case v1beta1.JobStatePending:
		p.stepPending()
	case v1beta1.JobStateDeploying, v1beta1.JobStateRunning:
		p.stepRun()
	case v1beta1.JobStateRestarting:
		p.recordCheckpoint(p.runObservation(), true)
		p.stepRestarting()
	case v1beta1.JobStateFailed, v1beta1.JobStateLost:
		p.recordCheckpoint(p.runObservation(), true)
		p.stepFailed()
	case v1beta1.JobStateCancelled:
		p.recordCheckpoint(p.runObservation(), true)
		p.stepCancelled()
	case v1beta1.JobStateSucceeded:
		p.startOver()
	case v1beta1.JobStateUpdating:
		p.recordCheckpoint(p.runObservation(), true)
		p.stepUpdating()
	case v1beta1.JobStateSuspending:
		p.recordCheckpoint(p.runObservation(), true)
		p.stepSuspending()
	case v1beta1.JobStateSuspended:
		p.stepSuspended()
	}
	p.job.UpgradeMode = EffectiveUpgradeMode(&p.Cluster.Spec, p.job)
	p.recordStable()
}

func (p *jobPass) stepPending() {
	p.job.ObservedSavepointTriggerNonce = p.spec.SavepointTriggerNonce
	switch {
	case p.spec.CancelRequested:
		p.endCancelled()
	case p.spec.State == v1beta1.DesiredJobStateSuspended:
		p.job.State = v1beta1.JobStateSuspended
	default:
		p.startRun(restorePoint{location: p.spec.FromSavepoint})
	}
}

// startRun records the intent of a run, with the newest spec. Its objects are made in a later pass, once the record is stored.
func (p *jobPass) startRun(point restorePoint) {
	p.takeNextRevision()
	job := p.job
	job.Attempt++
	p.identify(point)
	job.State = v1beta1.JobStateDeploying
	job.ObservedFromSavepoint = p.spec.FromSavepoint
	job.ObservedSavepointRedeployNonce = p.spec.SavepointRedeployNonce
	p.status.ObservedRestartNonce = p.Cluster.Spec.RestartNonce
	if point.afresh {
		job.FirstAttempt, job.LastCheckpoint, job.MissingSnapshots = job.Attempt, nil, nil
	}
	job.DeployTime = p.stamp()
	job.StartTime, job.CompletionTime, job.NextStartTime = nil, nil, nil
	job.CancelledBy = ""
	p.status.Components.JobManager, p.status.Components.TaskManager = nil, nil
}

// stepRun follows the run that is recorded. Only answers about its job id count, and silence is no answer.
func (p *jobPass) stepRun() {
	if p.awaitsMetadata() {
		return
	}
	observed := p.runObservation()
	if observed.Job != nil && observed.Job.Name != "" {
		p.job.Name = boundText(observed.Job.Name, 256)
	}
	switch {
	case observed.Job != nil && observed.Job.Status.Terminal():
		p.flinkEnded(*observed.Job, observed)
	case p.jobManagerGone():
		p.jobManagerEnded()
	case p.unknownToJobManager(observed) && p.stopped():
		p.endCancelled()
	case p.unknownToJobManager(observed):
		p.endLost()
	default:
		p.followRun(observed)
	}
}

func (p *jobPass) followRun(observed flink.Observation) {
	if p.deleting() {
		p.carryDeletion(observed)
		return
	}
	if observed.Job != nil && observed.Job.AllTasksRunning() && p.job.State == v1beta1.JobStateDeploying {
		p.job.State = v1beta1.JobStateRunning
		p.job.StartTime = p.stamp()
		p.job.SuspectSnapshot = ""
		p.job.MissingSnapshots = slices.DeleteFunc(p.job.MissingSnapshots, func(location string) bool { return location == p.job.FromSavepoint })
		p.job.Transition = nil
	}
	p.forgetFailures()
	p.recordCheckpoint(observed, false)
	p.cancelIfWanted(observed)
	p.transitionIfWanted(observed)
	p.removeFormer()
}

// endLost: the JobManager answers, and does not know the job.
func (p *jobPass) endLost() {
	reasons := []string{"the JobManager answers and does not know the job " + p.job.ID}
	if pod := p.Children.jobManagerPod(p.job.Attempt); pod != nil && pod.Restarts > 0 {
		reasons = append(reasons, lastWords(pod)...)
	}
	p.endRun(v1beta1.JobStateLost, reasons)
}

// flinkEnded takes in the end that Flink reports. A stop with savepoint that is under way is resolved first, since
// its result outranks the state of the job.
func (p *jobPass) flinkEnded(job flink.Job, observed flink.Observation) {
	if stop := p.status.Savepoint; SavepointBusy(stop) && stop.Stop && stop.JobID == p.job.ID && !p.deletionOverdue() {
		return
	}
	switch {
	case p.stopped():
		p.endCancelled()
	case job.Status == flink.JobFinished:
		p.endRun(v1beta1.JobStateSucceeded, nil)
	case p.awaitsLastSnapshots(job, observed):
	case job.Status == flink.JobCanceled:
		p.endCancelled()
	case p.awaitsLastWords(job, observed):
	default:
		p.endRun(v1beta1.JobStateFailed, p.causes(job, observed))
	}
}

// awaitsLastWords says whether a JobManager that ends with its job has still to end: it did not tell why the job failed, and
// its log does.
func (p *jobPass) awaitsLastWords(job flink.Job, observed flink.Observation) bool {
	pod := p.Children.jobManagerPod(p.job.Attempt)
	wait := job.EndTime.Add(lastSnapshotsWait).Sub(p.Now)
	if p.deleting() || len(observed.Exceptions) > 0 || observed.Reachable || pod == nil || pod.Terminated || wait <= 0 || wait > lastSnapshotsWait+clockSkew {
		return false
	}
	p.requeue = earliest(p.requeue, wait)
	return true
}

// causes tells why a job failed, as well as it is known.
func (p *jobPass) causes(job flink.Job, observed flink.Observation) []string {
	pod := p.Children.jobManagerPod(p.job.Attempt)
	switch {
	case len(observed.Exceptions) > 0:
		return observed.Exceptions
	case pod != nil && pod.Terminated:
		return lastWords(pod)
	}
	return []string{"Flink reports the job as " + string(job.Status)}
}

// awaitsLastSnapshots says whether the statistics of an ended job may still lack its newest snapshot: Flink answers them
// from a cache. The wait is short, and none where Flink's clock is far from ours.
func (p *jobPass) awaitsLastSnapshots(job flink.Job, observed flink.Observation) bool {
	if p.deleting() || observed.CheckpointsFinal || !observed.Reachable || job.EndTime.After(p.Now.Add(lastSnapshotsWait)) {
		return false
	}
	wait := job.EndTime.Add(lastSnapshotsWait).Sub(p.Now)
	if wait > 0 {
		p.requeue = earliest(p.requeue, wait)
	}
	return wait > 0
}

// stopped says whether the recorded run was stopped with a savepoint. That outranks how the run ended.
func (p *jobPass) stopped() bool {
	return stoppedRun(p.status)
}

// jobManagerGone says whether the JobManager of the run has existed and does not run any more. Without high
// availability its end is the end of the run.
func (p *jobPass) jobManagerGone() bool {
	if p.highlyAvailable() {
		return false
	}
	pod := p.Children.jobManagerPod(p.job.Attempt)
	if pod != nil && !pod.Terminated {
		return false
	}
	workload := p.Children.JobManager
	present := workload.Exists && workload.Attempt == p.job.Attempt
	if present {
		return workload.Ended || pod != nil
	}
	if pod == nil && p.status.Components.JobManager == nil {
		return false
	}
	p.confirm = !p.Children.Confirmed
	return !p.confirm
}

func (p *jobPass) jobManagerEnded() {
	pod := p.Children.jobManagerPod(p.job.Attempt)
	state := v1beta1.JobStateLost
	switch {
	case p.stopped(), pod.succeeded() && (p.cancelledBy() != v1beta1.CancelledByOther || p.stopping() != nil):
		p.endCancelled()
		return
	case pod.succeeded():
		p.endRun(v1beta1.JobStateSucceeded, nil)
		return
	}
	if pod != nil && pod.ExitCode != nil && pod.Reason != "OOMKilled" {
		switch *pod.ExitCode {
		case exitCodeStartUpFailure, exitCodeFatalError, exitCodeJobFailed:
			state = v1beta1.JobStateFailed
		}
	}
	p.endRun(state, append(lastWords(pod), p.runObservation().Exceptions...))
}

// endCancelled records that the run was cancelled, and by whom.
func (p *jobPass) endCancelled() {
	p.job.CancelledBy = p.cancelledBy()
	p.endRun(v1beta1.JobStateCancelled, nil)
}

// endRun records the end of the run, with the newest state that is known at this moment.
func (p *jobPass) endRun(state v1beta1.JobState, reasons []string) {
	p.recordCheckpoint(p.runObservation(), true)
	job := p.job
	job.FailureReasons = boundReasons(reasons)
	if state == v1beta1.JobStateFailed || state == v1beta1.JobStateLost {
		job.CancelledBy = ""
		if p.ranHealthily() {
			job.ConsecutiveFailures = 0
		}
		job.ConsecutiveFailures++
		p.suspectSnapshot()
	} else {
		job.ConsecutiveFailures = 0
	}
	job.State = state
	job.CompletionTime = p.stamp()
	if state == v1beta1.JobStateSucceeded {
		// Flink deletes the checkpoints of a job that has finished.
		job.LastCheckpoint = nil
	}
	switch {
	case p.deleting(), p.stopping() == nil:
	case state == v1beta1.JobStateSucceeded, p.spec.CancelRequested, p.cancelAsked():
		job.Transition = nil
	default:
		job.State, job.CancelledBy = p.afterStop(), ""
	}
}

// stepCancelled resumes a job whose cancelRequested was taken back. A job that was cancelled in another way stays so.
//
// A cancel by annotation is told its end first: it would cancel the job again that was just to be resumed, and so on, or be
// told that the job was restarted before it could be cancelled.
func (p *jobPass) stepCancelled() {
	if cancelInProgress(p.status.Control) || p.startOver() {
		return
	}
	if p.job.CancelledBy == v1beta1.CancelledBySpec && !p.spec.CancelRequested && p.stateRecorded() {
		p.job.State = v1beta1.JobStateRestarting
		p.job.NextStartTime = nil
	}
}

// runObservation is what is known of the recorded run; nothing if the observation is about another job id.
func (p *jobPass) runObservation() flink.Observation {
	if !heardOf(p.Observation, p.job) {
		return flink.Observation{}
	}
	return p.Observation
}

// heardOf says whether an observation is about a run. The job id alone does not tell, since a run that goes on from metadata of
// high availability has that of the one before.
func heardOf(observed flink.Observation, job *v1beta1.JobStatus) bool {
	return observed.JobID == job.ID && observed.Attempt == job.Attempt
}

// stamp is the present in the precision that the status can hold.
func (p *jobPass) stamp() *metav1.Time {
	return timestamp(p.Now)
}

func timestamp(now time.Time) *metav1.Time {
	return new(metav1.NewTime(now.Truncate(time.Second)))
}

// earliest returns the shorter of two delays, where zero means none.
func earliest(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}
