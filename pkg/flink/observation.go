package flink

import (
	"maps"
	"slices"
	"time"
)

// Observation is what is known of one Flink cluster: the answers of its JobManager, collected over several polls.
// All of it is about the JobID that was asked for. The zero value means
// that nothing has been heard yet.
type Observation struct {
	// JobID is the job that was asked for; empty for a session cluster.
	JobID string
	// Attempt is the number of the run that was asked for. With high availability two runs may have the same JobID.
	Attempt int32
	// Reachable says whether the latest poll was answered.
	Reachable bool
	// Silent says that at least the two latest polls were not answered: before the first answer, Reachable cannot tell.
	Silent bool
	// AnsweredAt is when the JobManager last answered the job list.
	AnsweredAt time.Time
	// Version is Flink's own, such as "2.1.3"; empty until heard.
	Version string
	// Job is the latest row of JobID in the job list. It is kept while the JobManager is silent, and nil if the
	// latest answer did not list the job.
	Job *Job
	// MissingAnswers counts successive answered polls that did not list JobID.
	MissingAnswers int
	// MissingSince is when the first of them was; zero for none.
	MissingSince time.Time
	// Checkpoints is the latest answer about JobID's snapshots; kept while the JobManager is silent.
	Checkpoints *CheckpointStatistics
	// CheckpointsFinal says that Job has ended and that Checkpoints (and Exceptions) hold its last word. Flink
	// answers both from a cache of three seconds (web.refresh-interval), so what is read in the moment a job fails
	// may lack its newest checkpoint.
	CheckpointsFinal bool
	// Exceptions holds the newest root causes first, one line each, bounded in number and length.
	Exceptions []string
	// Operation is the latest answer about the trigger id being followed; nil until there is one.
	Operation *Operation
	// Disposal is the latest answer about the disposal being followed, under the operator's own id of it.
	Disposal *Operation
	// Effects holds the results of effects by their ID, for this JobID.
	Effects map[string]EffectResult
}

// EffectOutcome returns what is known of an effect; an empty outcome means that it was never asked for by this
// process.
func (o Observation) EffectOutcome(id string) EffectResult {
	return o.Effects[id]
}

// DeepCopy returns an Observation that shares no memory with this one.
func (o Observation) DeepCopy() Observation {
	o.Job = copyOf(o.Job)
	o.Checkpoints = o.Checkpoints.DeepCopy()
	o.Exceptions = slices.Clone(o.Exceptions)
	o.Operation, o.Disposal = copyOf(o.Operation), copyOf(o.Disposal)
	o.Effects = maps.Clone(o.Effects)
	return o
}

// DeepCopy returns statistics that share no memory with these.
func (s *CheckpointStatistics) DeepCopy() *CheckpointStatistics {
	if s == nil {
		return nil
	}
	return &CheckpointStatistics{
		Completed: copyOf(s.Completed),
		Savepoint: copyOf(s.Savepoint),
		Restored:  copyOf(s.Restored),
		History:   slices.Clone(s.History),
	}
}

func copyOf[T any](value *T) *T {
	if value == nil {
		return nil
	}
	return new(*value)
}
