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
	rest := wanted.DeepCopy()
	rest.FlinkVersion = recorded.FlinkVersion
	rest.Components.ConfigMap = recorded.Components.ConfigMap
	rest.Components.JobManagerService = recorded.Components.JobManagerService
	if before, after := recorded.Components.TaskManager, rest.Components.TaskManager; before == nil || after != nil && after.ReadyReplicas >= before.ReadyReplicas {
		rest.Components.TaskManager = before
	}
	// That the JobManager of a run was seen is more than progress: its absence means its end from then on.
	if recorded.Components.JobManager != nil && rest.Components.JobManager != nil &&
		rest.Components.JobManager.State != v1beta1.ComponentStateDeleted &&
		rest.Components.JobManager.ReadyReplicas >= recorded.Components.JobManager.ReadyReplicas {
		rest.Components.JobManager = recorded.Components.JobManager
	}
	if before, after := recorded.Components.Job, rest.Components.Job; before != nil && after != nil && after.State == v1beta1.JobStateDeploying {
		after.Name = before.Name
		rest.State = recorded.State
	}
	if !apiequality.Semantic.DeepEqual(recorded, rest) {
		return 0
	}
	return wait
}
