package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimiterDoublesUpToItsMaximum(t *testing.T) {
	t.Parallel()
	l := newLimiter[string](100*time.Millisecond, 30*time.Second, func() float64 { return 0 })
	var waits []time.Duration
	for range 12 {
		waits = append(waits, l.When("a"))
	}
	ms := time.Millisecond
	require.Equal(t, []time.Duration{
		100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 12800 * ms,
		25600 * ms, 30 * time.Second, 30 * time.Second, 30 * time.Second,
	}, waits)
	require.Equal(t, 100*ms, l.When("b"), "another key has its own count")

	require.Equal(t, 12, l.NumRequeues("a"))
	l.Forget("a")
	require.Zero(t, l.NumRequeues("a"))
	require.Equal(t, 100*ms, l.When("a"))
}

func TestLimiterJitterTakesAwayUpToHalf(t *testing.T) {
	t.Parallel()
	l := newLimiter[string](time.Second, time.Minute, func() float64 { return 0.999 })
	wait := l.When("a")
	require.Greater(t, wait, 500*time.Millisecond)
	require.Less(t, wait, 510*time.Millisecond)
}

func TestLimiterDoesNotOverflow(t *testing.T) {
	t.Parallel()
	l := newLimiter[string](time.Hour, 1<<62, func() float64 { return 0 })
	for range 100 {
		require.Positive(t, l.When("a"))
	}
}

func TestLimiterBaseAboveMaximum(t *testing.T) {
	t.Parallel()
	l := newLimiter[string](time.Minute, time.Second, func() float64 { return 0 })
	require.Equal(t, time.Second, l.When("a"))
}
