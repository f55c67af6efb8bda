package lifecycle

import (
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// cacheLives is how old Flink's statistics may be.
const cacheLives = 3 * time.Second

// poll hears the JobManager, as the observer does. Its statistics may be late: those from before the newest snapshot.
func (s *search) poll(at state, late bool) (state, bool) {
	watch := WatchFor(s.cluster(at))
	if watch.Pace == PacePaused {
		return at, false
	}
	run := jobManagerOf(s.objects(at), s.flink(at).copy())
	if run == nil {
		return s.hearNothing(at)
	}
	if late && (len(run.Snapshots) == 0 || start.Sub(run.Snapshots[0].CompletionTime) >= cacheLives) {
		return at, false
	}
	heard := s.memory(at).DeepCopy()
	heard.Reachable, heard.AnsweredAt, heard.Version = true, start, "2.1.0"
	if run.JobID != watch.JobID || run.Status == "" {
		heard.Job = nil
		heard.MissingAnswers = min(heard.MissingAnswers+1, 2)
		return s.remember(at, heard)
	}
	heard.MissingAnswers = 0
	heard.Job = &flink.Job{ID: run.JobID, Name: "count", Status: run.Status, TotalTasks: 1, EndTime: run.Ended}
	if run.Working {
		heard.Job.RunningTasks = 1
	}
	if run.Status == flink.JobFailed {
		heard.Exceptions = []string{"java.lang.RuntimeException: the model says so"}
	}
	hearOperation(&heard, run, watch.TriggerID)
	heard.Checkpoints = run.statistics(late)
	heard.CheckpointsFinal = run.Status.Terminal() && start.Sub(run.Ended) >= cacheLives
	return s.remember(at, heard)
}

// hearNothing is a poll without an answer.
func (s *search) hearNothing(at state) (state, bool) {
	if WatchFor(s.cluster(at)).Pace == PacePaused {
		return at, false
	}
	heard := s.memory(at)
	heard.Reachable = false
	return s.remember(at, heard)
}

func (s *search) remember(at state, heard flink.Observation) (state, bool) {
	after := at.with(partMemory, s.memories.number(heard))
	return after, after != at
}

func hearOperation(heard *flink.Observation, run *worldRun, triggerID string) {
	known := heard.Operation
	if triggerID == "" || known != nil && (known.State == flink.OperationSucceeded || known.State == flink.OperationFailed) {
		return
	}
	run.forget()
	operation := run.operation(triggerID)
	switch {
	case operation != nil && operation.State == flink.OperationInProgress:
		heard.Operation = &flink.Operation{JobID: run.JobID, TriggerID: triggerID, State: operation.State}
	case operation != nil:
		heard.Operation = &flink.Operation{JobID: run.JobID, TriggerID: triggerID, State: operation.State, Location: operation.Location, Cause: operation.Cause}
	case heard.Effects[triggerID].Outcome != flink.OutcomePending:
		heard.Operation = &flink.Operation{JobID: run.JobID, TriggerID: triggerID, State: flink.OperationNotFound}
	}
}

// fate is what becomes of a request of Flink.
type fate int

const (
	answered fate = iota
	requestLost
	answerLost
)

// execute sends the next effect.
func (s *search) execute(at state, fate fate) (state, bool) {
	queue := s.queues.of(at[partQueue])
	if len(queue) == 0 {
		return at, false
	}
	effect, outcome := queue[0], flink.OutcomeUnknown
	after := at.with(partQueue, s.queues.number(slices.Clone(queue[1:])))
	if fate != requestLost {
		arrived, answer := s.arrive(after, effect)
		if after = arrived; fate == answered {
			outcome = answer
		}
	}
	memory := s.memory(after).DeepCopy()
	memory.Effects[effect.ID()] = flink.EffectResult{Effect: effect, Outcome: outcome, Message: "the model says so"}
	// That the trigger id is not known was said before it was sent.
	if operation := memory.Operation; operation != nil && operation.State == flink.OperationNotFound {
		memory.Operation = nil
	}
	after, _ = s.remember(after, memory)
	return after, true
}

// arrive is an effect reaching the JobManager; without one there is no answer.
func (s *search) arrive(at state, effect flink.Effect) (state, flink.Outcome) {
	outcome := flink.OutcomeUnknown
	if effect.Kind == flink.CancelJob {
		s.checkCancel(at)
	}
	after, _ := s.changeFlink(at, func(_ *flinkWorld, run *worldRun) bool {
		outcome = run.take(effect)
		return true
	})
	return after, outcome
}

// crash ends the operator. The next one knows what is recorded; its informers begin with what is there, or with what was.
func (s *search) crash(at state, oldList bool) (state, bool) {
	watch := WatchFor(s.cluster(at))
	after := at.with(partMemory, s.memories.number(flink.Observation{JobID: watch.JobID, Attempt: watch.Attempt})).with(partQueue, s.queues.number(nil))
	after = s.loseWitness(after)
	if oldList {
		return after.with(partSeen, at[partOlder]), at[partOlder] != at[partSeen] || at[partOlder] != at[partObjects]
	}
	return after.with(partSeen, at[partObjects]).with(partOlder, at[partObjects]), true
}

// pass lets time go by. No effect waits for long, and informers are late by two seconds at most.
func (s *search) pass(at state, by time.Duration) (state, bool) {
	if by > 2*time.Second {
		if len(s.queues.of(at[partQueue])) > 0 {
			return at, false
		}
		at, _ = s.inform(at, true, true)
	}
	key := passage{at[partStatus], at[partMemory], at[partFlink], by}
	to, known := s.passages[key]
	if !known {
		to = passage{
			status: s.number(aged(s.status(at), by)), memory: s.memories.number(aged(s.memory(at), by)), flink: s.flinks.number(aged(s.flink(at), by)),
		}
		s.passages[key] = to
	}
	return at.with(partStatus, to.status).with(partMemory, to.memory).with(partFlink, to.flink), true
}

// passage is what time changes.
type passage struct {
	status, memory, flink int32
	by                    time.Duration
}
