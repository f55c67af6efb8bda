package observer

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

// keptEffects bounds the results that a long-lived job collects; decisions look at the latest few.
const keptEffects = 16

// record is all that is known of one target. Its identity is the target's: answers are applied only while the record
// is still the one of its key. The Observer's mutex guards it.
type record struct {
	key         types.NamespacedName
	target      Target
	observation flink.Observation
	meaning     meaning

	poll      entry
	pollAgain bool
	interval  time.Duration
	paceSince time.Time
	failures  int
	// recovered says that the latest poll was answered and the one before it was not.
	recovered bool
	// versionKnown is lost with each failure: the next JobManager to answer may be another one.
	versionKnown bool
	// unknownSince is when Flink first answered, in a row, that it does not know the trigger id; zero if it does.
	unknownSince time.Time
	// endedAt is when the job was first seen in a terminal state.
	endedAt time.Time

	effect entry
	queue  []queuedEffect
	// order holds the ids in Observation.Effects, oldest first.
	order []string
	// retryAfter holds when an effect that failed may be sent again.
	retryAfter map[string]time.Time
	// effectsDone counts results, so that a poll can tell whether an effect ended while it was on its way.
	effectsDone int
}

type queuedEffect struct {
	effect    flink.Effect
	notBefore time.Time
}

func newRecord(key types.NamespacedName, target Target, now time.Time) *record {
	created := &record{
		key:         key,
		target:      target,
		observation: flink.Observation{JobID: target.JobID, Attempt: target.Attempt, Effects: map[string]flink.EffectResult{}},
		paceSince:   now,
		retryAfter:  map[string]time.Time{},
	}
	created.poll.record, created.effect.record = created, created
	return created
}

// retarget takes over a target of the same job and returns when the next poll is due because of it; zero for
// "as planned".
func (r *record) retarget(target Target, now time.Time) time.Time {
	before := r.target
	r.target = target
	var pull time.Time
	if target.TriggerID != before.TriggerID {
		r.observation.Operation = nil
		r.meaning.operation = ""
		r.unknownSince = time.Time{}
		r.withdraw(before.TriggerID)
		if target.Pace == Operation {
			r.interval = 0
			pull = now.Add(operationShortest)
		}
	}
	if target.DisposalID != before.DisposalID {
		r.observation.Disposal = nil
		r.meaning.disposal = ""
		r.withdraw(before.DisposalID)
	}
	if target.Pace != before.Pace {
		r.interval, r.paceSince = 0, now
	}
	// Where a trigger id has come or gone, that poll is soon enough: a new savepoint's request gets a head start, and Flink is
	// not kept busy with questions before it.
	if pull.IsZero() && (target.Pace.rank() < before.Pace.rank() || target.FreshCheckpoints && !before.FreshCheckpoints) {
		pull = now
	}
	return pull
}

// withdraw drops an effect that waits to be sent again: its request has ended, and Flink may have forgotten the trigger id.
func (r *record) withdraw(triggerID string) {
	r.queue = slices.DeleteFunc(r.queue, func(queued queuedEffect) bool {
		if triggerID == "" || queued.effect.ID() != triggerID {
			return false
		}
		delete(r.observation.Effects, triggerID)
		r.order = slices.DeleteFunc(r.order, func(id string) bool { return id == triggerID })
		return true
	})
}

// disposalRequest is Flink's id of the disposal that is followed; empty for none, or for one whose end is known.
func (r *record) disposalRequest() string {
	if disposal := r.observation.Disposal; disposal != nil && disposal.State != flink.OperationInProgress {
		return ""
	}
	return r.observation.Effects[r.target.DisposalID].RequestID
}

// awaitsFinal says whether the job has ended and its last word is still to be read.
func (r *record) awaitsFinal() bool {
	return !r.endedAt.IsZero() && !r.observation.CheckpointsFinal && r.observation.Reachable
}

// queueEffect returns false where the effect is not to be sent (again).
func (r *record) queueEffect(effect flink.Effect, now time.Time) bool {
	id := effect.ID()
	result, known := r.observation.Effects[id]
	if known && (result.Outcome == flink.OutcomePending ||
		(result.Outcome == flink.OutcomeAccepted && !r.forgottenByFlink(id))) {
		return false
	}
	notBefore := now
	if after := r.retryAfter[id]; after.After(now) {
		notBefore = after
	}
	result.Effect, result.Outcome = effect, flink.OutcomePending
	r.store(id, result)
	r.queue = append(r.queue, queuedEffect{effect: effect, notBefore: notBefore})
	slices.SortStableFunc(r.queue, func(a, b queuedEffect) int { return a.notBefore.Compare(b.notBefore) })
	return true
}

// forgottenByFlink says whether Flink answered after it accepted an effect that it does not know its trigger id: a
// new JobManager. Only then may an accepted effect be sent again.
func (r *record) forgottenByFlink(id string) bool {
	operation := r.observation.Operation
	return operation != nil && operation.TriggerID == id && operation.State == flink.OperationNotFound
}

// store keeps a result and forgets the oldest that have ended.
func (r *record) store(id string, result flink.EffectResult) {
	if _, known := r.observation.Effects[id]; !known {
		r.order = append(r.order, id)
	}
	r.observation.Effects[id] = result
	for i := 0; len(r.order) > keptEffects && i < len(r.order); {
		oldest := r.order[i]
		if oldest == id || r.observation.Effects[oldest].Outcome == flink.OutcomePending {
			i++
			continue
		}
		delete(r.observation.Effects, oldest)
		delete(r.retryAfter, oldest)
		r.order = slices.Delete(r.order, i, i+1)
	}
}

// finishEffect takes over a result.
func (r *record) finishEffect(result flink.EffectResult, now time.Time) {
	id := result.Effect.ID()
	result.Attempts = r.observation.Effects[id].Attempts + 1
	r.effectsDone++
	r.store(id, result)
	delete(r.retryAfter, id)
	// Whatever was known of the trigger id is older than the effect: that Flink does not know it above all, on which an
	// effect whose outcome is unknown would be sent again and again.
	r.unknownSince = time.Time{}
	if r.forgottenByFlink(id) {
		r.observation.Operation = nil
		r.meaning.operation = ""
	}
	if result.Outcome != flink.OutcomeAccepted {
		r.retryAfter[id] = now.Add(effectPause(result.Attempts))
		return
	}
	if r.target.Pace == Operation {
		r.interval = 0
	}
}

// distrustCancel is called when a JobManager answers again after a silence. It may be a new one that recovered the
// job and never heard of the cancellation; savepoints and stops are recognised by their trigger id instead.
func (r *record) distrustCancel() {
	for id, result := range r.observation.Effects {
		if result.Effect.Kind == flink.CancelJob && result.Outcome == flink.OutcomeAccepted {
			result.Outcome, result.Message = flink.OutcomeUnknown, "the JobManager was away since it accepted"
			r.observation.Effects[id] = result
		}
	}
}
