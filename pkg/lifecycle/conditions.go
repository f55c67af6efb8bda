package lifecycle

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// crashLoopFailures is how many failures in a row make a crash loop.
const crashLoopFailures = 3

// Reasons of conditions.
const (
	// reasonAsExpected is that of a condition that has nothing to tell.
	reasonAsExpected      = "AsExpected"
	reasonRestoreMismatch = "RestoreMismatch"
)

// verdict is the content of a condition.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

func yes(reason, message string) verdict { return verdict{metav1.ConditionTrue, reason, message} }
func no(reason, message string) verdict  { return verdict{metav1.ConditionFalse, reason, message} }

// setCondition leaves the transition time alone unless the status flips, so that an unchanged condition is no change.
func setCondition(status *v1beta1.FlinkClusterStatus, generation int64, now time.Time, conditionType string, v verdict) {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: conditionType, Status: v.status, Reason: v.reason, Message: boundText(v.message, 2*maxReasonLength),
		ObservedGeneration: generation, LastTransitionTime: *timestamp(now),
	})
}

func setConditions(in ClusterInput, status *v1beta1.FlinkClusterStatus) {
	setSpecValid(status, in)
	generation := in.Cluster.Generation
	if ready, heard := readyVerdict(in, status); heard {
		setCondition(status, readyGeneration(in, status, ready), in.Now, v1beta1.ConditionReady, ready)
	}
	setCondition(status, generation, in.Now, v1beta1.ConditionProgressing, progressingVerdict(in, status))
	setCondition(status, generation, in.Now, v1beta1.ConditionDegraded, degradedVerdict(in, status))
	if in.Cluster.Status.Components.Job == nil && status.Components.Job != nil {
		// The record of a job begins with all conditions; from then on this one is the savepoint loop's.
		setSavepointHealth(status, generation, in.Now)
	}
}

// readyGeneration is the generation that Ready speaks of. While an upgrade waits, what runs is an older spec: who waits for
// the newer one with kubectl wait must not be told that it is ready.
func readyGeneration(in ClusterInput, status *v1beta1.FlinkClusterStatus, ready verdict) int64 {
	if ready.status == metav1.ConditionTrue && rolledBack(status.Revision) {
		return status.Revision.StableGeneration
	}
	recorded := meta.FindStatusCondition(status.Conditions, v1beta1.ConditionReady)
	if recorded != nil && ready.status == metav1.ConditionTrue && status.Components.Job != nil && newJobPass(in, status).wish() != "" {
		return recorded.ObservedGeneration
	}
	return in.Cluster.Generation
}

func setSpecValid(status *v1beta1.FlinkClusterStatus, in ClusterInput) {
	v := yes(ReasonSpecValid, strings.Join(slices.Concat(in.Warnings, pendingRestore(in), retentionWarning(in.Cluster)), "; "))
	if in.Problem != nil {
		v = no(ReasonSpecInvalid, in.Problem.Message)
	}
	setCondition(status, in.Cluster.Generation, in.Now, v1beta1.ConditionSpecValid, v)
}

// pendingRestore warns of a fromSavepoint that was changed while the job runs: it is used at the next start, instead of
// the newest state.
func pendingRestore(in ClusterInput) []string {
	spec, job := in.Cluster.Spec.Job, in.Cluster.Status.Components.Job
	if spec == nil || job == nil || !jobActive(job) || spec.FromSavepoint == "" || spec.FromSavepoint == job.ObservedFromSavepoint {
		return nil
	}
	return []string{"spec.job.fromSavepoint was changed: the next start of the job, also one after a failure, will be from there and not from the newest state"}
}

// readyVerdict says whether the job runs with all its tasks, or the session cluster is up. It has nothing to say as
// long as this process has not heard of Flink: an operator that has just started changes no condition.
func readyVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) (verdict, bool) {
	if deleting(in.Cluster) {
		return no(string(v1beta1.LifecycleDeleting), "the FlinkCluster is being deleted"), true
	}
	job := status.Components.Job
	if job == nil {
		if status.State == v1beta1.ClusterStateRunning {
			return yes("ClusterRunning", "the session cluster is up"), true
		}
		return no("ClusterNotReady", "the JobManager or a TaskManager is not ready"), true
	}
	if job.State == v1beta1.JobStateDeploying {
		return deployingVerdict(in, status)
	}
	if job.State != v1beta1.JobStateRunning {
		return no("Job"+string(job.State), ""), true
	}
	if stop := status.Savepoint; SavepointBusy(stop) && stop.Stop {
		return no("JobStopping", "the job is being stopped with a savepoint"), true
	}
	if stoppingFor(job) != nil {
		return no("JobStopping", "the job is being cancelled"), true
	}
	return runningVerdict(in, status)
}

// runningVerdict is for a job that runs, as far as its JobManager says so.
func runningVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) (verdict, bool) {
	job := status.Components.Job
	observed := in.Observation
	switch {
	case !heardOf(observed, job) || observed.AnsweredAt.IsZero() && !observed.Silent:
		recorded := meta.FindStatusCondition(status.Conditions, v1beta1.ConditionReady)
		return verdict{metav1.ConditionUnknown, "JobManagerSilent", "the JobManager has not answered yet"}, recorded == nil
	case !observed.Reachable && in.Children.JobManagerLeaving():
		return verdict{metav1.ConditionUnknown, "JobManagerLeaving", "the pod of the JobManager is being deleted and has not ended; if its node is gone, " +
			"delete the Node or taint it with node.kubernetes.io/out-of-service"}, true
	case !observed.Reachable:
		return verdict{metav1.ConditionUnknown, "JobManagerSilent", "the JobManager runs and does not answer"}, true
	case observed.Job != nil && observed.Job.AllTasksRunning():
		return yes("JobRunning", "all tasks of the job are running"), true
	case observed.Job != nil:
		return no("TasksNotRunning", inFlink(in, job)), true
	}
	return no("JobNotListed", "the JobManager does not list the job"), true
}

// deployingVerdict names the exception that keeps a job from coming up, if there is one.
func deployingVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) (verdict, bool) {
	const reason = "Job" + string(v1beta1.JobStateDeploying)
	observed := in.Observation
	if heard := heardOf(observed, status.Components.Job) && !observed.AnsweredAt.IsZero(); !heard {
		recorded := meta.FindStatusCondition(status.Conditions, v1beta1.ConditionReady)
		return no(reason, ""), recorded == nil || recorded.Reason != reason
	}
	if len(observed.Exceptions) == 0 {
		return no(reason, ""), true
	}
	return no(reason, inFlink(in, status.Components.Job)), true
}

// inFlink says how Flink sees a job that does not run with all its tasks, and the newest exception: Flink may be
// restarting it by itself, again and again.
func inFlink(in ClusterInput, job *v1beta1.JobStatus) string {
	observed := in.Observation
	if !heardOf(observed, job) || observed.Job == nil || observed.Job.Status.Terminal() {
		return ""
	}
	text := "Flink reports the job as " + boundText(string(observed.Job.Status), 32) + ", and not all its tasks are running"
	if len(observed.Exceptions) > 0 {
		text += "; the newest exception: " + observed.Exceptions[0]
	}
	return text
}

// progressingVerdict says what the operator is bringing about, and what it waits for.
func progressingVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) verdict {
	switch status.Lifecycle {
	case v1beta1.LifecycleCreating, v1beta1.LifecycleRestarting, v1beta1.LifecycleStopping, v1beta1.LifecycleUpgrading, v1beta1.LifecycleSuspending,
		v1beta1.LifecycleRollingBack:
		return yes(string(status.Lifecycle), joinTexts(transitionStep(status.Components.Job), waitsFor(in, status)))
	case v1beta1.LifecycleDeleting:
		return deletingVerdict(in, status)
	case v1beta1.LifecycleRunning, v1beta1.LifecycleRolledBack, v1beta1.LifecycleSuspended, v1beta1.LifecycleStopped, v1beta1.LifecycleFinished, v1beta1.LifecycleFailed:
	}
	if waiting, message := waitingTransition(in, status); waiting.wait != "" && waiting.reason == "" {
		return yes("TransitionWaiting", message)
	}
	return no(reasonAsExpected, "")
}

func joinTexts(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), "; ")
}

// transitionStep says how far an upgrade or the like has come, and since when it is on its way.
func transitionStep(job *v1beta1.JobStatus) string {
	if job == nil || job.Transition == nil {
		return ""
	}
	transition := job.Transition
	step := "the next run starts"
	switch {
	case job.State == v1beta1.JobStateUpdating, job.State == v1beta1.JobStateSuspending:
		step = "the pods of the last run are removed"
	case transition.Attempt == job.Attempt && transition.Mode == v1beta1.UpgradeModeSavepoint && transition.Savepoint == "":
		step = "the job is stopped with a savepoint"
	case transition.Attempt == job.Attempt && transition.KeepsMetadata:
		step = "the pods of the run are removed"
	case transition.Attempt == job.Attempt:
		step = "the job is cancelled"
	}
	return strings.ToLower(string(transition.Purpose)) + " by " + string(transition.Mode) + " since " +
		transition.StartTime.UTC().Format(time.RFC3339) + ": " + step
}

// waitingTransition says what an upgrade or the like of a job that runs waits for before it begins.
func waitingTransition(in ClusterInput, status *v1beta1.FlinkClusterStatus) (stopChoice, string) {
	if !jobActive(status.Components.Job) {
		return stopChoice{}, ""
	}
	pass := newJobPass(in, status)
	purpose := pass.wish()
	if purpose == "" || pass.stopping() != nil {
		return stopChoice{}, ""
	}
	stop := pass.chooseStop(purpose, pass.runObservation())
	what := strings.ToLower(string(purpose))
	if purpose == v1beta1.TransitionUpgrade {
		what += " (" + strings.Join(in.Changed, ", ") + ")"
	}
	return stop, what + " waits: " + stop.wait
}

// waitsFor tells a person what holds things up: pods that cannot start, or old ones that have not gone.
func waitsFor(in ClusterInput, status *v1beta1.FlinkClusterStatus) string {
	attempt := runNumber(status)
	if job := status.Components.Job; job != nil {
		if job.State == v1beta1.JobStateRestarting && job.NextStartTime != nil && in.Now.Before(job.NextStartTime.Time) {
			return "the next run starts at " + job.NextStartTime.UTC().Format(time.RFC3339)
		}
		switch job.State {
		case v1beta1.JobStateRestarting, v1beta1.JobStateUpdating, v1beta1.JobStateSuspending:
			attempt++
		default:
		}
	}
	var reasons []string
	for _, pod := range in.Children.Pods {
		switch {
		case pod.Attempt == attempt && pod.Waiting != "":
			reasons = append(reasons, "pod "+pod.Name+" waits: "+pod.Waiting)
		case pod.Attempt != attempt && !pod.Terminated:
			reasons = append(reasons, "pod "+pod.Name+" of the run before has to go")
		}
	}
	slices.Sort(reasons)
	return strings.Join(reasons[:min(len(reasons), 3)], "; ")
}

func degradedVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) verdict {
	if len(in.Children.Foreign) > 0 {
		return yes("NameCollision", strings.Join(in.Children.Foreign, ", ")+" exists and belongs to somebody else; delete or rename it, or choose another name for the cluster")
	}
	if len(in.Children.Refused) > 0 {
		return yes("ObjectRefused", strings.Join(in.Children.Refused, "; "))
	}
	job := status.Components.Job
	if job == nil || deleting(in.Cluster) {
		return no(reasonAsExpected, "")
	}
	pass := newJobPass(in, status)
	if waiting, message := waitingTransition(in, status); waiting.reason != "" {
		return yes(waiting.reason, message)
	}
	if refused := refusedStart(pass); refused.refusal != "" {
		return yes(refused.reason, joinTexts(boundReasons(append([]string{refused.refusal}, job.FailureReasons...))...))
	}
	if job.State == v1beta1.JobStateFailed || job.State == v1beta1.JobStateLost {
		if point := pass.restartRefusal(); point.refusal != "" {
			return yes(point.reason, strings.Join(boundReasons(append([]string{point.refusal}, job.FailureReasons...)), "; "))
		}
	}
	for _, found := range []verdict{restoredVerdict(in, status), crashLoop(in, job)} {
		if found.status == metav1.ConditionTrue {
			return found
		}
	}
	if failed, some := failedUpgradeVerdict(in, status.Revision); some {
		return failed
	}
	return no(reasonAsExpected, "")
}

// restoredVerdict tells of a job that was started from something else than its newest state.
func restoredVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) verdict {
	job := status.Components.Job
	if message := restoreMismatch(in, status); message != "" {
		return yes(reasonRestoreMismatch, message)
	}
	if len(job.MissingSnapshots) > 0 && job.FromSavepoint != "" && !slices.Contains(job.MissingSnapshots, job.FromSavepoint) {
		return yes("RestoredOlderState", "the job was started from "+job.FromSavepoint+", because what should have been restored is missing: "+strings.Join(job.MissingSnapshots, ", "))
	}
	return no(reasonAsExpected, "")
}

// crashLoop tells of a job that is started again and again: by the operator, or with high availability in its place by the kubelet.
func crashLoop(in ClusterInput, job *v1beta1.JobStatus) verdict {
	pod := in.Children.jobManagerPod(job.Attempt)
	switch {
	case jobActive(job) && pod != nil && strings.Contains(pod.Waiting, "CrashLoopBackOff"):
		return yes("CrashLoop", "the JobManager ends again and again; the last time: "+strings.Join(lastWords(pod), "; "))
	case job.ConsecutiveFailures >= crashLoopFailures:
		return yes("CrashLoop", "the job failed several times in a row; the last time: "+strings.Join(job.FailureReasons, "; "))
	}
	return no(reasonAsExpected, "")
}

// refusedStart says why a job that does not run cannot be started, though the spec asks for it.
func refusedStart(pass *jobPass) restorePoint {
	purpose := pass.wish()
	switch {
	case pass.job.State == v1beta1.JobStateSuspended && pass.job.Attempt > 0 && purpose != v1beta1.TransitionSuspend:
		return pass.restorePointFor(v1beta1.TransitionResume)
	case purpose != "" && purpose != v1beta1.TransitionSuspend && jobEnded(pass.job):
		return pass.restorePointFor(purpose)
	}
	return restorePoint{}
}

// restoreMismatch compares what Flink says it restored with what was asked for.
func restoreMismatch(in ClusterInput, status *v1beta1.FlinkClusterStatus) string {
	job, observed := status.Components.Job, in.Observation
	if job.State != v1beta1.JobStateRunning {
		return ""
	}
	if !heardOf(observed, job) || observed.Checkpoints == nil {
		// Nothing has been heard yet: what was found before stands.
		if recorded := meta.FindStatusCondition(status.Conditions, v1beta1.ConditionDegraded); recorded != nil && recorded.Reason == reasonRestoreMismatch {
			return recorded.Message
		}
		return ""
	}
	if job.HighAvailability != nil && job.HighAvailability.CheckpointID > 0 {
		return metadataMismatch(job, observed.Checkpoints.Restored)
	}
	asked, restored := orNothing(job.FromSavepoint), orNothing("")
	if snapshot := observed.Checkpoints.Restored; snapshot != nil {
		// After a failover inside the run Flink names the snapshot of this run that it went back to.
		if ofRun(status, observed.Checkpoints, job.ID, snapshot.Location) {
			return ""
		}
		restored = orNothing(snapshot.Location)
	}
	if sameLocation(asked, restored) {
		return ""
	}
	return "the job was to start from " + asked + ", and Flink reports that it started from " + restored
}

// ofRun says whether a snapshot was made by the run: a checkpoint has the job id in its path, a savepoint is in the
// history, or in the statistics and about to be recorded.
func ofRun(status *v1beta1.FlinkClusterStatus, statistics *flink.CheckpointStatistics, jobID, location string) bool {
	if strings.Contains(location, jobID) {
		return true
	}
	if record := recordOf(status, location); record != nil {
		return record.JobID == jobID
	}
	return slices.ContainsFunc(statistics.Savepoints(), func(savepoint flink.Snapshot) bool { return sameLocation(savepoint.Location, location) })
}

func orNothing(location string) string {
	if location == "" {
		return "nothing"
	}
	return location
}

// setSavepointHealth keeps the condition of the savepoint loop.
func setSavepointHealth(status *v1beta1.FlinkClusterStatus, generation int64, now time.Time) {
	v := yes(reasonAsExpected, "")
	if slot := status.Savepoint; slot != nil {
		switch slot.State {
		case v1beta1.SavepointStateFailed:
			v = no("SavepointFailed", slot.Message)
		case v1beta1.SavepointStateRequested, v1beta1.SavepointStateInProgress:
			// The last result stands until the next.
			if meta.FindStatusCondition(status.Conditions, v1beta1.ConditionSavepointHealthy) != nil {
				return
			}
		case v1beta1.SavepointStateSucceeded:
			v = yes("SavepointSucceeded", "")
		}
	}
	setCondition(status, generation, now, v1beta1.ConditionSavepointHealthy, v)
}
