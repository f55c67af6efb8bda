package v1beta1

// Annotations of a FlinkCluster.
const (
	// ControlAnnotation is the request of a user; its values are the Control constants.
	ControlAnnotation = "flinkclusters.flinkoperator.k8s.io/user-control"
	// ControlHandledAnnotation holds the number of the last request whose annotation the operator removed. It is
	// written in the same patch, so that an equal annotation set later is known to be a new request.
	ControlHandledAnnotation = "flinkclusters.flinkoperator.k8s.io/user-control-handled"
)

// Finalizer keeps a FlinkCluster with a job until the job has been stopped, and nothing of the cluster is left.
const Finalizer = "flinkclusters.flinkoperator.k8s.io/finalizer"

// Values of ControlAnnotation.
const (
	ControlSavepoint                 = "savepoint"
	ControlJobCancel                 = "job-cancel"
	ControlJobCancelWithoutSavepoint = "job-cancel-without-savepoint"
	ControlJobRestart                = "job-restart"
)

// ControlValues lists the values of ControlAnnotation that are accepted.
func ControlValues() []string {
	return []string{ControlSavepoint, ControlJobCancel, ControlJobCancelWithoutSavepoint, ControlJobRestart}
}

// Condition types of a FlinkCluster.
const (
	// ConditionReady: the job runs with all its tasks, or the session cluster is up.
	ConditionReady = "Ready"
	// ConditionProgressing: the operator is bringing something about and not waiting for a person.
	ConditionProgressing = "Progressing"
	// ConditionDegraded: something is wrong now; reason and message say what.
	ConditionDegraded = "Degraded"
	// ConditionSpecValid: the whole spec is in force. False: it is wrong, or asks for a change that cannot be made.
	ConditionSpecValid = "SpecValid"
	// ConditionSavepointHealthy: the last savepoint succeeded, or none was asked for.
	ConditionSavepointHealthy = "SavepointHealthy"
)

// Labels of the objects that the operator makes for a FlinkCluster.
const (
	LabelCluster   = "cluster"
	LabelApp       = "app"
	LabelComponent = "component"
	// LabelManagedBy is what the operator's watches select by.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelAttempt is the number of the run that a pod belongs to.
	LabelAttempt = "flinkoperator.k8s.io/attempt"
	// LabelJobID is Flink's id of that run.
	LabelJobID = "flinkoperator.k8s.io/job-id"
)

// Values of the labels.
const (
	AppFlink             = "flink"
	ManagedByOperator    = "flink-operator"
	ComponentJobManager  = "jobmanager"
	ComponentTaskManager = "taskmanager"
)
