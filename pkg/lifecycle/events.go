package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// maxEventLength is the bound of an event's message (events.k8s.io/v1, note).
const maxEventLength = 1000

// Events returns one event for each change of meaning between two statuses. It is asked after the newer one was
// stored, so that an event never tells what did not come true.
func Events(old, updated *v1beta1.FlinkCluster) []v1beta1.Event {
	collected := &collector{}
	collected.conditions(&old.Status, &updated.Status)
	collected.control(old.Status.Control, updated.Status.Control)
	collected.savepoint(old.Status.Savepoint, updated.Status.Savepoint)
	collected.externalSavepoints(&old.Status, &updated.Status)
	collected.rollback(&old.Status, &updated.Status)
	collected.disposals(&old.Status, &updated.Status)
	collected.transition(old.Status.Components.Job, updated.Status.Components.Job)
	collected.job(old.Status.Components.Job, updated.Status.Components.Job)
	if updated.Status.State == v1beta1.ClusterStateStopped && old.Status.State != updated.Status.State {
		collected.normal(v1beta1.EventClusterStopped, "the cluster is stopped; its objects were removed by the cleanup policy")
	}
	return collected.events
}

type collector struct {
	events []v1beta1.Event
}

func (c *collector) normal(reason v1beta1.EventReason, message string) {
	c.events = append(c.events, v1beta1.Event{Type: corev1.EventTypeNormal, Reason: reason, Message: boundText(message, maxEventLength)})
}

func (c *collector) warning(reason v1beta1.EventReason, message string) {
	c.events = append(c.events, v1beta1.Event{Type: corev1.EventTypeWarning, Reason: reason, Message: boundText(message, maxEventLength)})
}

func (c *collector) conditions(old, updated *v1beta1.FlinkClusterStatus) {
	if valid := changedCondition(old, updated, v1beta1.ConditionSpecValid, metav1.ConditionFalse); valid != nil {
		c.warning(v1beta1.EventSpecInvalid, valid.Message)
	}
	// That a job failed for good has an event of its own, and so has an upgrade that failed.
	if degraded := changedCondition(old, updated, v1beta1.ConditionDegraded, metav1.ConditionTrue); degraded != nil && !slices.Contains([]string{reasonNeverRestarts, reasonUpgradeFailed, reasonRolledBack}, degraded.Reason) {
		c.warning(v1beta1.EventDegraded, degraded.Reason+": "+degraded.Message)
	}
}

// changedCondition returns a condition that has the status now and had not, or had it for another reason.
func changedCondition(old, updated *v1beta1.FlinkClusterStatus, conditionType string, wanted metav1.ConditionStatus) *metav1.Condition {
	is := meta.FindStatusCondition(updated.Conditions, conditionType)
	was := meta.FindStatusCondition(old.Conditions, conditionType)
	if is == nil || is.Status != wanted || was != nil && was.Status == wanted && was.Reason == is.Reason && was.ObservedGeneration == is.ObservedGeneration {
		return nil
	}
	return is
}

func (c *collector) control(old, updated *v1beta1.ControlStatus) {
	if updated == nil || old != nil && old.Request == updated.Request && old.State == updated.State {
		return
	}
	switch updated.State {
	case v1beta1.ControlStateSucceeded:
		c.normal(v1beta1.EventControlSucceeded, "user control "+updated.Name+" succeeded")
	case v1beta1.ControlStateFailed:
		if len(updated.Details) == 0 {
			c.warning(v1beta1.EventControlRefused, "user control "+updated.Name+" refused: "+updated.Message)
			return
		}
		c.warning(v1beta1.EventControlFailed, "user control "+updated.Name+" failed: "+updated.Message)
	case v1beta1.ControlStateRequested, v1beta1.ControlStateInProgress:
	}
}

func (c *collector) savepoint(old, updated *v1beta1.SavepointStatus) {
	if updated == nil || old != nil && old.TriggerID == updated.TriggerID && old.State == updated.State {
		return
	}
	what := fmt.Sprintf("savepoint %s (%s)", updated.TriggerID, updated.TriggerReason)
	switch updated.State {
	case v1beta1.SavepointStateRequested:
		c.normal(v1beta1.EventSavepointRequested, what+" requested")
	case v1beta1.SavepointStateInProgress:
		c.normal(v1beta1.EventSavepointTriggered, what+" triggered")
	case v1beta1.SavepointStateSucceeded:
		c.normal(v1beta1.EventSavepointSucceeded, what+" completed: "+updated.Location)
	case v1beta1.SavepointStateFailed:
		c.warning(v1beta1.EventSavepointFailed, what+" failed: "+updated.Message)
	}
}

func (c *collector) externalSavepoints(old, updated *v1beta1.FlinkClusterStatus) {
	known := map[string]bool{}
	for _, record := range old.SavepointHistory {
		known[record.Location] = true
	}
	for _, record := range updated.SavepointHistory {
		if record.Reason == v1beta1.SavepointReasonExternal && !known[record.Location] {
			c.normal(v1beta1.EventSavepointFound, "a savepoint taken past the operator was found: "+record.Location)
		}
	}
}

func (c *collector) job(old, updated *v1beta1.JobStatus) {
	if updated == nil || old != nil && old.State == updated.State && old.Attempt == updated.Attempt {
		return
	}
	c.rest(old, updated)
	run := fmt.Sprintf("run %d of the job (%s)", updated.Attempt, updated.ID)
	because := ": " + strings.Join(updated.FailureReasons, "; ")
	switch updated.State {
	case v1beta1.JobStateDeploying:
		c.normal(v1beta1.EventJobStarting, run+" "+startsFrom(old, updated))
	case v1beta1.JobStateRunning:
		c.normal(v1beta1.EventJobRunning, run+": all tasks are running")
	case v1beta1.JobStateRestarting:
		c.normal(v1beta1.EventJobRestarting, run+" has ended; the next one is being prepared")
	case v1beta1.JobStateSucceeded:
		c.normal(v1beta1.EventJobSucceeded, run+" finished")
	case v1beta1.JobStateCancelled:
		c.normal(v1beta1.EventJobCancelled, "the job was cancelled")
	case v1beta1.JobStateFailed:
		c.warning(v1beta1.EventJobFailed, run+" failed"+because)
	case v1beta1.JobStateLost:
		c.warning(v1beta1.EventJobLost, run+" was lost"+because)
	case v1beta1.JobStatePending, v1beta1.JobStateUpdating, v1beta1.JobStateSuspending, v1beta1.JobStateSuspended:
	}
}

// startsFrom says what a run goes on from, and why it is not the metadata that was kept for it.
func startsFrom(old, updated *v1beta1.JobStatus) string {
	ha := updated.HighAvailability
	if ha != nil && ha.CheckpointID > 0 {
		return fmt.Sprintf("goes on from its high-availability metadata, with checkpoint %d", ha.CheckpointID)
	}
	text := "starts from " + orNothing(updated.FromSavepoint)
	if old == nil || old.HighAvailability == nil || old.HighAvailability.Metadata == "" || updated.FirstAttempt == updated.Attempt {
		return text
	}
	if old.HighAvailability.Metadata == v1beta1.MetadataMissing || old.Transition != nil && old.Transition.KeepsMetadata {
		return text + ", and not from the high-availability metadata of the run before, which is gone or does not fit"
	}
	return text
}

// rest tells of a job that is suspended, and of one that is no longer.
func (c *collector) rest(old, updated *v1beta1.JobStatus) {
	switch {
	case updated.State == v1beta1.JobStateSuspended:
		c.normal(v1beta1.EventJobSuspended, "the job is suspended; no pods are left")
	case updated.State == v1beta1.JobStateUpdating && old != nil && old.State == v1beta1.JobStateSuspended:
		c.normal(v1beta1.EventJobResumed, "the job is resumed")
	}
}

// transition tells of upgrades and the like, from their beginning to the run that they lead to.
func (c *collector) transition(old, updated *v1beta1.JobStatus) {
	if old == nil || updated == nil {
		return
	}
	before, after := old.Transition, updated.Transition
	c.deletion(old, updated)
	switch {
	case deletionBegun(after):
	case after != nil && after.Attempt == updated.Attempt && (before == nil || before.Attempt != after.Attempt || before.Purpose != after.Purpose):
		c.normal(v1beta1.EventTransitionStarted, transitionStarts(after))
	case before != nil && after == nil && updated.State == v1beta1.JobStateRunning && before.Attempt < updated.Attempt:
		c.normal(v1beta1.EventTransitionFinished, fmt.Sprintf("%s finished: run %d of the job runs", strings.ToLower(string(before.Purpose)), updated.Attempt))
	}
	if updated.FirstAttempt > old.FirstAttempt {
		c.warning(v1beta1.EventStateDiscarded, fmt.Sprintf("run %d starts from %s, as the spec asks; the state of the job so far is not used",
			updated.Attempt, orNothing(updated.FromSavepoint)))
	}
}

// rollback tells of an upgrade that failed, and of the revision that was put in force again.
func (c *collector) rollback(old, updated *v1beta1.FlinkClusterStatus) {
	before, after := old.Revision, updated.Revision
	switch {
	case rollingBack(after) && before.Failed != after.Failed:
		c.warning(v1beta1.EventUpgradeFailed, "the upgrade to "+after.Failed+" failed: "+after.FailureReason)
	case rollingBack(before) && rolledBack(after) && before.Failed == after.Failed:
		c.warning(v1beta1.EventRolledBack, after.Current+" is in force again, and "+after.Failed+" is not tried again")
	}
}

func transitionStarts(transition *v1beta1.JobTransition) string {
	how := map[v1beta1.UpgradeMode]string{
		v1beta1.UpgradeModeSavepoint: "the job is stopped with a savepoint",
		v1beta1.UpgradeModeLastState: "the job is cancelled, and will go on from its newest state",
		v1beta1.UpgradeModeStateless: "the job is cancelled, and its state will not be used",
	}[transition.Mode]
	if transition.KeepsMetadata {
		how = "the pods are removed, and the job goes on from its high-availability metadata"
	}
	if transition.Savepoint != "" {
		how = "the job is cancelled, and will go on from the savepoint " + transition.Savepoint
	}
	return strings.ToLower(string(transition.Purpose)) + " by " + string(transition.Mode) + ": " + how
}
