package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/race"
)

// Mutex is a mutual exclusion lock for the goroutines of all processes that share its memory: sync.Mutex,
// four bytes, ready when zeroed, not to be copied.
//
// If the process that holds it dies, the next Lock takes over: it returns with the lock held and
// Abandoned reporting true, until somebody has called Repaired. Guard does both. Nobody is ever taken
// for dead while a thread of it could still run, so a stopped holder keeps the lock.
//
// The holder is the process: another goroutine of it may unlock, a goroutine that locks twice waits for
// itself, and one that exits without unlocking leaves it locked for as long as its process lives.
//
// The n'th call of Unlock synchronizes before the n+1'st Lock returns, in whichever process.
//
// Waiters spin for some microseconds, then sleep. Fairness is a matter of practice, not of proof: once a
// waiter has waited for about 10 ms, who comes new has to sleep once before it may take the lock.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
type Mutex struct {
	_ noCopy

	// 31            3   2   1   0
	// +--------------+---+---+---+
	// |   owner      | H | W | A |
	// +--------------+---+---+---+
	mutex uint32
}

// Lock locks m, taking over from a dead holder.
func (m *Mutex) Lock() {
	if !atomic.CompareAndSwapUint32(&m.mutex, 0, owner.Word) {
		m.lockSlow()
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(m))
	}
}

// LockContext is Lock, unless ctx ends first: then it returns ctx's error and m is not held. A context
// that has ended already does not fail a call that need not wait.
func (m *Mutex) LockContext(ctx context.Context) error {
	if atomic.CompareAndSwapUint32(&m.mutex, 0, owner.Word) {
		if race.Enabled {
			race.Acquire(unsafe.Pointer(m))
		}
		return nil
	}
	return m.lockContextSlow(ctx)
}

// TryLock locks m if nobody holds it, and reports whether it did. It does not wait, may overtake those
// who do, and does take over from a dead holder, whom it asks about at most once a millisecond.
func (m *Mutex) TryLock() bool {
	if atomic.CompareAndSwapUint32(&m.mutex, 0, owner.Word) {
		if race.Enabled {
			race.Acquire(unsafe.Pointer(m))
		}
		return true
	}
	return m.tryLockSlow()
}

// Unlock unlocks m. It panics if the process does not hold m: that is a bug in the caller, or a peer has
// scribbled over the word.
func (m *Mutex) Unlock() {
	if race.Enabled {
		race.Release(unsafe.Pointer(m))
	}
	if !atomic.CompareAndSwapUint32(&m.mutex, owner.Word, 0) {
		m.unlockSlow()
	}
}

// Abandoned reports whether a holder has died with m locked and what m guards has not been repaired
// since. Only the holder may ask.
func (m *Mutex) Abandoned() bool { return atomic.LoadUint32(&m.mutex)&abandoned != 0 }

// Repaired says that what m guards is whole again. Only the holder may say it.
func (m *Mutex) Repaired() { m.clear(abandoned) }

// noCopy makes vet's copylocks check refuse copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
