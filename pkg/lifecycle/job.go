package lifecycle

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// checkpointRecordInterval is how often a newer checkpoint is written to the status while all is well. Between the
// writes the newest is known in memory, and it is written when the run ends.
const checkpointRecordInterval = 5 * time.Minute

// lastSnapshotsWait is how long after the end of a job its statistics are waited for. The end may be noticed ten seconds
// late, one look at Flink may take its five seconds in vain, and Flink keeps what it answers for three
// (web.refresh-interval, rest.cache.checkpoint-statistics.timeout) before a last look tells the truth.
const lastSnapshotsWait = 30 * time.Second

// unseenWait is how long it takes at most until objects that were made are seen.
const unseenWait = 5 * time.Second

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
	default:
		reasons := observed.Exceptions
		if len(reasons) == 0 {
			reasons = []string{"Flink reports the job as " + string(job.Status)}
		}
		p.endRun(v1beta1.JobStateFailed, reasons)
	}
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

// suspectSnapshot notes that the files of what the run was to start from are not there. Once may be a volume that came
// late: a snapshot counts as missing when the next run that starts from it does not find it either.
func (p *jobPass) suspectSnapshot() {
	job, suspect := p.job, p.job.SuspectSnapshot
	job.SuspectSnapshot = ""
	if job.StartTime != nil || job.FromSavepoint == "" || !snapshotMissing(job.FailureReasons, job.FromSavepoint) {
		return
	}
	if job.FromSavepoint != suspect {
		job.SuspectSnapshot = job.FromSavepoint
		return
	}
	if !slices.Contains(job.MissingSnapshots, suspect) {
		job.MissingSnapshots = append([]string{suspect}, job.MissingSnapshots...)
		job.MissingSnapshots = job.MissingSnapshots[:min(len(job.MissingSnapshots), 10)]
	}
}

func (p *jobPass) ranHealthily() bool {
	return p.job.StartTime != nil && p.Now.Sub(p.job.StartTime.Time) >= time.Duration(*p.spec.RestartBackoff.ResetAfterSeconds)*time.Second
}

// forgetFailures ends a row of failures once the job has run long enough.
func (p *jobPass) forgetFailures() {
	if p.job.State != v1beta1.JobStateRunning || p.job.ConsecutiveFailures == 0 {
		return
	}
	if p.ranHealthily() {
		p.job.ConsecutiveFailures, p.job.FailureReasons, p.job.MissingSnapshots = 0, nil, nil
		return
	}
	healthy := p.job.StartTime.Add(time.Duration(*p.spec.RestartBackoff.ResetAfterSeconds) * time.Second)
	p.requeue = earliest(p.requeue, healthy.Sub(p.Now))
}

// stepFailed applies the restart policy. It is looked at anew in each pass, so an edit of the policy counts.
func (p *jobPass) stepFailed() {
	if !p.stateRecorded() {
		return
	}
	if p.stopped() && !p.resuming() {
		p.endCancelled()
		return
	}
	if p.startOver() || p.restartRefusal().refusal != "" {
		return
	}
	p.job.State = v1beta1.JobStateRestarting
	p.job.NextStartTime = new(metav1.NewTime(p.job.CompletionTime.Add(restartDelay(p.spec.RestartBackoff, p.job.ConsecutiveFailures))))
}

// stateRecorded says whether all that is known of the ended run's savepoints stands in the status. The savepoint loop
// writes it there.
func (p *jobPass) stateRecorded() bool {
	return !SavepointBusy(p.status.Savepoint) && len(unrecorded(p.status, p.runObservation().Checkpoints)) == 0
}

// resuming says whether a job that has been cancelled is to be started again, and could not be so far.
func (p *jobPass) resuming() bool {
	return p.job.CancelledBy != ""
}

// restartRefusal says why a failed job may not be restarted.
func (p *jobPass) restartRefusal() restorePoint {
	if p.resuming() {
		// It has not failed: the policy does not apply.
		return newestState(p.spec, p.status, false, p.Now)
	}
	if p.spec.RestartPolicy == v1beta1.RestartPolicyNever {
		return restorePoint{reason: reasonNeverRestarts, refusal: "restartPolicy is Never"}
	}
	if limit := p.spec.RestartBackoff.Limit; limit != nil && p.job.ConsecutiveFailures > *limit {
		return restorePoint{reason: reasonRestartLimit,
			refusal: fmt.Sprintf("the job failed %d times in a row; restartBackoff.limit is %d", p.job.ConsecutiveFailures, *limit)}
	}
	return newestState(p.spec, p.status, p.spec.RestartPolicy == v1beta1.RestartPolicyFromSavepointOnFailure, p.Now)
}

// restartDelay is how long to wait after so many failures in a row: nothing after the first, then the initial delay,
// doubled each time up to the maximum.
func restartDelay(backoff *v1beta1.RestartBackoff, failures int32) time.Duration {
	if failures <= 1 {
		return 0
	}
	delay, longest := time.Duration(*backoff.InitialSeconds)*time.Second, time.Duration(*backoff.MaxSeconds)*time.Second
	for range min(failures-2, 32) {
		delay = min(2*delay, longest)
	}
	return min(delay, longest)
}

// stepRestarting starts the next run when its time has come and nothing of the last one is left.
func (p *jobPass) stepRestarting() {
	if wait := p.untilSeen(); wait > 0 {
		p.requeue = wait
		return
	}
	if p.spec.CancelRequested || p.cancelAsked() {
		if p.Children.clearFor(p.job.Attempt + 1) {
			p.endCancelled()
		}
		return
	}
	if p.startOver() {
		return
	}
	if wait := p.untilNextStart(); wait > 0 {
		p.requeue = wait
		return
	}
	if !p.stateRecorded() || !p.Children.clearFor(p.job.Attempt+1) {
		return
	}
	resumed := p.resuming()
	point := p.continued()
	if !resumed && p.spec.RestartPolicy == v1beta1.RestartPolicyFromSavepointOnFailure {
		point = newestState(p.spec, p.status, true, p.Now)
	}
	if p.readMetadata {
		return
	}
	if point.refusal != "" {
		p.job.State = v1beta1.JobStateFailed
		p.job.FailureReasons = boundReasons(append([]string{point.refusal}, p.job.FailureReasons...))
		return
	}
	if !resumed {
		p.job.RestartCount++
	}
	p.startRun(point)
}

// untilSeen is how long objects of the last run may still appear: they may have been made a moment ago, and what is
// seen of them is always a little late.
func (p *jobPass) untilSeen() time.Duration {
	if p.status.Components.JobManager != nil || p.job.Attempt == 0 || p.job.CompletionTime == nil {
		return 0
	}
	return p.job.CompletionTime.Add(unseenWait).Sub(p.Now)
}

func (p *jobPass) untilNextStart() time.Duration {
	if p.job.NextStartTime == nil {
		return 0
	}
	return p.job.NextStartTime.Sub(p.Now)
}

// stepCancelled resumes a job whose cancelRequested was taken back. A job that was cancelled in another way stays so.
func (p *jobPass) stepCancelled() {
	if p.startOver() {
		return
	}
	if p.job.CancelledBy == v1beta1.CancelledBySpec && !p.spec.CancelRequested && p.stateRecorded() {
		p.job.State = v1beta1.JobStateRestarting
		p.job.NextStartTime = nil
	}
}

// recordCheckpoint writes the newest checkpoint to the status: the first one at once, since a job with a checkpoint
// must never be started from nothing; when the run ends; and every few minutes where the restart policy lives on it.
func (p *jobPass) recordCheckpoint(observed flink.Observation, ending bool) {
	newest := recordedCheckpoint(p.job.ID, observed.Checkpoints)
	if newest == nil {
		return
	}
	recorded := p.job.LastCheckpoint
	first := recorded == nil || recorded.JobID != p.job.ID
	if !first && recorded.ID >= newest.ID {
		if !ending && p.checkpointDue(recorded) {
			p.requeue = earliest(p.requeue, checkpointRecordInterval)
		}
		return
	}
	leaving := ending || p.jobManagerLeaving()
	if first || leaving || p.checkpointDue(recorded) {
		newest.RecordTime = p.stamp()
		p.job.LastCheckpoint = newest
	}
}

// checkpointDue says whether a newer checkpoint has to be written though all is well, and has the next pass come when
// one will be: checkpoints alone wake nobody.
func (p *jobPass) checkpointDue(recorded *v1beta1.CheckpointStatus) bool {
	if !livesOnCheckpoints(p.Cluster) {
		return false
	}
	written := recorded.Time
	if recorded.RecordTime != nil {
		written = *recorded.RecordTime
	}
	wait := written.Add(checkpointRecordInterval).Sub(p.Now)
	if wait > 0 {
		p.requeue = earliest(p.requeue, wait)
		return false
	}
	return true
}

// livesOnCheckpoints says whether the next run may start from a checkpoint, so that the newest one has to be known.
func livesOnCheckpoints(cluster *v1beta1.FlinkCluster) bool {
	return cluster.Spec.Job.RestartPolicy == v1beta1.RestartPolicyFromLatestStateOnFailure ||
		EffectiveUpgradeMode(&cluster.Spec, cluster.Status.Components.Job) == v1beta1.UpgradeModeLastState
}

func (p *jobPass) jobManagerLeaving() bool {
	pod := p.Children.jobManagerPod(p.job.Attempt)
	return pod != nil && (pod.Deleting || pod.Terminated)
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
