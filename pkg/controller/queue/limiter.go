package queue

import (
	"sync"
	"time"
)

// limiter says how long a key waits after a failure: doubled with each failure in a row, within bounds, with jitter.
//
// client-go's default also has one token bucket for all keys: after an outage of the API server with 10,000 failing
// keys that bucket alone needs a quarter of an hour. Here a key waits for its own failures only.
type limiter[K comparable] struct {
	base   time.Duration
	max    time.Duration
	random func() float64

	lock     sync.Mutex
	failures map[K]int
}

func newLimiter[K comparable](base, maximum time.Duration, random func() float64) *limiter[K] {
	return &limiter[K]{base: base, max: maximum, random: random, failures: map[K]int{}}
}

// When counts one failure of key and returns the wait before its next try. The jitter takes away up to half of the
// step, never all of it: keys that failed together spread out, and none comes back at once.
func (l *limiter[K]) When(key K) time.Duration {
	l.lock.Lock()
	step := l.step(l.failures[key])
	l.failures[key]++
	l.lock.Unlock()
	return step - time.Duration(l.random()*float64(step)/2)
}

// Forget ends the count of failures of key.
func (l *limiter[K]) Forget(key K) {
	l.lock.Lock()
	defer l.lock.Unlock()
	delete(l.failures, key)
}

// NumRequeues returns the number of failures of key in a row.
func (l *limiter[K]) NumRequeues(key K) int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.failures[key]
}

// step is base doubled failures times, without overflow.
func (l *limiter[K]) step(failures int) time.Duration {
	step := l.base
	for range failures {
		if step >= l.max/2 {
			return l.max
		}
		step *= 2
	}
	return min(step, l.max)
}
