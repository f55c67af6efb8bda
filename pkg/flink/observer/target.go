package observer

// Pace says how eagerly a cluster is polled.
type Pace string

// The paces, from the fastest.
const (
	// Operation: a savepoint, stop or cancel is in flight. 50 ms, growing to 2 s.
	Operation Pace = "Operation"
	// Starting: a JobManager or a job is coming up. 250 ms, growing to 2 s within a minute; failures are expected and
	// do not slow it down.
	Starting Pace = "Starting"
	// Stable: nothing is expected to happen. 2 s, doubling to 30 s; 2 s again after each change.
	Stable Pace = "Stable"
	// Paused: no polls. What is known is kept.
	Paused Pace = "Paused"
)

// rank orders the paces; an unknown one is treated as Stable everywhere.
func (p Pace) rank() int {
	switch p {
	case Operation:
		return 0
	case Starting:
		return 1
	case Paused:
		return 3
	default:
		return 2
	}
}

// Target is what is to be observed of one cluster.
type Target struct {
	// UID is the cluster's, so that a cluster created anew under the same name starts from nothing.
	UID string
	// BaseURL is the JobManager's address, "http://host:port".
	BaseURL string
	// JobID is the job of the current attempt; empty for a session cluster.
	JobID string
	// Attempt is the number of the current attempt, which may have the job id of the one before.
	Attempt int32
	// TriggerID is the operation to follow; empty for none.
	TriggerID string
	// DisposalID is the trigger id of the disposal to follow; empty for none.
	DisposalID string
	Pace       Pace
	// FreshCheckpoints bounds the interval of Stable, so that the newest checkpoint seen is still among the retained
	// ones when it is needed.
	FreshCheckpoints bool
}

func (t Target) sameJob(other Target) bool {
	return t.UID == other.UID && t.BaseURL == other.BaseURL && t.JobID == other.JobID && t.Attempt == other.Attempt
}
