package lifecycle

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

var conditionReason = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// invalidity says what is impossible about a status; empty if nothing is.
func invalidity(status *v1beta1.FlinkClusterStatus) string {
	var found []string
	check := func(holds bool, format string, args ...any) {
		if !holds {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	whole := func(name string, stamps ...*metav1.Time) {
		for _, stamp := range stamps {
			check(stamp == nil || stamp.Equal(new(metav1.NewTime(stamp.Truncate(time.Second)))), "%s has a part of a second", name)
			check(stamp == nil || !stamp.IsZero(), "%s is null", name)
		}
	}
	if job := status.Components.Job; job != nil {
		checkJob(check, job)
		whole("job", job.DeployTime, job.StartTime, job.CompletionTime, job.NextStartTime, job.LastSavepointTime)
		if job.LastCheckpoint != nil {
			whole("lastCheckpoint", &job.LastCheckpoint.Time)
		}
	}
	if revision := status.Revision; revision.Failed != "" {
		check(revision.Stable != "" && revision.Stable != revision.Failed, "%s failed, and %q was stable", revision.Failed, revision.Stable)
		check(revision.FailureReason != "", "nobody knows why %s failed", revision.Failed)
	}
	if slot := status.Savepoint; slot != nil {
		checkSlot(check, slot)
		whole("savepoint", slot.RequestTime, slot.TriggerTime, slot.CompletionTime)
	}
	if control := status.Control; control != nil {
		check(slices.Contains([]v1beta1.ControlState{"Requested", "InProgress", "Succeeded", "Failed"}, control.State), "control state %s", control.State)
		check(control.Request > 0, "control without a number")
		check(control.UpdateTime != nil, "control without time")
		check(control.State != v1beta1.ControlStateInProgress || control.Details[v1beta1.ControlDetailJobID] != "", "control in progress without a job")
		whole("control", control.UpdateTime)
	}
	check(len(status.SavepointHistory) <= maxSavepointHistory, "history of %d", len(status.SavepointHistory))
	for _, record := range status.SavepointHistory {
		check(record.Location != "", "record without location")
		whole("record", &record.Time)
	}
	seen := map[string]bool{}
	for _, condition := range status.Conditions {
		check(!seen[condition.Type], "condition %s twice", condition.Type)
		seen[condition.Type] = true
		check(conditionReason.MatchString(condition.Reason), "condition %s has reason %q", condition.Type, condition.Reason)
		check(len(condition.Message) <= 32768, "condition %s is too long", condition.Type)
		whole("condition", &condition.LastTransitionTime)
	}
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprint(found)
}

func checkJob(check func(bool, string, ...any), job *v1beta1.JobStatus) {
	ended := false
	switch job.State {
	case v1beta1.JobStatePending:
		check(job.Attempt == 0 && job.ID == "", "pending with a run")
	case v1beta1.JobStateDeploying, v1beta1.JobStateRunning:
		check(job.Attempt > 0 && job.ID == JobID(testUID, job.Attempt), "%s without a run", job.State)
		check(job.CompletionTime == nil && job.NextStartTime == nil, "%s with an end", job.State)
		check((job.StartTime != nil) == (job.State == v1beta1.JobStateRunning), "%s and start time %s", job.State, job.StartTime)
	case v1beta1.JobStateUpdating:
		ended = true
		check(job.Transition != nil && job.Transition.Attempt == job.Attempt, "updating without a transition")
	case v1beta1.JobStateRestarting, v1beta1.JobStateSucceeded, v1beta1.JobStateCancelled, v1beta1.JobStateFailed, v1beta1.JobStateLost:
		ended = true
		check(job.Attempt == 0 && job.ID == "" || job.ID == JobID(testUID, job.Attempt), "%s of a strange run", job.State)
	default:
		check(false, "job state %s", job.State)
	}
	check(ended == (job.CompletionTime != nil), "%s and completion time %s", job.State, job.CompletionTime)
	check(job.State != v1beta1.JobStateCancelled || job.CancelledBy != "", "cancelled by nobody")
	check(len(job.FailureReasons) <= maxReasons, "%d reasons", len(job.FailureReasons))
	check(len(job.MissingSnapshots) <= 10, "%d missing snapshots", len(job.MissingSnapshots))
	check(job.ConsecutiveFailures >= 0 && job.RestartCount >= 0 && job.SavepointGeneration >= 0, "a negative count")
	check(job.SavepointGeneration == 0 || job.SavepointLocation != "" && job.LastSavepointTime != nil && job.LastSavepointTriggerID != "", "a generation without a savepoint")
}

func checkSlot(check func(bool, string, ...any), slot *v1beta1.SavepointStatus) {
	check(slices.Contains([]v1beta1.SavepointState{"Requested", "InProgress", "Succeeded", "Failed"}, slot.State), "savepoint state %s", slot.State)
	check(slot.Request > 0 && slot.TriggerID == TriggerID(testUID, slot.Request), "savepoint without its number")
	check(slot.RequestTime != nil && slot.JobID != "", "savepoint without time or job")
	check(SavepointBusy(slot) == (slot.CompletionTime == nil), "%s and completion time %s", slot.State, slot.CompletionTime)
	check((slot.State == v1beta1.SavepointStateSucceeded) == (slot.Location != ""), "%s at %q", slot.State, slot.Location)
	check(slot.State != v1beta1.SavepointStateInProgress || slot.TriggerTime != nil, "in progress and never triggered")
	check(slot.Stop == stops(slot.TriggerReason), "stop and reason %s", slot.TriggerReason)
	check(slot.State != v1beta1.SavepointStateFailed || slot.ConsecutiveFailures > 0, "failed and not counted")
}
