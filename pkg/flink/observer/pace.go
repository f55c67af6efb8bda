package observer

import (
	"slices"
	"time"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

const (
	startingShortest = 250 * time.Millisecond
	startingLongest  = 2 * time.Second
	startingGrowth   = time.Minute

	operationShortest = 50 * time.Millisecond
	operationLongest  = 2 * time.Second

	stableShortest = 2 * time.Second
	stableLongest  = 30 * time.Second
	failingLongest = 15 * time.Second

	freshShortest = time.Second
	freshLongest  = 10 * time.Second
	// retainedCheckpoints is the least number that the operator configures where it needs recorded checkpoints.
	retainedCheckpoints = 3

	// statisticsLifetime is how long Flink answers from its cache, and a little more.
	statisticsLifetime = 3100 * time.Millisecond

	jitterFrom = time.Second
)

// nextInterval returns the time from the end of a poll to the next one, and remembers it for growing.
func (r *record) nextInterval(now time.Time, changed bool) time.Duration {
	switch r.target.Pace {
	case Operation:
		r.interval = grow(r.interval, 3, 2, operationShortest, operationLongest)
	case Starting:
		elapsed := min(now.Sub(r.paceSince), startingGrowth)
		r.interval = startingShortest +
			time.Duration(float64(startingLongest-startingShortest)*float64(elapsed)/float64(startingGrowth))
	default:
		r.interval = r.stableInterval(changed)
	}
	if r.awaitsFinal() {
		// Somebody waits for the last word on an ended job, which is due at a known time.
		return min(r.interval, max(r.endedAt.Add(statisticsLifetime).Sub(now), operationShortest))
	}
	return r.interval
}

func (r *record) stableInterval(changed bool) time.Duration {
	switch {
	case r.failures == 1:
		return stableShortest
	case r.failures > 1:
		return grow(r.interval, 2, 1, stableShortest, failingLongest)
	}
	interval := grow(r.interval, 2, 1, stableShortest, stableLongest)
	if changed || r.recovered {
		interval = stableShortest
	}
	if r.target.FreshCheckpoints {
		interval = min(interval, freshInterval(r.observation.Checkpoints))
	}
	return interval
}

// freshInterval returns half of the time that the retained checkpoints cover, judged by the newest gaps in the history.
func freshInterval(statistics *flink.CheckpointStatistics) time.Duration {
	if statistics == nil {
		return freshLongest
	}
	var triggered []time.Time
	for _, snapshot := range statistics.History {
		if !snapshot.Savepoint && !snapshot.TriggerTime.IsZero() {
			triggered = append(triggered, snapshot.TriggerTime)
		}
	}
	if len(triggered) < 2 {
		return freshLongest
	}
	triggered = triggered[:min(len(triggered), retainedCheckpoints+1)]
	newest, oldest := slices.MaxFunc(triggered, time.Time.Compare), slices.MinFunc(triggered, time.Time.Compare)
	cadence := newest.Sub(oldest) / time.Duration(len(triggered)-1)
	// The order matters: a cadence of centuries (a hostile answer) must not overflow.
	return min(max(min(cadence, freshLongest)*retainedCheckpoints/2, freshShortest), freshLongest)
}

func grow(interval time.Duration, numerator, denominator int64, shortest, longest time.Duration) time.Duration {
	if interval == 0 {
		return shortest
	}
	return min(max(interval*time.Duration(numerator)/time.Duration(denominator), shortest), longest)
}

// jitter spreads an interval by ±10 %, so that clusters started together are not polled together for ever.
func jitter(interval time.Duration, random float64) time.Duration {
	if interval < jitterFrom {
		return interval
	}
	return time.Duration(float64(interval) * (0.9 + 0.2*random))
}

// effectPause returns how long an effect waits before it is sent again: the loops ask again as soon as they hear of a
// failure, and a JobManager that refuses connections fails at once.
func effectPause(attempts int) time.Duration {
	return min(250*time.Millisecond<<min(attempts-1, 10), failingLongest)
}
