package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TransitionPurpose says what a run is stopped for.
type TransitionPurpose string

// The purposes.
const (
	// TransitionUpgrade: the next run gets a changed spec. TransitionRestart: the same one.
	TransitionUpgrade TransitionPurpose = "Upgrade"
	TransitionRestart TransitionPurpose = "Restart"
	// TransitionRedeploy: the next run starts from spec.job.fromSavepoint, and the state of the job is thrown away.
	TransitionRedeploy TransitionPurpose = "Redeploy"
	TransitionSuspend  TransitionPurpose = "Suspend"
	// TransitionRollBack: an upgrade failed, and the next run gets the stable revision of the spec.
	TransitionRollBack TransitionPurpose = "RollBack"
	// TransitionResume: the job was suspended and is started again.
	TransitionResume TransitionPurpose = "Resume"
	// TransitionDelete: the FlinkCluster is being deleted.
	TransitionDelete TransitionPurpose = "Delete"
)

// JobTransition says what a run is stopped for and how.
type JobTransition struct {
	Purpose TransitionPurpose `json:"purpose"`
	// How the run is stopped, and what the next one starts from. Of a deletion: savepoint, or stateless for a cancel.
	Mode UpgradeMode `json:"mode"`
	// Recorded savepoint that the next run starts from, where none is taken.
	// +optional
	Savepoint string `json:"savepoint,omitempty"`
	// When it began; of a deletion, when its present step did.
	StartTime metav1.Time `json:"startTime"`
	// Number of the run that is stopped.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
	// The run is ended by removing its pods alone, and the next one goes on from its high-availability metadata, with the same
	// job id.
	// +optional
	KeepsMetadata bool `json:"keepsMetadata,omitempty"`
	// What was given up in a deletion, and why: the savepoint, or the wait for the pods.
	// +optional
	Message string `json:"message,omitempty"`
}

// MetadataState says what became of the high-availability metadata of a run that has ended.
type MetadataState string

// The states of metadata.
const (
	// MetadataKept: the run was ended by removing its pods alone, so its metadata stays.
	MetadataKept MetadataState = "Kept"
	// MetadataMissing: it was kept, and is not there any more.
	MetadataMissing MetadataState = "Missing"
)

// HighAvailabilityStatus tells of Flink's high availability of a run, as far as the next run has to know it.
type HighAvailabilityStatus struct {
	// Label "app" of the ConfigMaps that hold the metadata.
	// +optional
	ClusterID string `json:"clusterID,omitempty"`
	// Value of high-availability.storageDir, where what the ConfigMaps point to is kept.
	// +optional
	StorageDir string `json:"storageDir,omitempty"`
	// Image of the run, and its version of Flink as far as the spec tells: another version cannot read the metadata.
	// +optional
	Image string `json:"image,omitempty"`
	// +optional
	FlinkVersion string `json:"flinkVersion,omitempty"`
	// Number of the newest checkpoint in the metadata that the run goes on from; 0 if it was started in another way.
	// +optional
	CheckpointID int64 `json:"checkpointID,omitempty"`
	// What became of the metadata: Kept or Missing; empty while the run has not ended, and where Flink itself has ended it.
	// +optional
	Metadata MetadataState `json:"metadata,omitempty"`
}
