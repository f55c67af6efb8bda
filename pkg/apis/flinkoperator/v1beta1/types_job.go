package v1beta1

// JobMode says how the job is brought to Flink.
// +kubebuilder:validation:Enum=Application
type JobMode string

// JobModeApplication: the JobManager itself runs the job's main method.
const JobModeApplication JobMode = "Application"

// RestartPolicy says what happens after a job failed or was lost.
// +kubebuilder:validation:Enum=Never;FromSavepointOnFailure;FromLatestStateOnFailure
type RestartPolicy string

// The restart policies.
const (
	RestartPolicyNever                    RestartPolicy = "Never"
	RestartPolicyFromSavepointOnFailure   RestartPolicy = "FromSavepointOnFailure"
	RestartPolicyFromLatestStateOnFailure RestartPolicy = "FromLatestStateOnFailure"
)

// CleanupAction says what remains of a cluster after its job has ended.
// +kubebuilder:validation:Enum=KeepCluster;DeleteCluster;DeleteTaskManager
type CleanupAction string

// The cleanup actions.
const (
	CleanupActionKeepCluster       CleanupAction = "KeepCluster"
	CleanupActionDeleteCluster     CleanupAction = "DeleteCluster"
	CleanupActionDeleteTaskManager CleanupAction = "DeleteTaskManager"
)

// SavepointFormatType is the binary format of a savepoint.
// +kubebuilder:validation:Enum=CANONICAL;NATIVE
type SavepointFormatType string

// The savepoint formats of Flink 1.15 and newer.
const (
	SavepointFormatCanonical SavepointFormatType = "CANONICAL"
	SavepointFormatNative    SavepointFormatType = "NATIVE"
)

// DesiredJobState says whether the job shall run.
// +kubebuilder:validation:Enum=running;suspended
type DesiredJobState string

// The desired states of a job.
const (
	DesiredJobStateRunning   DesiredJobState = "running"
	DesiredJobStateSuspended DesiredJobState = "suspended"
)

// UpgradeMode says how a job is stopped for an upgrade or to be suspended, and what it starts from again.
// +kubebuilder:validation:Enum=savepoint;last-state;stateless
type UpgradeMode string

// The upgrade modes.
const (
	UpgradeModeSavepoint UpgradeMode = "savepoint"
	UpgradeModeLastState UpgradeMode = "last-state"
	UpgradeModeStateless UpgradeMode = "stateless"
)

// UpgradeFallback says what a stop with savepoint falls back to where the job does not run.
// +kubebuilder:validation:Enum=LastState;None
type UpgradeFallback string

// The fallbacks.
const (
	UpgradeFallbackLastState UpgradeFallback = "LastState"
	UpgradeFallbackNone      UpgradeFallback = "None"
)

// DeletionPolicy says what deleting a FlinkCluster does to a running job first.
// +kubebuilder:validation:Enum=Cancel;Savepoint
type DeletionPolicy string

// The deletion policies.
const (
	DeletionPolicyCancel    DeletionPolicy = "Cancel"
	DeletionPolicySavepoint DeletionPolicy = "Savepoint"
)

// JobSpec is the job that a FlinkCluster runs.
//
// +kubebuilder:validation:XValidation:rule="!has(self.savepointRedeployNonce) || has(self.fromSavepoint) && self.fromSavepoint.size() > 0",message="spec.job.savepointRedeployNonce: needs spec.job.fromSavepoint, which the job is deployed from"
type JobSpec struct {
	// How the job is brought to Flink. Application: the JobManager itself runs the job's main method.
	// +optional
	// +kubebuilder:default=Application
	Mode JobMode `json:"mode,omitempty"`
	// Path of the job's jar in the image, such as /opt/flink/usrlib/job.jar; a relative path begins at /opt/flink.
	// Leave out if the image has the job's jar in /opt/flink/usrlib and the class names the job.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="!self.contains('://') || self.startsWith('local:///')",message="spec.job.jarFile: must be a path in the image (or local:///path); fetch remote jars with an init container"
	JarFile string `json:"jarFile,omitempty"`
	// Name of the class whose main method is the job. Default: the one that the jar's manifest names.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	ClassName string `json:"className,omitempty"`
	// Arguments of the main method.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Args []string `json:"args,omitempty"`
	// Parallelism of the job. Default: the number of slots of all TaskManagers.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32768
	Parallelism *int32 `json:"parallelism,omitempty"`
	// Savepoint or checkpoint that the first run of the job starts from. A later start uses it only if it has
	// been changed since; otherwise it goes on from the job's own newest state.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	FromSavepoint string `json:"fromSavepoint,omitempty"`
	// Start even if the savepoint holds state that no operator of the job takes.
	// +optional
	AllowNonRestoredState bool `json:"allowNonRestoredState,omitempty"`
	// Directory that savepoints are written to, such as s3://bucket/savepoints. Default: Flink's own savepoint
	// directory in spec.flinkProperties. May be added or changed at any time.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	SavepointsDir string `json:"savepointsDir,omitempty"`
	// Takes a savepoint every so many seconds, counted from the last one or from the start of the job.
	// +optional
	// +kubebuilder:validation:Minimum=1
	AutoSavepointSeconds *int32 `json:"autoSavepointSeconds,omitempty"`
	// Set it to the savepointGeneration in the status plus 1 to take one savepoint. Values that are not greater
	// than the one in the status do nothing.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SavepointGeneration int32 `json:"savepointGeneration,omitempty"`
	// Change it to any other number to take one savepoint. The value at creation does nothing.
	// +optional
	SavepointTriggerNonce *int64 `json:"savepointTriggerNonce,omitempty"`
	// Format of savepoints, CANONICAL or NATIVE (Flink 1.15 and newer). Default: Flink's, CANONICAL.
	// +optional
	SavepointFormatType SavepointFormatType `json:"savepointFormatType,omitempty"`
	// Disposes of older savepoints that were taken on schedule, for upgrades and for suspensions; never of one that a user
	// asked for. Default: all are kept.
	// +optional
	SavepointRetention *SavepointRetention `json:"savepointRetention,omitempty"`
	// What happens after the job failed or was lost with its JobManager. Never: it stays failed.
	// FromSavepointOnFailure: it is started from its newest savepoint, and stays failed if there is none.
	// FromLatestStateOnFailure: it is started from the newest of its savepoints and retained checkpoints, and
	// from nothing only if none was ever completed.
	// +optional
	// +kubebuilder:default=Never
	RestartPolicy RestartPolicy `json:"restartPolicy,omitempty"`
	// How long to wait between restarts. The first restart after a healthy time is made at once.
	// +optional
	// +kubebuilder:default={initialSeconds: 10, maxSeconds: 300, resetAfterSeconds: 600}
	RestartBackoff *RestartBackoff `json:"restartBackoff,omitempty"`
	// Oldest state, in seconds, that a restart or an upgrade may start from. Older state is refused, and the job stays
	// as it is.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaxStateAgeToRestoreSeconds *int32 `json:"maxStateAgeToRestoreSeconds,omitempty"`
	// true: stop the job, with a savepoint if a savepoint directory is known. false again: start it from its newest state.
	// +optional
	CancelRequested bool `json:"cancelRequested,omitempty"`
	// running: the job runs. suspended: it is stopped and its state kept; no pods are left. running again: it goes on
	// from there, with the newest spec.
	// +optional
	// +kubebuilder:default=running
	State DesiredJobState `json:"state,omitempty"`
	// How the job is stopped for an upgrade or to be suspended, and what it starts from again. savepoint: it is stopped
	// with a savepoint. last-state: it is cancelled, and starts from its newest checkpoint or savepoint; works for a job
	// that fails or does not answer, too. stateless: it is cancelled, and starts from nothing. Default: savepoint if a
	// savepoint directory is known, else last-state if a checkpoint directory is; with neither, an upgrade waits.
	// +optional
	UpgradeMode UpgradeMode `json:"upgradeMode,omitempty"`
	// What upgradeMode savepoint does with a job that does not run. LastState: as upgradeMode last-state. None: it waits
	// until the job runs.
	// +optional
	// +kubebuilder:default=LastState
	UpgradeFallback UpgradeFallback `json:"upgradeFallback,omitempty"`
	// false: an upgrade by savepoint takes none, and starts from the last one if maxStateAgeToRestoreSeconds allows;
	// else it waits.
	// +optional
	// +kubebuilder:default=true
	TakeSavepointOnUpdate *bool `json:"takeSavepointOnUpdate,omitempty"`
	// Change it to any other number to throw the job's state away and start it from fromSavepoint, which has to be set.
	// The value at creation does nothing.
	// +optional
	SavepointRedeployNonce *int64 `json:"savepointRedeployNonce,omitempty"`
	// What deleting the FlinkCluster does to a running job before its pods are removed. Cancel: the job is cancelled, so
	// that its sinks can finish. Savepoint: it is stopped with a savepoint, and cancelled where that is not possible or
	// takes longer than 11 minutes. Savepoint needs a savepoint directory.
	// +optional
	// +kubebuilder:default=Cancel
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
	// What remains of the cluster after the job has ended.
	// +optional
	// +kubebuilder:default={}
	CleanupPolicy *CleanupPolicy `json:"cleanupPolicy,omitempty"`
}

// RestartBackoff says how long to wait between restarts of a failing job.
//
// +kubebuilder:validation:XValidation:rule="self.initialSeconds <= self.maxSeconds",message="spec.job.restartBackoff.initialSeconds: must not be greater than maxSeconds"
type RestartBackoff struct {
	// Seconds before the second restart in a row; doubled with each further one.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	InitialSeconds *int32 `json:"initialSeconds,omitempty"`
	// Longest wait between restarts, in seconds.
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	MaxSeconds *int32 `json:"maxSeconds,omitempty"`
	// A job that ran this many seconds is healthy: its next failure counts as the first.
	// +optional
	// +kubebuilder:default=600
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=604800
	ResetAfterSeconds *int32 `json:"resetAfterSeconds,omitempty"`
	// Number of restarts in a row after which the job stays failed. Default: no limit.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Limit *int32 `json:"limit,omitempty"`
}

// CleanupPolicy says what remains of a cluster after its job has ended: KeepCluster, DeleteCluster or DeleteTaskManager.
type CleanupPolicy struct {
	// After the job finished.
	// +optional
	// +kubebuilder:default=DeleteCluster
	AfterJobSucceeds CleanupAction `json:"afterJobSucceeds,omitempty"`
	// After the job failed for good.
	// +optional
	// +kubebuilder:default=KeepCluster
	AfterJobFails CleanupAction `json:"afterJobFails,omitempty"`
	// After the job was cancelled.
	// +optional
	// +kubebuilder:default=DeleteCluster
	AfterJobCancelled CleanupAction `json:"afterJobCancelled,omitempty"`
}
