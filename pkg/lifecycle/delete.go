package lifecycle

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/flink"
)

// A deletion brings the job to its end, removes the pods and then the rest, and lets the FlinkCluster go. It is recorded as
// a transition. Nothing begins any more, and each step has a bound: when its time is up the next one comes, whatever Flink
// says or does not say.
//
//	deletion ──stop with savepoint──> ended ──> pods gone ──> ConfigMap and Service removed, finalizer removed
//	   └────────────cancel──────────>─┘

const (
	// deletionSavepointWait is how long a stop with savepoint may take, with the savepoint that it has to wait for.
	deletionSavepointWait = longestSavepoint
	// underWayWait is how long a savepoint that is under way is let go on before the job is cancelled.
	underWayWait = time.Minute
	// podsWait is how long a pod is waited for beyond its own time to end in. That of a lost node never goes.
	podsWait = 2 * time.Minute
)

// podsLeft is the message of a deletion that has waited for long enough.
const podsLeft = "not everything has gone in time; what is left is being deleted by Kubernetes"

// NeedsFinalizer says whether a deletion has something to do that Kubernetes does not do by itself.
func NeedsFinalizer(cluster *v1beta1.FlinkCluster) bool {
	return cluster.Spec.Job != nil || cluster.Spec.HighAvailability()
}

// Released says whether a cluster is being deleted and the operator has nothing more to do about it.
func Released(cluster *v1beta1.FlinkCluster) bool {
	return deleting(cluster) && !slices.Contains(cluster.Finalizers, v1beta1.Finalizer)
}

func deleting(cluster *v1beta1.FlinkCluster) bool { return cluster.DeletionTimestamp != nil }

func (p *jobPass) deleting() bool { return deleting(p.Cluster) }

// decideDeletion makes one pass over a cluster that is being deleted.
func decideDeletion(in ClusterInput, status *v1beta1.FlinkClusterStatus) ClusterDecision {
	if orphans(in) {
		// Who deletes with --cascade=orphan wants everything to go on.
		return ClusterDecision{Status: *status, Release: true}
	}
	decision := ClusterDecision{}
	ended := true
	if in.Cluster.Spec.Job != nil {
		pass := newJobPass(in, status)
		pass.stepDelete()
		ended = !pass.confirm && pass.endedForDeletion()
		decision.Confirm, decision.Effects, decision.RequeueAfter = pass.confirm, pass.effects, pass.requeue
	}
	if ended && !decision.Confirm {
		remove(in, status, &decision)
	}
	if decision.Confirm {
		return ClusterDecision{Status: *in.Cluster.Status.DeepCopy(), Confirm: true}
	}
	return conclude(in, status, decision)
}

// orphans says whether the objects of a cluster shall remain, or do not belong to it any more.
func orphans(in ClusterInput) bool {
	return slices.Contains(in.Cluster.Finalizers, metav1.FinalizerOrphanDependents) || in.Children.Orphaned
}

// remove says what is removed of a cluster whose job has ended: first what runs; when no pod is left, what the pods needed.
// What Kubernetes does not remove by itself belongs there too. Then the cluster is let go.
func remove(in ClusterInput, status *v1beta1.FlinkClusterStatus, decision *ClusterDecision) {
	waits, again, overdue := awaitsRemoval(in)
	switch {
	case waits:
		decision.Plan = Plan{JobManager: Delete, TaskManager: Delete}
		decision.RequeueAfter = earliest(decision.RequeueAfter, again)
		return
	case !in.Children.Confirmed:
		// A view that is behind does not show what was made a moment ago.
		decision.Confirm = true
		return
	}
	if job := status.Components.Job; overdue && job != nil && job.Transition != nil {
		job.Transition.Message = podsLeft
	}
	decision.Plan = Plan{ConfigMap: Delete, Service: Delete}
	if leavesMetadata(in.Cluster) {
		decision.Plan.AllMetadata = Delete
	}
	decision.Release = true
}

// leavesMetadata says whether a run of the cluster may have left metadata of high availability behind.
func leavesMetadata(cluster *v1beta1.FlinkCluster) bool {
	job := cluster.Status.Components.Job
	return cluster.Spec.HighAvailability() || job != nil && (job.HighAvailability != nil || len(job.FormerMetadata) > 0)
}

// awaitsRemoval says whether something that runs is still there and will go, when it is overdue, and whether anything is.
func awaitsRemoval(in ClusterInput) (waits bool, again time.Duration, overdue bool) {
	await := func(until time.Time) {
		wait := until.Sub(in.Now)
		waits, overdue = waits || wait > 0, overdue || wait <= 0
		again = earliest(again, max(wait, 0))
	}
	for _, workload := range []Object{in.Children.JobManager.Object, in.Children.TaskManager.Object} {
		switch {
		case !workload.Exists:
		case workload.Deleting:
			await(workload.DeletedAt.Add(podsWait))
		case len(in.Children.Refused) == 0:
			waits = true
		default:
			overdue = true
		}
	}
	for _, pod := range in.Children.Pods {
		switch {
		case pod.Attempt < 0 || pod.Loose:
		case pod.Deleting && !pod.GoneBy.IsZero():
			await(pod.GoneBy.Add(podsWait))
		default:
			waits = true
		}
	}
	return waits, again, overdue
}

// stepDelete records the deletion, and then brings a run that has not ended to its end.
func (p *jobPass) stepDelete() {
	transition := p.job.Transition
	switch {
	case !deletionBegun(transition) && !p.Children.Confirmed:
		// A view that is behind does not show that the objects have just been orphaned, which is to leave the job alone.
		p.confirm = true
	case !deletionBegun(transition):
		p.beginDeletion()
	case jobActive(p.job):
		p.requeue = max(p.deletionDeadline().Sub(p.Now), 0)
		p.stepRun()
	}
}

func deletionBegun(transition *v1beta1.JobTransition) bool {
	return transition != nil && transition.Purpose == v1beta1.TransitionDelete
}

// endedForDeletion says whether nothing of the job is waited for any more. The savepoint loop may still have to write down
// what became of a savepoint.
func (p *jobPass) endedForDeletion() bool {
	if jobActive(p.job) {
		return false
	}
	slot, ended, observed := p.status.Savepoint, p.job.CompletionTime, p.runObservation()
	if !SavepointBusy(slot) || slot.JobID != p.job.ID || ended == nil || observed.Silent && !observed.Reachable {
		return true
	}
	wait := maxTime(ended.Time, p.job.Transition.StartTime.Time).Add(silenceWait).Sub(p.Now)
	if wait > 0 {
		p.requeue = earliest(p.requeue, wait)
	}
	return wait <= 0
}

// deletionDeadline is when the run ends at the latest, or the stop with savepoint is given up.
func (p *jobPass) deletionDeadline() time.Time {
	if p.job.Transition.Mode == v1beta1.UpgradeModeSavepoint {
		return p.job.Transition.StartTime.Add(deletionSavepointWait)
	}
	return p.job.Transition.StartTime.Add(underWayWait + cancelWait)
}

// deletionOverdue says whether a deletion has waited for its job for long enough.
func (p *jobPass) deletionOverdue() bool {
	return p.deleting() && !p.Now.Before(p.deletionDeadline())
}

func (p *jobPass) beginDeletion() {
	transition := &v1beta1.JobTransition{
		Purpose: v1beta1.TransitionDelete, Mode: v1beta1.UpgradeModeStateless, StartTime: *p.stamp(), Attempt: p.job.Attempt,
	}
	if p.spec.DeletionPolicy == v1beta1.DeletionPolicySavepoint {
		if obstacle := p.deletionObstacle(); obstacle != "" {
			transition.Message = withoutSavepoint(obstacle)
		} else if jobActive(p.job) {
			transition.Mode = v1beta1.UpgradeModeSavepoint
		}
	}
	p.job.Transition = transition
}

func withoutSavepoint(why string) string {
	return boundText("no savepoint for the deletion: "+why, maxReasonLength)
}

// deletionObstacle says why a job is not stopped with a savepoint for its deletion; empty if it is, or needs none.
func (p *jobPass) deletionObstacle() string {
	stopping := p.stopping()
	switch p.job.State {
	case v1beta1.JobStateRunning:
	case v1beta1.JobStateDeploying, v1beta1.JobStateRestarting, v1beta1.JobStateFailed, v1beta1.JobStateLost:
		return "the job does not run, it is " + string(p.job.State)
	case v1beta1.JobStatePending, v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateSuspended,
		v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled:
		return ""
	}
	switch {
	case p.Cluster.Spec.SavepointDirectory() == "":
		return "no savepoint directory is known"
	case p.cancelAsked(), stopping != nil && (stopping.Mode != v1beta1.UpgradeModeSavepoint || stopping.Savepoint != ""):
		return "the job is being cancelled already"
	}
	return ""
}

// carryDeletion brings a run that has not ended to its end. A savepoint that is under way is let go on for a while.
func (p *jobPass) carryDeletion(observed flink.Observation) {
	transition := p.job.Transition
	if transition.Mode == v1beta1.UpgradeModeSavepoint {
		p.carryDeletionSavepoint(transition, observed)
		return
	}
	slot, since := p.status.Savepoint, transition.StartTime.Time
	until := since.Add(underWayWait)
	switch {
	case slot == nil || slot.JobID != p.job.ID || slot.TriggerReason == v1beta1.SavepointReasonJobDeletion:
	case SavepointBusy(slot) && p.Now.Before(until):
		if observed.Reachable || !observed.Silent {
			p.requeue = earliest(p.requeue, until.Sub(p.Now))
			return
		}
	case SavepointBusy(slot):
		since = until
	case slot.CompletionTime.After(since):
		since = slot.CompletionTime.Time
		if since.After(until) {
			since = until
		}
	}
	p.cancelRun(since, observed)
}

// carryDeletionSavepoint stops the run with a savepoint, once, and again if another JobManager has taken over and goes on with
// the job. What else keeps it from that has the run cancelled.
func (p *jobPass) carryDeletionSavepoint(transition *v1beta1.JobTransition, observed flink.Observation) {
	slot := p.status.Savepoint
	stop := slot != nil && slot.Stop && slot.JobID == p.job.ID
	silent := maxTime(transition.StartTime.Time, observed.AnsweredAt).Add(silenceWait)
	switch {
	case stop && slot.State == v1beta1.SavepointStateSucceeded:
		p.awaitStopped(slot, observed)
	case p.deletionOverdue():
		p.cancelForDeletion("it was not completed within " + deletionSavepointWait.String())
	case stop && slot.State == v1beta1.SavepointStateFailed && slot.TriggerReason == v1beta1.SavepointReasonJobDeletion && !askedOfAnother(slot, observed.Job):
		p.cancelForDeletion(slot.Message)
	case !observed.Reachable && observed.Silent:
		if p.Now.Before(silent) {
			p.requeue = earliest(p.requeue, silent.Sub(p.Now))
			return
		}
		p.cancelForDeletion("the JobManager does not answer")
		p.endForTransition()
	case SavepointBusy(slot), awaitedByControl(p.status), observed.Job == nil:
	case observed.Job.Status != flink.JobRunning:
		p.cancelForDeletion("the job does not run, Flink reports it as " + string(observed.Job.Status))
	default:
		p.status.Savepoint = newRequest(p.Cluster, p.status, observed, p.Now, v1beta1.SavepointReasonJobDeletion, p.Cluster.Spec.SavepointDirectory())
	}
}

// awaitStopped waits for the end of a run whose savepoint is there. What its JobManager says does not matter for long.
func (p *jobPass) awaitStopped(slot *v1beta1.SavepointStatus, observed flink.Observation) {
	wait := cancelWait
	if observed.Job == nil {
		wait = silenceWait
	}
	left := slot.CompletionTime.Add(wait).Sub(p.Now)
	if left <= 0 {
		p.endForTransition()
		return
	}
	p.requeue = earliest(p.requeue, left)
}

// cancelForDeletion has the run cancelled after all. That is recorded first.
func (p *jobPass) cancelForDeletion(why string) {
	transition := p.job.Transition
	transition.Mode, transition.StartTime, transition.Message = v1beta1.UpgradeModeStateless, *p.stamp(), withoutSavepoint(why)
}

// deletingVerdict says how far a deletion has come, since when, and what it waits for.
func deletingVerdict(in ClusterInput, status *v1beta1.FlinkClusterStatus) verdict {
	var step, message string
	job := status.Components.Job
	if job != nil && job.Transition != nil {
		message = job.Transition.Message
	}
	if jobActive(job) && message != podsLeft {
		step = deletionStep(job.Transition)
	}
	var left []string
	for _, pod := range in.Children.Pods {
		if step == "" && pod.Attempt >= 0 && !pod.Loose {
			left = append(left, "pod "+pod.Name+" has to go")
		}
	}
	slices.Sort(left)
	parts := append([]string{"deletion since " + in.Cluster.DeletionTimestamp.UTC().Format(time.RFC3339), message, step}, left[:min(len(left), 3)]...)
	return yes(string(v1beta1.LifecycleDeleting), joinTexts(parts...))
}

func deletionStep(transition *v1beta1.JobTransition) string {
	step := "the job is cancelled"
	if transition.Mode == v1beta1.UpgradeModeSavepoint {
		step = "the job is stopped with a savepoint"
	}
	return step + ", since " + transition.StartTime.UTC().Format(time.RFC3339)
}

// deletion tells of a deletion's beginning, and of what is given up on its way.
func (c *collector) deletion(old, updated *v1beta1.JobStatus) {
	before, after := old.Transition, updated.Transition
	if !deletionBegun(after) {
		return
	}
	begins := !deletionBegun(before)
	if begins {
		how := "nothing runs, and what is left is removed"
		if jobActive(updated) {
			how = deletionStep(after)
		}
		c.normal(v1beta1.EventDeletionStarted, "the FlinkCluster is being deleted: "+how)
	}
	if after.Message != "" && (begins || before.Message != after.Message) {
		c.warning(v1beta1.EventDeletionFallback, after.Message)
	}
}
