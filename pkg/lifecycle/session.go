package lifecycle

import (
	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// stepSession brings a session cluster to the newest spec. Its jobs are not the operator's: an upgrade removes the pods and
// makes new ones, and with high availability Flink itself brings the jobs back. The pods of a rollout bear its number, as those
// of a job bear that of the run, so none of the last is left when the first of the next is made.
func stepSession(in ClusterInput, status *v1beta1.FlinkClusterStatus) Plan {
	first := in.Cluster.Status.Revision.Current == ""
	restart := nonceChanged(in.Cluster.Spec.RestartNonce, status.ObservedRestartNonce)
	if !first && (in.NextRevision != "" || restart) {
		status.Revision.Rollout++
		status.State = v1beta1.ClusterStateUpdating
	}
	if in.NextRevision != "" {
		status.Revision.Current, status.Revision.Next = in.NextRevision, ""
	}
	status.ObservedRestartNonce = in.Cluster.Spec.RestartNonce
	return planSession(in.Children, status.Revision.Rollout)
}

func planSession(children Children, rollout int32) Plan {
	plan := Plan{ConfigMap: Apply, Service: Apply, JobManager: Apply, TaskManager: Apply}
	if children.clearFor(rollout) {
		return plan
	}
	stale := func(workload Workload) bool { return workload.Exists && workload.Attempt != rollout }
	plan.JobManager, plan.TaskManager = Leave, Leave
	if stale(children.JobManager) {
		plan.JobManager = Delete
	}
	if stale(children.TaskManager) {
		plan.TaskManager = Delete
	}
	return plan
}
