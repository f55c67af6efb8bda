package observer

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	pollTimeout   = 5 * time.Second
	effectTimeout = 10 * time.Second
)

// startDue starts what is due and for which there is a place, and returns the time until the next is due. Nothing is
// planned where all places are taken: each end of a poll or effect wakes Run.
func (o *Observer) startDue(ctx context.Context, inFlight *sync.WaitGroup) (time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.clock.Now()
	effectWait, effectPlanned := o.startEach(now, &o.effects, len(o.executing), func(current *record) bool {
		return o.startEffect(ctx, inFlight, current)
	})
	pollWait, pollPlanned := o.startEach(now, &o.polls, len(o.polling), func(current *record) bool {
		return o.startPoll(ctx, inFlight, current)
	})
	switch {
	case effectPlanned && pollPlanned:
		return min(effectWait, pollWait), true
	case effectPlanned:
		return effectWait, true
	}
	return pollWait, pollPlanned
}

func (o *Observer) startEach(
	now time.Time, from *schedule, running int, start func(*record) bool,
) (time.Duration, bool) {
	for running < o.concurrency {
		next := from.next()
		if next == nil {
			return 0, false
		}
		if wait := next.at.Sub(now); wait > 0 {
			return wait, true
		}
		from.remove(next)
		if start(next.record) {
			running++
		}
	}
	return 0, false
}

// startPoll returns false where the key still has a poll in flight, for an earlier target: its end plans the next.
func (o *Observer) startPoll(ctx context.Context, inFlight *sync.WaitGroup, current *record) bool {
	if o.polling[current.key] != nil {
		return false
	}
	pollCtx, cancel := context.WithTimeout(ctx, pollTimeout)
	o.polling[current.key] = cancel
	asked := question{
		target:       current.target,
		startedAt:    o.clock.Now(),
		late:         o.clock.Now().Sub(current.poll.at),
		versionKnown: current.versionKnown,
		effectsDone:  current.effectsDone,
		requestID:    current.observation.Effects[current.target.TriggerID].RequestID,
		operation:    current.observation.Operation,
		disposalID:   current.disposalRequest(),
	}
	current.pollAgain = false
	inFlight.Go(func() {
		defer cancel()
		o.finishPoll(ctx, current, o.pollOnce(pollCtx, asked))
	})
	return true
}

// pollOnce asks without the mutex. A panic (an answer that our own code cannot bear) costs this cluster its poll, not
// the operator its life.
func (o *Observer) pollOnce(ctx context.Context, asked question) (heard answer) {
	defer func() {
		if recovered := recover(); recovered != nil {
			heard = answer{question: asked, err: panicked(ctx, recovered)}
		}
	}()
	return ask(ctx, o.client, asked)
}

// finishPoll gets the context of Run: answers that come in after the end of leadership are dropped.
func (o *Observer) finishPoll(ctx context.Context, current *record, heard answer) {
	now := o.clock.Now()
	changed := false
	o.mu.Lock()
	delete(o.polling, current.key)
	if o.records[current.key] != current {
		// The answer belongs to an earlier target; the place is free for the new one.
		if successor := o.records[current.key]; successor != nil && !successor.poll.planned() {
			o.planPoll(successor, now)
		}
	} else if ctx.Err() == nil {
		changed = current.apply(heard, now)
		interval := jitter(current.nextInterval(now, changed), o.random())
		if current.pollAgain {
			interval = 0
		}
		o.planPoll(current, now.Add(interval))
	}
	o.signal()
	o.mu.Unlock()
	o.metrics.PollDone(heard.err == nil, now.Sub(heard.question.startedAt), heard.question.late)
	logFailure(ctx, current, heard.err)
	if changed {
		o.notify(current.key)
	}
}

// startEffect returns false where the key still has an effect in flight, for an earlier target: its end plans the next.
func (o *Observer) startEffect(ctx context.Context, inFlight *sync.WaitGroup, current *record) bool {
	if o.executing[current.key] != nil || len(current.queue) == 0 {
		return false
	}
	effectCtx, cancel := context.WithTimeout(ctx, effectTimeout)
	o.executing[current.key] = cancel
	effect := current.queue[0].effect
	current.queue = current.queue[1:]
	baseURL, version, startedAt := current.target.BaseURL, current.observation.Version, o.clock.Now()
	inFlight.Go(func() {
		defer cancel()
		result := o.executeOnce(effectCtx, baseURL, version, effect)
		o.finishEffect(ctx, current, result, startedAt)
	})
	return true
}

func (o *Observer) executeOnce(
	ctx context.Context, baseURL, version string, effect flink.Effect,
) (result flink.EffectResult) {
	defer func() {
		if recovered := recover(); recovered != nil {
			result = flink.EffectResult{
				Effect: effect, Outcome: flink.OutcomeUnknown, Message: panicked(ctx, recovered).Error(),
			}
		}
	}()
	return o.client.Execute(ctx, baseURL, version, effect)
}

func (o *Observer) finishEffect(ctx context.Context, current *record, result flink.EffectResult, startedAt time.Time) {
	now := o.clock.Now()
	o.mu.Lock()
	delete(o.executing, current.key)
	applied := o.records[current.key] == current && ctx.Err() == nil
	if applied {
		current.finishEffect(result, now)
		o.planPoll(current, now)
	}
	if successor := o.records[current.key]; successor != nil {
		o.planEffect(successor)
	}
	o.signal()
	o.mu.Unlock()
	o.metrics.EffectDone(result.Effect.Kind, result.Outcome, now.Sub(startedAt))
	klog.FromContext(ctx).V(2).Info("Effect sent to Flink", "cluster", current.key, "effect", result.Effect.Kind,
		"jobID", result.Effect.JobID, "triggerID", result.Effect.TriggerID, "outcome", result.Outcome,
		"message", result.Message, "applied", applied)
	if applied {
		o.notify(current.key)
	}
}

func panicked(ctx context.Context, recovered any) error {
	err := fmt.Errorf("panic while talking to Flink: %v", recovered)
	klog.FromContext(ctx).Error(err, "Recovered from a panic", "stack", string(debug.Stack()))
	return err
}

func logFailure(ctx context.Context, current *record, err error) {
	if err != nil {
		klog.FromContext(ctx).V(4).Info("Flink did not answer a poll", "cluster", current.key, "err", err)
	}
}
