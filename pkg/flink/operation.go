package flink

// EffectKind names something that Flink is asked to do.
type EffectKind string

// The effects this operator has on a JobManager.
const (
	TriggerSavepoint  EffectKind = "TriggerSavepoint"
	StopWithSavepoint EffectKind = "StopWithSavepoint"
	CancelJob         EffectKind = "CancelJob"
	// DisposeSavepoint deletes the files of a savepoint. Flink needs no job for it.
	DisposeSavepoint EffectKind = "DisposeSavepoint"
)

// Effect is one request to a JobManager. The same effect sent twice has the same result as once: savepoints and
// stops carry a trigger id of ours (Flink 1.15 and newer starts nothing for a trigger id it knows),
// cancelling a cancelled job changes nothing, and of a savepoint that is disposed of nothing is left.
type Effect struct {
	Kind  EffectKind
	JobID string
	// TriggerID is 32 hexadecimal digits, chosen and recorded before the effect; empty for CancelJob. Flink takes none for
	// DisposeSavepoint: there it is the operator's own name of the request.
	TriggerID string
	// Directory is where the savepoint goes; empty means Flink's own default directory.
	Directory string
	// Format is CANONICAL, NATIVE or empty for Flink's default.
	Format string
	// Location is the savepoint to dispose of.
	Location string
}

// ID identifies the effect within one cluster.
func (e Effect) ID() string {
	if e.TriggerID != "" {
		return e.TriggerID
	}
	return string(e.Kind) + "/" + e.JobID
}

// Outcome is how a request ended as far as we can tell.
type Outcome string

// The outcomes of an effect.
const (
	// OutcomePending: queued or on its way.
	OutcomePending Outcome = "Pending"
	// OutcomeAccepted: Flink took the request.
	OutcomeAccepted Outcome = "Accepted"
	// OutcomeRefused: Flink answered that it did nothing and will not (4xx).
	OutcomeRefused Outcome = "Refused"
	// OutcomeUnknown: no answer, or one that leaves open whether the request took effect (timeout, 5xx).
	OutcomeUnknown Outcome = "Unknown"
)

// EffectResult is what came of an Effect.
type EffectResult struct {
	Effect  Effect
	Outcome Outcome
	// Message is the first line of Flink's error, bounded in length; empty for Accepted.
	Message string
	// Attempts counts how often the request was sent.
	Attempts int
	// RequestID is the id that Flink answered with where it chooses its own and knows the operation by that: for
	// DisposeSavepoint, and for all else in Flink 1.14. It is empty otherwise.
	RequestID string
}

// OperationState is the progress of an asynchronous savepoint or stop.
type OperationState string

// The states of an operation.
const (
	OperationInProgress OperationState = "InProgress"
	OperationSucceeded  OperationState = "Succeeded"
	OperationFailed     OperationState = "Failed"
	// OperationNotFound: this JobManager does not know the trigger id (404). It says nothing of the outcome:
	// results live in memory and are forgotten after five minutes or with the JobManager.
	OperationNotFound OperationState = "NotFound"
)

// Operation is Flink's answer about one trigger id (GET /jobs/:id/savepoints/:triggerid), or about the disposal of a
// savepoint (GET /savepoint-disposal/:triggerid), which has neither a job nor a location.
type Operation struct {
	JobID     string
	TriggerID string
	State     OperationState
	// Location is set when State is Succeeded; also for a stop that failed after its savepoint was written
	// (StopWithSavepointStoppingException), since that savepoint is complete and holds the newest state.
	Location string
	// Cause is the class and first line of the failure, bounded in length.
	Cause string
}
