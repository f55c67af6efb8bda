package status

import (
	"context"
	"sync"

	"k8s.io/client-go/tools/cache"
)

// keyedLocks is one lock for each key in use. A lock is a channel and not a mutex, so that waiting for it ends with
// the context, and counts as waiting in a synctest bubble.
type keyedLocks struct {
	mutex sync.Mutex
	locks map[cache.ObjectName]*keyedLock
}

type keyedLock struct {
	// held has room for one: who could send holds the lock.
	held chan struct{}
	// users hold the lock or wait for it. The last one removes it, so that deleted clusters leave nothing behind.
	users int
}

func newKeyedLocks() *keyedLocks {
	return &keyedLocks{locks: map[cache.ObjectName]*keyedLock{}}
}

// lock waits for the lock of key and returns the function that gives it back.
func (k *keyedLocks) lock(ctx context.Context, key cache.ObjectName) (unlock func(), err error) {
	lock := k.enter(key)
	select {
	case lock.held <- struct{}{}:
		return func() {
			<-lock.held
			k.leave(key, lock)
		}, nil
	case <-ctx.Done():
		k.leave(key, lock)
		return nil, context.Cause(ctx)
	}
}

func (k *keyedLocks) enter(key cache.ObjectName) *keyedLock {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	lock, exists := k.locks[key]
	if !exists {
		lock = &keyedLock{held: make(chan struct{}, 1)}
		k.locks[key] = lock
	}
	lock.users++
	return lock
}

func (k *keyedLocks) leave(key cache.ObjectName, lock *keyedLock) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	lock.users--
	if lock.users == 0 {
		delete(k.locks, key)
	}
}
