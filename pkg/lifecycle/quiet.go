package lifecycle

import (
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// progressInterval is how often mere progress is written: while a cluster comes up, its objects appear and become
// ready one by one, and a write for each would be most of what a start costs.
const progressInterval = 10 * time.Second

// postpone says for how long a change of the status may wait: it tells of progress only, and the last write was a
// moment ago. It is zero for a change of meaning, which is written at once with the progress made until then.
func postpone(recorded, wanted *v1beta1.FlinkClusterStatus, now time.Time) time.Duration {
	if recorded.LastUpdateTime == nil {
		return 0
	}
	wait := recorded.LastUpdateTime.Add(progressInterval).Sub(now)
	if wait <= 0 || wait > progressInterval || apiequality.Semantic.DeepEqual(recorded, wanted) {
		return 0
	}
	if !apiequality.Semantic.DeepEqual(recorded, withoutProgress(recorded, wanted)) {
		return 0
	}
	return wait
}

// withoutProgress is the wanted status with what is mere progress left as it is recorded. A loss is no progress.
func withoutProgress(recorded, wanted *v1beta1.FlinkClusterStatus) *v1beta1.FlinkClusterStatus {
	rest := wanted.DeepCopy()
	before, after := &recorded.Components, &rest.Components
	rest.FlinkVersion = recorded.FlinkVersion
	after.ConfigMap, after.JobManagerService = before.ConfigMap, before.JobManagerService
	if before.TaskManager == nil || after.TaskManager != nil && after.TaskManager.ReadyReplicas >= before.TaskManager.ReadyReplicas {
		after.TaskManager = before.TaskManager
	}
	// That the JobManager of a run was seen is more than progress: its absence means its end from then on.
	if before.JobManager != nil && after.JobManager != nil && after.JobManager.State != v1beta1.ComponentStateDeleted &&
		after.JobManager.ReadyReplicas >= before.JobManager.ReadyReplicas {
		after.JobManager = before.JobManager
	}
	if before.Job != nil && after.Job != nil && after.Job.State == v1beta1.JobStateDeploying {
		after.Job.Name = before.Job.Name
		rest.State = recorded.State
	}
	return rest
}
