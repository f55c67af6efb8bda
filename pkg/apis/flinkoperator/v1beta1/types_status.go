package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterState is the state of a cluster's components taken together.
type ClusterState string

// The cluster states.
const (
	ClusterStateCreating         ClusterState = "Creating"
	ClusterStateRunning          ClusterState = "Running"
	ClusterStateReconciling      ClusterState = "Reconciling"
	ClusterStateUpdating         ClusterState = "Updating"
	ClusterStateSuspending       ClusterState = "Suspending"
	ClusterStateSuspended        ClusterState = "Suspended"
	ClusterStateStopping         ClusterState = "Stopping"
	ClusterStatePartiallyStopped ClusterState = "PartiallyStopped"
	ClusterStateStopped          ClusterState = "Stopped"
)

// Lifecycle says in one word what a cluster is doing.
type Lifecycle string

// The words of Lifecycle.
const (
	LifecycleCreating  Lifecycle = "Creating"
	LifecycleRunning   Lifecycle = "Running"
	LifecycleUpgrading Lifecycle = "Upgrading"
	// LifecycleRollingBack: an upgrade failed, and the stable revision is being put in force again. LifecycleRolledBack: it
	// runs, and the spec asks for the one that failed.
	LifecycleRollingBack Lifecycle = "RollingBack"
	LifecycleRolledBack  Lifecycle = "RolledBack"
	LifecycleSuspending  Lifecycle = "Suspending"
	LifecycleSuspended   Lifecycle = "Suspended"
	LifecycleRestarting  Lifecycle = "Restarting"
	LifecycleStopping    Lifecycle = "Stopping"
	LifecycleStopped     Lifecycle = "Stopped"
	LifecycleFinished    Lifecycle = "Finished"
	LifecycleFailed      Lifecycle = "Failed"
	LifecycleDeleting    Lifecycle = "Deleting"
)

// ComponentState is the state of one Kubernetes object of a cluster.
type ComponentState string

// The component states.
const (
	ComponentStateNotReady ComponentState = "NotReady"
	ComponentStateReady    ComponentState = "Ready"
	ComponentStateDeleted  ComponentState = "Deleted"
)

// JobState is the state of the job as the operator sees it.
type JobState string

// The job states.
const (
	// JobStatePending: no run has been started yet.
	JobStatePending JobState = "Pending"
	// JobStateDeploying: a run is recorded and its JobManager and TaskManagers are being brought up.
	JobStateDeploying JobState = "Deploying"
	// JobStateRunning: Flink reported all tasks of the run as running at least once and the job has not ended.
	JobStateRunning JobState = "Running"
	// JobStateRestarting: the run has ended, and the next waits for its time and for the old pods to be gone.
	JobStateRestarting JobState = "Restarting"
	// JobStateUpdating: the run has ended for an upgrade, and the next waits for the old pods to be gone.
	JobStateUpdating JobState = "Updating"
	// JobStateSuspending: the run has ended, and its pods are being removed. JobStateSuspended: nothing is left of it.
	JobStateSuspending JobState = "Suspending"
	JobStateSuspended  JobState = "Suspended"
	JobStateSucceeded  JobState = "Succeeded"
	JobStateFailed     JobState = "Failed"
	JobStateCancelled  JobState = "Cancelled"
	// JobStateLost: the run has ended with its JobManager, without an end reported by Flink.
	JobStateLost JobState = "Lost"
)

// FlinkClusterStatus is the observed state of a FlinkCluster.
type FlinkClusterStatus struct {
	// Generation of the spec that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// State of the components taken together.
	// +optional
	State ClusterState `json:"state,omitempty"`
	// What the cluster is doing, in one word.
	// +optional
	Lifecycle Lifecycle `json:"lifecycle,omitempty"`
	// Version of Flink as the JobManager reports it.
	// +optional
	FlinkVersion string `json:"flinkVersion,omitempty"`
	// Ready, Progressing, Degraded, SpecValid and SavepointHealthy.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// The objects that make up the cluster, and the job.
	// +optional
	Components ComponentsStatus `json:"components,omitempty"`
	// The last request made by the user-control annotation.
	// +optional
	Control *ControlStatus `json:"control,omitempty"`
	// The running or last savepoint of the job.
	// +optional
	Savepoint *SavepointStatus `json:"savepoint,omitempty"`
	// Savepoints that were completed, newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	SavepointHistory []SavepointRecord `json:"savepointHistory,omitempty"`
	// Newest savepoint of the current run that has left the history. Flink goes on naming it for a while.
	// +optional
	ForgottenSavepoint *ForgottenSavepoint `json:"forgottenSavepoint,omitempty"`
	// Revision of the spec that runs.
	// +optional
	Revision RevisionStatus `json:"revision,omitempty"`
	// Value of spec.restartNonce that has been served.
	// +optional
	ObservedRestartNonce *int64 `json:"observedRestartNonce,omitempty"`
	// When the status was last written.
	// +optional
	LastUpdateTime *metav1.Time `json:"lastUpdateTime,omitempty"`
}

// ComponentsStatus is the state of the parts of a cluster.
type ComponentsStatus struct {
	// +optional
	ConfigMap *ComponentStatus `json:"configMap,omitempty"`
	// +optional
	JobManager *WorkloadStatus `json:"jobManager,omitempty"`
	// +optional
	JobManagerService *ComponentStatus `json:"jobManagerService,omitempty"`
	// +optional
	TaskManager *TaskManagerStatus `json:"taskManager,omitempty"`
	// +optional
	Job *JobStatus `json:"job,omitempty"`
}

// ComponentStatus is the state of one object.
type ComponentStatus struct {
	Name  string         `json:"name"`
	State ComponentState `json:"state"`
}

// WorkloadStatus is the state of a workload.
type WorkloadStatus struct {
	Name  string         `json:"name"`
	State ComponentState `json:"state"`
	// Number of pods wanted.
	// +optional
	Replicas int32 `json:"replicas"`
	// Number of pods that are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`
	// The same for people: ready/wanted.
	// +optional
	Ready string `json:"ready,omitempty"`
}

// TaskManagerStatus is the state of the TaskManagers.
type TaskManagerStatus struct {
	WorkloadStatus `json:",inline"`
	// Label selector of the pods, for the scale subresource.
	// +optional
	Selector string `json:"selector,omitempty"`
}

// RevisionStatus names ControllerRevisions, which hold copies of the spec.
type RevisionStatus struct {
	// The one that runs.
	// +optional
	Current string `json:"current,omitempty"`
	// The one that the spec asks for, if it differs and has not failed.
	// +optional
	Next string `json:"next,omitempty"`
	// The newest one that was stable: its job completed a checkpoint or savepoint, finished, or had all tasks running
	// spec.rollback.readinessSeconds after its start.
	// +optional
	Stable string `json:"stable,omitempty"`
	// Generation of the spec that asked for the stable one last.
	// +optional
	StableGeneration int64 `json:"stableGeneration,omitempty"`
	// The one that failed after an upgrade and was rolled back, or is being. It is not tried again as it is.
	// +optional
	Failed string `json:"failed,omitempty"`
	// Why it failed.
	// +optional
	// +kubebuilder:validation:MaxLength=1000
	FailureReason string `json:"failureReason,omitempty"`
	// Number of upgrades and restarts of a session cluster.
	// +optional
	Rollout int32 `json:"rollout,omitempty"`
}

// JobStatus is the state of the job.
type JobStatus struct {
	// Name of the job as Flink reports it.
	// +optional
	Name string `json:"name,omitempty"`
	// Flink's id of the current run, 32 hexadecimal digits, chosen by the operator.
	// +optional
	ID    string   `json:"id,omitempty"`
	State JobState `json:"state"`
	// Number of the current run, counted from 1. Each start of the job by the operator is a run. It has an id of its own, unless
	// it goes on from the high-availability metadata of the run before.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
	// What Flink's job of this id was started from; empty if from nothing. May differ from spec.job.fromSavepoint after a
	// restart. A run that goes on from high-availability metadata keeps the id, and starts from the newest checkpoint in there.
	// +optional
	FromSavepoint string `json:"fromSavepoint,omitempty"`
	// High availability of the current run, or of the last one; empty if it has none.
	// +optional
	HighAvailability *HighAvailabilityStatus `json:"highAvailability,omitempty"`
	// Flink's ids of former runs whose high-availability metadata has not been removed yet.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	FormerMetadata []string `json:"formerMetadata,omitempty"`
	// Number of savepoints that the operator took of this job.
	// +optional
	SavepointGeneration int32 `json:"savepointGeneration,omitempty"`
	// Where the newest of them is.
	// +optional
	SavepointLocation string `json:"savepointLocation,omitempty"`
	// Trigger id of the newest of them.
	// +optional
	LastSavepointTriggerID string `json:"lastSavepointTriggerID,omitempty"`
	// When the newest of them was completed.
	// +optional
	LastSavepointTime *metav1.Time `json:"lastSavepointTime,omitempty"`
	// Newest checkpoint that the operator has recorded. Flink deletes checkpoints as newer ones are completed.
	// +optional
	LastCheckpoint *CheckpointStatus `json:"lastCheckpoint,omitempty"`
	// When the current run was recorded, before its pods were made.
	// +optional
	DeployTime *metav1.Time `json:"deployTime,omitempty"`
	// When all tasks of the current run first ran.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// When the job ended.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// Number of restarts after a failure or loss.
	// +optional
	RestartCount int32 `json:"restartCount,omitempty"`
	// Number of failures in a row without a healthy time between them.
	// +optional
	ConsecutiveFailures int32 `json:"consecutiveFailures,omitempty"`
	// When the next run may start, while the state is Restarting.
	// +optional
	NextStartTime *metav1.Time `json:"nextStartTime,omitempty"`
	// Why the last run failed: the JobManager's last words, newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	FailureReasons []string `json:"failureReasons,omitempty"`
	// Snapshot that the last run could not be started from. It is tried once more: a volume may come late.
	// +optional
	SuspectSnapshot string `json:"suspectSnapshot,omitempty"`
	// Snapshots that runs could not be started from because their files are gone.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	MissingSnapshots []string `json:"missingSnapshots,omitempty"`
	// Upgrade mode that an upgrade would use now; empty if neither a savepoint directory nor a checkpoint directory is
	// known, and then an upgrade waits.
	// +optional
	UpgradeMode UpgradeMode `json:"upgradeMode,omitempty"`
	// What the run is being stopped for, or was stopped for.
	// +optional
	Transition *JobTransition `json:"transition,omitempty"`
	// Number of the run that the job's present state begins with: the first, or the last that was started without the state
	// of the job so far because the user asked for that. Snapshots of earlier runs are not used again.
	// +optional
	FirstAttempt int32 `json:"firstAttempt,omitempty"`
	// Who had the job cancelled.
	// +optional
	CancelledBy CancelledBy `json:"cancelledBy,omitempty"`
	// Value of spec.job.fromSavepoint that has been used.
	// +optional
	ObservedFromSavepoint string `json:"observedFromSavepoint,omitempty"`
	// Value of spec.job.savepointGeneration that has been served.
	// +optional
	ObservedSavepointGeneration int32 `json:"observedSavepointGeneration,omitempty"`
	// Value of spec.job.savepointTriggerNonce that has been served.
	// +optional
	ObservedSavepointTriggerNonce *int64 `json:"observedSavepointTriggerNonce,omitempty"`
	// Value of spec.job.savepointRedeployNonce that has been served.
	// +optional
	ObservedSavepointRedeployNonce *int64 `json:"observedSavepointRedeployNonce,omitempty"`
}

// CancelledBy says who had a job cancelled.
type CancelledBy string

// Who can have a job cancelled.
const (
	// CancelledBySpec: spec.job.cancelRequested.
	CancelledBySpec CancelledBy = "CancelRequested"
	// CancelledByControl: the user-control annotation.
	CancelledByControl CancelledBy = "UserControl"
	// CancelledByDeletion: the FlinkCluster is being deleted.
	CancelledByDeletion CancelledBy = "Deletion"
	// CancelledByOther: somebody else, such as a user of Flink's web user interface.
	CancelledByOther CancelledBy = "Other"
)

// CheckpointStatus is a completed checkpoint.
type CheckpointStatus struct {
	// Flink's number of the checkpoint.
	ID       int64  `json:"id"`
	Location string `json:"location"`
	// Flink's id of the run that made it.
	// +optional
	JobID string `json:"jobID,omitempty"`
	// When it was triggered.
	Time metav1.Time `json:"time"`
	// When it was written here; newer ones are written every few minutes.
	// +optional
	RecordTime *metav1.Time `json:"recordTime,omitempty"`
}

// ControlState is the state of a request made by annotation.
type ControlState string

// The control states.
const (
	ControlStateRequested  ControlState = "Requested"
	ControlStateInProgress ControlState = "InProgress"
	ControlStateSucceeded  ControlState = "Succeeded"
	ControlStateFailed     ControlState = "Failed"
)

// ControlStatus is the progress or result of a request made by the user-control annotation.
type ControlStatus struct {
	// Value of the annotation.
	Name string `json:"name"`
	// What the request concerns: jobID and savepointTriggerID.
	// +optional
	Details map[string]string `json:"details,omitempty"`
	State   ControlState      `json:"state"`
	// Why it waits or failed.
	// +optional
	Message string `json:"message,omitempty"`
	// When the state last changed.
	// +optional
	UpdateTime *metav1.Time `json:"updateTime,omitempty"`
	// Number of the request, counted from 1; the same number is written to the user-control-handled annotation
	// in the moment the user-control annotation is removed, so that a request is never taken for the one before.
	// +optional
	Request int64 `json:"request,omitempty"`
}

// Keys of ControlStatus.Details.
const (
	ControlDetailJobID              = "jobID"
	ControlDetailSavepointTriggerID = "savepointTriggerID"
)

// SavepointState is the state of a savepoint.
type SavepointState string

// The savepoint states.
const (
	SavepointStateRequested  SavepointState = "Requested"
	SavepointStateInProgress SavepointState = "InProgress"
	SavepointStateSucceeded  SavepointState = "Succeeded"
	SavepointStateFailed     SavepointState = "Failed"
)

// SavepointReason says why a savepoint was taken.
type SavepointReason string

// The reasons of savepoints.
const (
	SavepointReasonUserRequested SavepointReason = "user requested"
	SavepointReasonScheduled     SavepointReason = "scheduled"
	SavepointReasonJobCancel     SavepointReason = "job cancel"
	SavepointReasonUpdate        SavepointReason = "update"
	SavepointReasonSuspend       SavepointReason = "suspend"
	// SavepointReasonJobDeletion: the FlinkCluster is deleted, with deletionPolicy Savepoint.
	SavepointReasonJobDeletion SavepointReason = "job deletion"
	// SavepointReasonExternal: taken past the operator, by Flink's command line or REST API.
	SavepointReasonExternal SavepointReason = "external"
)

// SavepointStatus is the one savepoint operation of the job: running, or the last one.
type SavepointStatus struct {
	// Flink's id of the run.
	// +optional
	JobID string `json:"jobID,omitempty"`
	// Flink's trigger id, chosen by the operator and recorded before Flink is asked.
	// +optional
	TriggerID string `json:"triggerID,omitempty"`
	// When Flink accepted it.
	// +optional
	TriggerTime *metav1.Time `json:"triggerTime,omitempty"`
	// +optional
	TriggerReason SavepointReason `json:"triggerReason,omitempty"`
	// When it was asked for.
	// +optional
	RequestTime *metav1.Time   `json:"requestTime,omitempty"`
	State       SavepointState `json:"state"`
	// Why it failed.
	// +optional
	Message string `json:"message,omitempty"`
	// Number of the request, counted from 1.
	// +optional
	Request int64 `json:"request,omitempty"`
	// Whether the job is stopped with the savepoint.
	// +optional
	Stop bool `json:"stop,omitempty"`
	// Directory that it is written to; empty for Flink's own.
	// +optional
	Directory string `json:"directory,omitempty"`
	// +optional
	FormatType SavepointFormatType `json:"formatType,omitempty"`
	// Where it is, once it succeeded.
	// +optional
	Location string `json:"location,omitempty"`
	// When it succeeded or failed.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// Number of savepoints in a row that failed, with this one.
	// +optional
	ConsecutiveFailures int32 `json:"consecutiveFailures,omitempty"`
	// Highest checkpoint number that was known when it was asked for. A savepoint whose answer was lost is
	// recognised by a higher number.
	// +optional
	NewestCheckpointID int64 `json:"newestCheckpointID,omitempty"`
	// When the JobManager that is asked began with the job, as it says itself; recorded with high availability before it is
	// asked. One that takes over has begun later, and knows nothing of the savepoint.
	// +optional
	JobStartTime *metav1.Time `json:"jobStartTime,omitempty"`
	// Value of spec.job.savepointGeneration that asked for it.
	// +optional
	SavepointGeneration int32 `json:"savepointGeneration,omitempty"`
	// Value of spec.job.savepointTriggerNonce that asked for it.
	// +optional
	SavepointTriggerNonce *int64 `json:"savepointTriggerNonce,omitempty"`
}
