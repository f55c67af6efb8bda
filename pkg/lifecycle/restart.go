package lifecycle

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// unseenWait is how long it takes at most until objects that were made are seen.
const unseenWait = 5 * time.Second

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

// forgetFailures ends a row of failures once the job has run long enough. What was missing is forgotten with it: an upgrade
// ends a row before, and leaves that.
func (p *jobPass) forgetFailures() {
	if p.job.State != v1beta1.JobStateRunning || p.job.ConsecutiveFailures == 0 && len(p.job.MissingSnapshots) == 0 {
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
		p.refuseStart(point)
		return
	}
	if !resumed {
		p.job.RestartCount++
	}
	p.startRun(point)
}

// refuseStart leaves a job that cannot be started, and says why.
func (p *jobPass) refuseStart(point restorePoint) {
	p.job.State = v1beta1.JobStateFailed
	p.job.FailureReasons = boundReasons(append([]string{point.refusal}, p.job.FailureReasons...))
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
