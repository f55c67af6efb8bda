package v1beta1

// EventReason is the reason of an event about a FlinkCluster. The list is closed.
type EventReason string

// The reasons of events.
const (
	EventSavepointRequested EventReason = "SavepointRequested"
	EventSavepointTriggered EventReason = "SavepointTriggered"
	EventSavepointSucceeded EventReason = "SavepointSucceeded"
	EventSavepointFailed    EventReason = "SavepointFailed"
	EventSavepointFound     EventReason = "SavepointFound"
	// EventSavepointDisposed and EventSavepointDisposalFailed tell of what spec.job.savepointRetention does.
	EventSavepointDisposed       EventReason = "SavepointDisposed"
	EventSavepointDisposalFailed EventReason = "SavepointDisposalFailed"
	EventControlRefused          EventReason = "ControlRefused"
	EventControlSucceeded        EventReason = "ControlSucceeded"
	EventControlFailed           EventReason = "ControlFailed"
	EventJobStarting             EventReason = "JobStarting"
	EventJobRunning              EventReason = "JobRunning"
	EventJobSucceeded            EventReason = "JobSucceeded"
	EventJobCancelled            EventReason = "JobCancelled"
	EventJobFailed               EventReason = "JobFailed"
	EventJobLost                 EventReason = "JobLost"
	EventJobRestarting           EventReason = "JobRestarting"
	EventJobSuspended            EventReason = "JobSuspended"
	EventJobResumed              EventReason = "JobResumed"
	// EventTransitionStarted and EventTransitionFinished tell of upgrades, restarts and the like, which the message names.
	EventTransitionStarted  EventReason = "TransitionStarted"
	EventTransitionFinished EventReason = "TransitionFinished"
	// EventUpgradeFailed and EventRolledBack: an upgrade failed, and the revision of before is in force again.
	EventUpgradeFailed EventReason = "UpgradeFailed"
	EventRolledBack    EventReason = "RolledBack"
	// EventStateDiscarded: the job starts without the state that it had.
	EventStateDiscarded EventReason = "StateDiscarded"
	EventSpecInvalid    EventReason = "SpecInvalid"
	EventDegraded       EventReason = "Degraded"
	EventClusterStopped EventReason = "ClusterStopped"
	// EventDeletionStarted says how the job is stopped; EventDeletionFallback that something was given up on the way.
	EventDeletionStarted  EventReason = "DeletionStarted"
	EventDeletionFallback EventReason = "DeletionFallback"
)

// Event is something worth telling the user, as it is reported in a Kubernetes event. It is not part of the API.
//
// +k8s:deepcopy-gen=false
type Event struct {
	// Type is Normal or Warning, as in k8s.io/api/core/v1.
	Type    string
	Reason  EventReason
	Message string
}
