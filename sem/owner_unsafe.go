package sem

import (
	"context"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/race"
)

// Owner locks an RMutex, as often as it likes: the first Lock waits for other owners, the others count, and
// the last Unlock lets go. It belongs to one process.
//
// If the process of the owner that holds the lock dies, the next owner takes over, and finds it
// Abandoned until Repaired, as with a Mutex. An Owner that is forgotten while it holds the lock keeps it for as
// long as its process lives.
//
// All methods are safe for concurrent use, and goroutines that share an Owner do not exclude each other:
// while it holds the lock they all do. The Unlock that lets go synchronizes before the next Lock that waits
// for it returns, in whichever process.
type Owner struct {
	m *RMutex

	mu    sync.Mutex
	depth int
	busy  chan struct{} // while one goroutine of this owner waits for the lock; closed when it has ended
}

// Lock locks the mutex, or counts one more if this owner holds it already.
func (o *Owner) Lock() { _ = o.LockContext(context.Background()) }

// LockContext is Lock, unless ctx ends first: then it returns ctx's error, and nothing has changed. A
// context that has ended already does not fail a call that need not wait.
func (o *Owner) LockContext(ctx context.Context) error {
	for {
		o.mu.Lock()
		if o.depth > 0 || o.busy == nil && o.m.rmutex.tryFree() {
			o.set(o.depth + 1)
			o.mu.Unlock()
			return nil
		}
		busy := o.busy
		if busy == nil {
			break
		}
		o.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	o.busy = make(chan struct{})
	o.mu.Unlock()
	err := o.m.rmutex.LockContext(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.busy)
	o.busy = nil
	if err == nil {
		o.set(1)
	}
	return err
}

// TryLock locks the mutex, or counts one more, if that needs no waiting, and reports whether it did. As
// Mutex.TryLock it takes over from a dead holder.
func (o *Owner) TryLock() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.depth == 0 && (o.busy != nil || !o.m.rmutex.TryLock()) {
		return false
	}
	o.set(o.depth + 1)
	return true
}

// Unlock takes back one Lock, and lets go with the last one. It panics if this owner does not hold the
// mutex.
func (o *Owner) Unlock() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held("Unlock")
	o.set(o.depth - 1)
	if o.depth == 0 {
		o.m.rmutex.Unlock()
	}
}

// Abandoned reports whether a holder has died and what the mutex guards has not been repaired since. It
// panics if this owner does not hold the mutex.
func (o *Owner) Abandoned() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held("Abandoned")
	return o.m.rmutex.Abandoned()
}

// Repaired says that what the mutex guards is whole again. It panics if this owner does not hold the mutex.
func (o *Owner) Repaired() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held("Repaired")
	o.m.rmutex.Repaired()
}

// Depth is how often this owner has locked and not unlocked.
func (o *Owner) Depth() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.depth
}

func (o *Owner) held(call string) {
	if o.depth == 0 {
		panic("sem: " + call + " by an Owner that does not hold its RMutex")
	}
}

// set is called with the mutex held.
func (o *Owner) set(depth int) {
	o.depth = depth
	atomic.StoreUint32(&o.m.depth, uint32(depth))
}

// tryFree takes a word that is free and not barred, as one does who comes new.
func (m *Mutex) tryFree() bool {
	if !m.tryWord() {
		return false
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(m))
	}
	return true
}
