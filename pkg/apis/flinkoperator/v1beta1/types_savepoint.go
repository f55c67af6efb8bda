package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxRetainedSavepoints is the greatest maxCount of a SavepointRetention. The history of a job, which holds 20, has to have
// room beside them for those that users asked for and those that are being disposed of.
const MaxRetainedSavepoints = 15

// SavepointRetention says which of the savepoints that were taken on schedule, for upgrades and for suspensions are disposed
// of: those beyond a number, and those beyond an age. The newest savepoint and the ones in use always stay.
//
// +kubebuilder:validation:XValidation:rule="has(self.maxCount) || has(self.maxAgeSeconds)",message="spec.job.savepointRetention: needs maxCount or maxAgeSeconds"
type SavepointRetention struct {
	// Number of savepoints to keep. Older ones are disposed of.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=15
	MaxCount *int32 `json:"maxCount,omitempty"`
	// Age in seconds, counted from their completion, at which savepoints are disposed of.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxAgeSeconds *int32 `json:"maxAgeSeconds,omitempty"`
}

// SavepointRecord is a completed savepoint.
type SavepointRecord struct {
	Location string `json:"location"`
	// When it was completed.
	Time metav1.Time `json:"time"`
	// +optional
	Reason SavepointReason `json:"reason,omitempty"`
	// +optional
	FormatType SavepointFormatType `json:"formatType,omitempty"`
	// +optional
	TriggerID string `json:"triggerID,omitempty"`
	// Flink's id of the run that made it.
	// +optional
	JobID string `json:"jobID,omitempty"`
	// Number of the run that made it.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
	// Flink's number of the snapshot; 0 if unknown.
	// +optional
	CheckpointID int64 `json:"checkpointID,omitempty"`
	// Recognised in Flink's statistics, because Flink's answer was lost. It is never disposed of.
	// +optional
	Inferred bool `json:"inferred,omitempty"`
	// Its disposal by spec.job.savepointRetention; absent as long as it is kept. No run is started from it any more.
	// +optional
	Disposal *SavepointDisposal `json:"disposal,omitempty"`
}

// SavepointDisposalState is how far the disposal of a savepoint has come.
type SavepointDisposalState string

// The states of a disposal. A savepoint that was disposed of is not in the history any more.
const (
	// SavepointDisposalRequested: Flink is asked to delete the files, or has been.
	SavepointDisposalRequested SavepointDisposalState = "Requested"
	// SavepointDisposalFailed: it did not, or did not say so. It is asked again, up to ten times in all.
	SavepointDisposalFailed SavepointDisposalState = "Failed"
)

// SavepointDisposal is the disposal of a savepoint.
type SavepointDisposal struct {
	State SavepointDisposalState `json:"state"`
	// When it was requested or failed.
	Time metav1.Time `json:"time"`
	// Number of requests so far.
	Attempts int32 `json:"attempts"`
	// Why it failed.
	// +optional
	Message string `json:"message,omitempty"`
}

// ForgottenSavepoint names a savepoint by its number.
type ForgottenSavepoint struct {
	// Flink's id of the run that made it.
	JobID string `json:"jobID"`
	// Flink's number of the snapshot.
	CheckpointID int64 `json:"checkpointID"`
}
