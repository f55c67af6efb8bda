package observer

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

func savepoint() flink.Effect {
	return flink.Effect{Kind: flink.TriggerSavepoint, JobID: jobID, TriggerID: triggerID, Directory: "file:/sp"}
}

func cancelJob() flink.Effect {
	return flink.Effect{Kind: flink.CancelJob, JobID: jobID}
}

func following(trigger string) Target {
	followed := target(Operation)
	followed.TriggerID = trigger
	return followed
}

func TestEffect(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Stable))
		advance(time.Minute)
		polls := len(f.client.pollTimes(baseURL, f.start))
		f.notifications()

		f.Execute(cluster, savepoint())
		assert.Equal(t, flink.OutcomePending, f.Observation(cluster).EffectOutcome(triggerID).Outcome)
		f.Execute(cluster, savepoint())
		advance(time.Millisecond)
		assert.Equal(t, flink.EffectResult{Effect: savepoint(), Outcome: flink.OutcomeAccepted, Attempts: 1},
			f.Observation(cluster).EffectOutcome(triggerID))
		assert.Equal(t, 1, f.notifications())
		assert.Len(t, f.client.pollTimes(baseURL, f.start), polls+1, "a poll follows at once")

		f.Execute(cluster, savepoint())
		advance(time.Minute)
		assert.Equal(t, 1, f.client.effectCount())
	})
}

func TestEffectsThatAreDropped(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Execute(cluster, savepoint())
		f.Watch(cluster, target(Stable))
		other := savepoint()
		other.JobID = otherID
		f.Execute(cluster, other)
		advance(time.Minute)
		assert.Zero(t, f.client.effectCount())
		assert.Empty(t, f.Observation(cluster).Effects)
	})
}

// The loops ask again as soon as they hear of a failure; the pause between two attempts is the observer's.
func TestEffectIsSentAgainAfterAPause(t *testing.T) {
	for _, outcome := range []flink.Outcome{flink.OutcomeUnknown, flink.OutcomeRefused} {
		t.Run(string(outcome), func(t *testing.T) {
			run(t, func(t *testing.T, f *fixture) {
				f.client.set(func(c *fakeClient) { c.outcome = outcome })
				f.Watch(cluster, target(Paused))
				f.Execute(cluster, savepoint())
				advance(time.Minute)
				assert.Equal(t, 1, f.client.effectCount(), "not asked again, not sent again")
				assert.Equal(t, outcome, f.Observation(cluster).EffectOutcome(triggerID).Outcome)

				for range 60_000 { // a minute in which it is asked for every millisecond
					f.Execute(cluster, savepoint())
					advance(time.Millisecond)
				}
				assert.Less(t, f.client.effectCount(), 12)
				assert.Greater(t, f.client.effectCount(), 5)

				f.client.set(func(c *fakeClient) { c.outcome = flink.OutcomeAccepted })
				f.Execute(cluster, savepoint())
				advance(15 * time.Second)
				result := f.Observation(cluster).EffectOutcome(triggerID)
				assert.Equal(t, flink.OutcomeAccepted, result.Outcome)
				assert.Equal(t, f.client.effectCount(), result.Attempts)
			})
		})
	}
}

func TestOneEffectAtATime(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.hangEffects = true })
		f.Watch(cluster, target(Paused))
		f.Execute(cluster, savepoint())
		f.Execute(cluster, cancelJob())
		advance(9 * time.Second)
		assert.Equal(t, 1, f.client.effectCount())
		f.client.set(func(c *fakeClient) { c.hangEffects = false })
		advance(2 * time.Second)
		assert.Equal(t, 2, f.client.effectCount())
		observation := f.Observation(cluster)
		assert.Equal(t, flink.OutcomeUnknown, observation.EffectOutcome(triggerID).Outcome)
		assert.Equal(t, flink.OutcomeAccepted, observation.EffectOutcome(cancelJob().ID()).Outcome)
	})
}

func TestPollsNeverDelayAnEffect(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		for number := range 100 {
			key, target := named(number)
			f.client.set(func(c *fakeClient) { c.hang[target.BaseURL] = true })
			f.Watch(key, target)
		}
		advance(time.Second)
		assert.Equal(t, defaultConcurrency, f.client.maxTotal)
		key, _ := named(99)
		f.Execute(key, savepoint())
		advance(time.Millisecond)
		assert.Equal(t, 1, f.client.effectCount())
	})
}

func TestEffectOfAnEarlierTargetIsDropped(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.hangEffects = true })
		f.Watch(cluster, target(Paused))
		f.Execute(cluster, savepoint())
		advance(time.Second)
		next := target(Paused)
		next.JobID = otherID
		f.Watch(cluster, next)
		f.client.set(func(c *fakeClient) { c.hangEffects = false })
		effect := savepoint()
		effect.JobID = otherID
		f.Execute(cluster, effect)
		advance(time.Millisecond)
		assert.Equal(t, 2, f.client.effectCount())
		assert.Equal(t, map[string]flink.EffectResult{
			triggerID: {Effect: effect, Outcome: flink.OutcomeAccepted, Attempts: 1},
		}, f.Observation(cluster).Effects)
		assert.Equal(t, 1, f.notifications())
	})
}

// "Not found" that was said before the effect arrived must not be read as "forgotten".
func TestNotFoundBeforeTheEffectIsNoNews(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.operation, c.hangEffects = flink.OperationNotFound, true })
		f.Watch(cluster, following(triggerID))
		f.Execute(cluster, savepoint())
		advance(5 * time.Second)
		assert.NotZero(t, f.client.count("Operation"))
		assert.Nil(t, f.Observation(cluster).Operation)

		f.client.set(func(c *fakeClient) { c.operation, c.hangEffects = flink.OperationInProgress, false })
		advance(6 * time.Second)
		assert.Equal(t, flink.OutcomeUnknown, f.Observation(cluster).EffectOutcome(triggerID).Outcome)
		assert.Equal(t, flink.OperationInProgress, f.Observation(cluster).Operation.State)
	})
}

// A new JobManager does not know the trigger id: the accepted effect may be sent again, and the old answer goes.
func TestAcceptedEffectThatFlinkForgot(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, following(triggerID))
		f.Execute(cluster, savepoint())
		advance(5 * time.Second)
		f.client.set(func(c *fakeClient) { c.operation = flink.OperationNotFound })
		advance(5 * time.Second)
		assert.Equal(t, flink.OperationNotFound, f.Observation(cluster).Operation.State)

		f.client.set(func(c *fakeClient) { c.operation = flink.OperationInProgress })
		f.Execute(cluster, savepoint())
		advance(time.Second)
		assert.Equal(t, 2, f.client.effectCount())
		assert.Equal(t, flink.OperationInProgress, f.Observation(cluster).Operation.State)
	})
}

func TestAcceptedCancellationIsDistrustedAfterSilence(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Operation))
		f.Execute(cluster, cancelJob())
		advance(time.Second)
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		advance(10 * time.Second)
		assert.Equal(t, flink.OutcomeAccepted, f.Observation(cluster).EffectOutcome(cancelJob().ID()).Outcome)
		f.client.set(func(c *fakeClient) { c.err = nil })
		advance(10 * time.Second)
		assert.Equal(t, flink.OutcomeUnknown, f.Observation(cluster).EffectOutcome(cancelJob().ID()).Outcome)
		f.Execute(cluster, cancelJob())
		advance(time.Millisecond)
		assert.Equal(t, 2, f.client.effectCount())
	})
}

// Flink 1.14 chooses the id itself.
func TestOperationIsFollowedByFlinksOwnID(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.requestID = otherID })
		f.Watch(cluster, target(Stable))
		advance(time.Second)
		f.Execute(cluster, savepoint())
		advance(time.Second)
		f.Watch(cluster, following(triggerID))
		advance(time.Second)
		assert.Equal(t, otherID, f.client.operations[0])
		assert.Equal(t, triggerID, f.Observation(cluster).Operation.TriggerID)
	})
}

func TestEffectResultsAreBounded(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Paused))
		for number := range 100 {
			effect := savepoint()
			effect.TriggerID = fmt.Sprintf("%032x", number)
			f.Execute(cluster, effect)
			advance(time.Second)
		}
		effects := f.Observation(cluster).Effects
		assert.Len(t, effects, keptEffects)
		assert.Contains(t, effects, fmt.Sprintf("%032x", 99))
	})
}
