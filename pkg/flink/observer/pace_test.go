package observer

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flink-operator/flink-operator/pkg/flink"
)

func gaps(times []time.Duration) []time.Duration {
	var result []time.Duration
	for i := 1; i < len(times); i++ {
		result = append(result, times[i]-times[i-1])
	}
	return result
}

func TestPaceStable(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Stable))
		advance(3 * time.Minute)
		times := f.client.pollTimes(baseURL, f.start)
		assert.Zero(t, times[0])
		assert.Equal(t, []time.Duration{
			2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second,
		}, gaps(times)[:6])

		// A change is followed closely.
		f.client.set(func(c *fakeClient) { c.jobs[0].RunningTasks = 0 })
		f.PollNow(cluster)
		advance(7 * time.Second)
		times = f.client.pollTimes(baseURL, f.start)
		assert.Equal(t, []time.Duration{2 * time.Second, 4 * time.Second}, gaps(times[len(times)-3:]))
	})
}

func TestPaceStarting(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		f.Watch(cluster, target(Starting))
		advance(2 * time.Minute)
		between := gaps(f.client.pollTimes(baseURL, f.start))
		assert.Equal(t, 250*time.Millisecond, between[0])
		assert.Equal(t, 2*time.Second, between[len(between)-1])
		for i := 1; i < len(between); i++ {
			assert.GreaterOrEqual(t, between[i], between[i-1])
		}
	})
}

func TestPaceOperation(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Stable))
		advance(time.Minute)
		before := len(f.client.pollTimes(baseURL, f.start))

		following := target(Operation)
		following.TriggerID = triggerID
		asked := time.Since(f.start)
		f.Watch(cluster, following)
		advance(time.Minute)
		polls := f.client.pollTimes(baseURL, f.start)[before:]
		assert.Equal(t, 50*time.Millisecond, polls[0]-asked, "the request has a head start")
		between := gaps(polls)
		assert.Equal(t, 50*time.Millisecond, between[0])
		assert.Equal(t, 75*time.Millisecond, between[1])
		assert.Equal(t, 2*time.Second, between[len(between)-1])

		// The next operation starts at 50 ms again.
		before = len(f.client.pollTimes(baseURL, f.start))
		restart := time.Since(f.start)
		following.TriggerID = otherID
		f.Watch(cluster, following)
		f.Watch(cluster, following) // idempotent
		advance(time.Second)
		times := f.client.pollTimes(baseURL, f.start)[before:]
		assert.Equal(t, 50*time.Millisecond, times[0]-restart)
		assert.Equal(t, 50*time.Millisecond, gaps(times)[0])
	})
}

func TestPacePaused(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Stable))
		advance(time.Second)
		f.Watch(cluster, target(Paused))
		f.PollNow(cluster)
		advance(time.Hour)
		assert.Len(t, f.client.pollTimes(baseURL, f.start), 1)
		assert.Equal(t, flink.JobRunning, f.Observation(cluster).Job.Status)

		f.Watch(cluster, target(Stable))
		advance(time.Millisecond)
		assert.Len(t, f.client.pollTimes(baseURL, f.start), 2)
	})
}

func TestPaceFailing(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.Watch(cluster, target(Stable))
		advance(2 * time.Minute)
		before := len(f.client.pollTimes(baseURL, f.start))
		f.client.set(func(c *fakeClient) { c.err = errSilent })
		advance(2 * time.Minute)
		assert.Equal(t, []time.Duration{
			2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 15 * time.Second,
		}, gaps(f.client.pollTimes(baseURL, f.start)[before:])[:5])

		f.client.set(func(c *fakeClient) { c.err = nil })
		advance(15 * time.Second)
		before = len(f.client.pollTimes(baseURL, f.start))
		advance(time.Minute)
		assert.LessOrEqual(t, gaps(f.client.pollTimes(baseURL, f.start)[before-1:])[0], 4*time.Second)
	})
}

func TestPaceOfFreshCheckpoints(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.client.set(func(c *fakeClient) { c.statistics = every(2 * time.Second) })
		fresh := target(Stable)
		fresh.FreshCheckpoints = true
		f.Watch(cluster, fresh)
		advance(2 * time.Minute)
		between := gaps(f.client.pollTimes(baseURL, f.start))
		assert.Equal(t, 3*time.Second, between[len(between)-1])
	})
}

// every returns statistics with a checkpoint at each interval.
func every(interval time.Duration) *flink.CheckpointStatistics {
	statistics := &flink.CheckpointStatistics{}
	for number := int64(10); number > 0; number-- {
		statistics.History = append(statistics.History, flink.Snapshot{
			ID: number, Location: "file:/x", TriggerTime: time.UnixMilli(1e12).Add(time.Duration(number) * interval),
		})
	}
	return statistics
}

func TestFreshInterval(t *testing.T) {
	hostile := &flink.CheckpointStatistics{History: []flink.Snapshot{
		{TriggerTime: time.Unix(math.MaxInt32, 0)}, {TriggerTime: time.Unix(1, 0)},
	}}
	tests := map[string]struct {
		statistics *flink.CheckpointStatistics
		want       time.Duration
	}{
		"nothing known":   {nil, 10 * time.Second},
		"no history":      {&flink.CheckpointStatistics{}, 10 * time.Second},
		"ten a second":    {every(100 * time.Millisecond), time.Second},
		"every 2 seconds": {every(2 * time.Second), 3 * time.Second},
		"every minute":    {every(time.Minute), 10 * time.Second},
		"all at once":     {every(0), time.Second},
		"hostile":         {hostile, 10 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, freshInterval(test.statistics))
		})
	}
}

func TestJitter(t *testing.T) {
	assert.Equal(t, 999*time.Millisecond, jitter(999*time.Millisecond, 0))
	assert.Equal(t, 9*time.Second, jitter(10*time.Second, 0))
	assert.InDelta(t, 11*time.Second, jitter(10*time.Second, 1), float64(time.Microsecond))
}

func TestEffectPause(t *testing.T) {
	assert.Equal(t, 250*time.Millisecond, effectPause(1))
	assert.Equal(t, 500*time.Millisecond, effectPause(2))
	assert.Equal(t, 15*time.Second, effectPause(1000))
}
