package status

import (
	"fmt"
	"slices"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// Owner is one of the loops that write status.
type Owner string

// The owners.
const (
	Cluster   Owner = "Cluster"
	Savepoint Owner = "Savepoint"
	Control   Owner = "Control"
)

// OwnershipError says that a mutation changed what its owner must not change. It is a mistake in our own code.
type OwnershipError struct {
	Owner Owner
	// Fields are the paths that were changed, with a reason if it is not just that they belong to another.
	Fields []string
}

func (e *OwnershipError) Error() string {
	return fmt.Sprintf("loop %s must not change %s", e.Owner, strings.Join(e.Fields, ", "))
}

// field is a part of the status that has one owner.
type field struct {
	path  string
	owner Owner
	value func(status *v1beta1.FlinkClusterStatus) any
}

// What belongs to the savepoint loop and begins with the record of the job.
const (
	pathJobSavepoints    = "components.job (savepoint fields)"
	pathSavepointHealthy = "conditions[SavepointHealthy]"
)

// ownership is the table of who owns what. Two fields are not in it: savepoint, into which every owner may file a
// request (checkSlot), and lastUpdateTime, which is the updater's own. A test holds it against the API types.
func ownership() []field {
	type status = v1beta1.FlinkClusterStatus
	return []field{
		{"observedGeneration", Cluster, func(s *status) any { return s.ObservedGeneration }},
		{"state", Cluster, func(s *status) any { return s.State }},
		{"lifecycle", Cluster, func(s *status) any { return s.Lifecycle }},
		{"flinkVersion", Cluster, func(s *status) any { return s.FlinkVersion }},
		{"observedRestartNonce", Cluster, func(s *status) any { return s.ObservedRestartNonce }},
		{"revision", Cluster, func(s *status) any { return s.Revision }},
		{pathSavepointHealthy, Savepoint, savepointConditions},
		{"conditions", Cluster, otherConditions},
		{"components.configMap", Cluster, func(s *status) any { return s.Components.ConfigMap }},
		{"components.jobManager", Cluster, func(s *status) any { return s.Components.JobManager }},
		{"components.jobManagerService", Cluster, func(s *status) any { return s.Components.JobManagerService }},
		{"components.taskManager", Cluster, func(s *status) any { return s.Components.TaskManager }},
		{pathJobSavepoints, Savepoint, jobSavepointFields},
		{"components.job", Cluster, jobOtherFields},
		{"forgottenSavepoint", Savepoint, func(s *status) any { return s.ForgottenSavepoint }},
		{"savepointHistory", Savepoint, func(s *status) any { return s.SavepointHistory }},
		{"control", Control, func(s *status) any { return s.Control }},
	}
}

func savepointConditions(status *v1beta1.FlinkClusterStatus) any {
	return conditionsByType(status, func(name string) bool { return name == v1beta1.ConditionSavepointHealthy })
}

func otherConditions(status *v1beta1.FlinkClusterStatus) any {
	return conditionsByType(status, func(name string) bool { return name != v1beta1.ConditionSavepointHealthy })
}

// conditionsByType leaves out the order of the conditions: it means nothing, and any owner's insertion changes it.
func conditionsByType(status *v1beta1.FlinkClusterStatus, wanted func(string) bool) map[string]metav1.Condition {
	conditions := map[string]metav1.Condition{}
	for _, condition := range status.Conditions {
		if wanted(condition.Type) {
			conditions[condition.Type] = condition
		}
	}
	return conditions
}

// jobSavepointFields is what the savepoint loop may change of the job.
func jobSavepointFields(status *v1beta1.FlinkClusterStatus) any {
	job := status.Components.Job
	if job == nil {
		return v1beta1.JobStatus{}
	}
	return v1beta1.JobStatus{
		SavepointGeneration:           job.SavepointGeneration,
		SavepointLocation:             job.SavepointLocation,
		LastSavepointTriggerID:        job.LastSavepointTriggerID,
		LastSavepointTime:             job.LastSavepointTime,
		ObservedSavepointGeneration:   job.ObservedSavepointGeneration,
		ObservedSavepointTriggerNonce: job.ObservedSavepointTriggerNonce,
	}
}

// jobOtherFields is the rest of the job, and whether there is one.
func jobOtherFields(status *v1beta1.FlinkClusterStatus) any {
	if status.Components.Job == nil {
		return (*v1beta1.JobStatus)(nil)
	}
	job := *status.Components.Job
	job.SavepointGeneration = 0
	job.SavepointLocation = ""
	job.LastSavepointTriggerID = ""
	job.LastSavepointTime = nil
	job.ObservedSavepointGeneration = 0
	job.ObservedSavepointTriggerNonce = nil
	return &job
}

// checkOwnership returns an OwnershipError if owner must not make the change from before to after.
func (u *Updater) checkOwnership(owner Owner, before, after *v1beta1.FlinkClusterStatus) error {
	var violated []string
	for _, field := range u.fields {
		// The cluster loop makes the record of the job, with what the spec says at that moment.
		if owner == Cluster && before.Components.Job == nil && slices.Contains([]string{pathJobSavepoints, pathSavepointHealthy}, field.path) {
			continue
		}
		if field.owner != owner && !apiequality.Semantic.DeepEqual(field.value(before), field.value(after)) {
			violated = append(violated, "status."+field.path)
		}
	}
	if reason := checkSlot(owner, before.Savepoint, after.Savepoint); reason != "" {
		violated = append(violated, "status.savepoint ("+reason+")")
	}
	if len(violated) == 0 {
		return nil
	}
	slices.Sort(violated)
	return &OwnershipError{Owner: owner, Fields: violated}
}

// checkSlot guards the one savepoint slot of a job; it returns what is wrong with a change of it. Whoever it is, a
// request is filed into a free slot only and gets the next number, so that none is ever lost or counted twice. Only
// the savepoint loop moves a request on.
func checkSlot(owner Owner, before, after *v1beta1.SavepointStatus) string {
	if apiequality.Semantic.DeepEqual(before, after) {
		return ""
	}
	if after == nil {
		return "a request must not be removed"
	}
	var number int64
	if before != nil {
		number = before.Request
	}
	if after.Request == number && before != nil {
		switch {
		case owner != Savepoint:
			return "only the savepoint loop moves a request on"
		case SlotFree(before) && !SlotFree(after):
			return "a request that has ended is not opened again"
		default:
			return ""
		}
	}
	switch {
	case !SlotFree(before):
		return "the slot is taken"
	case after.Request != number+1:
		return fmt.Sprintf("the next request has number %d, not %d", number+1, after.Request)
	case after.State != v1beta1.SavepointStateRequested:
		return "a new request begins as Requested"
	default:
		return ""
	}
}

// SlotFree tells whether a savepoint may be requested: there was none yet, or the last one has ended.
func SlotFree(savepoint *v1beta1.SavepointStatus) bool {
	return savepoint == nil ||
		savepoint.State == v1beta1.SavepointStateSucceeded ||
		savepoint.State == v1beta1.SavepointStateFailed
}
