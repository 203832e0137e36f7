package sem

import (
	"context"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/race"
)

// RWMutex is a lock that one writer holds or any number of readers, for the goroutines of all processes
// that share its memory: sync.RWMutex, 1152 bytes, ready when zeroed, not to be copied.
//
// Up to eight processes read at once, each with as many goroutines as it likes; a ninth waits until one of
// them has given back all its read locks. (A process takes a second of the eight places when the one that
// it comes to first is free again while it still reads in another.) A writer waits for the readers who are
// inside, and bars those who come, so readers cannot starve it; as with sync.RWMutex, who read-locks twice
// may wait for a writer that waits for him.
//
// If a process dies that holds it for writing, or waits for readers to leave, the next Lock or RLock takes
// over, and Abandoned reports true until a writer has called Repaired. Guard does both. If one dies that
// holds it for reading, its read locks are gone. Nobody is ever taken for dead while a thread of it could
// still run, so a stopped holder keeps the lock.
//
// The holder is the process: another goroutine of it may unlock, and one that exits without unlocking
// leaves it locked for as long as its process lives.
//
// The n'th call of Unlock synchronizes before the return of a later Lock or RLock, and a call of RUnlock
// before the return of the Lock that waited for it, in whichever process.
//
// Waiters spin for some microseconds, then sleep. Who has waited for a writer for about 10 ms bars writers
// that have not slept yet, which lets a woken reader in: practice, not proof.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
type RWMutex struct {
	_ noCopy

	rwmutex Mutex // the writer
	drain   bell  // rung when a place becomes free
	_       [120]byte
	readers [places]place
}

// places is how many processes may read at once.
const places = 8

// place has a cell of its own cache lines: its note is the number of the process's read locks in it.
type place struct {
	cell uint64
	_    [120]byte
}

// usual is which place of any RWMutex this process looks at first: that of its id, until it finds another
// process there, and takes the place that it took instead. So two whose ids say the same place do not share a
// cache line for long.
var usual = owner.Word >> (32 - 3)

// home is the place at which this process looks first.
func (rw *RWMutex) home() *uint64 { return &rw.readers[atomic.LoadUint32(&usual)%places].cell }

// RLock locks rw for reading, taking over from a dead writer.
func (rw *RWMutex) RLock() {
	in := atomic.CompareAndSwapUint64(rw.home(), 0, uint64(owner.Word)|one)
	if !in || atomic.LoadUint32(&rw.rwmutex.mutex)>>ownerShift != 0 {
		rw.rlockSlow(in)
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(&rw.rwmutex))
	}
}

// RLockContext is RLock, unless ctx ends first: then it returns ctx's error and rw is not held. A context
// that has ended already does not fail a call that need not wait.
func (rw *RWMutex) RLockContext(ctx context.Context) error {
	in := atomic.CompareAndSwapUint64(rw.home(), 0, uint64(owner.Word)|one)
	if race.Enabled || !in || atomic.LoadUint32(&rw.rwmutex.mutex)>>ownerShift != 0 {
		return rw.rlockContextSlow(ctx, in)
	}
	return nil
}

// RUnlock gives back one read lock. It panics if the process has none: that is a bug in the caller, or a
// peer has scribbled over the words.
func (rw *RWMutex) RUnlock() {
	if race.Enabled {
		race.Release(unsafe.Pointer(&rw.drain))
	}
	out := atomic.CompareAndSwapUint64(rw.home(), uint64(owner.Word)|one, 0)
	if !out || atomic.LoadUint32(&rw.drain.word)&waitBit != 0 {
		rw.runlockSlow(out)
	}
}

// Lock locks rw for writing, taking over from a dead writer and from dead readers.
func (rw *RWMutex) Lock() {
	rw.rwmutex.Lock()
	if !rw.empty() {
		_ = rw.awaitReaders(context.Background())
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(&rw.drain))
	}
}

// LockContext is Lock, unless ctx ends first: then it returns ctx's error and rw is not held. A context
// that has ended already does not fail a call that need not wait.
func (rw *RWMutex) LockContext(ctx context.Context) error {
	if err := rw.rwmutex.LockContext(ctx); err != nil {
		return err
	}
	if !rw.empty() {
		if err := rw.awaitReaders(ctx); err != nil {
			rw.rwmutex.letGo() // no panic if a peer has scribbled over the word meanwhile
			return err
		}
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(&rw.drain))
	}
	return nil
}

// Unlock unlocks rw for writing. It panics if the process does not hold rw so: that is a bug in the caller,
// or a peer has scribbled over the word.
func (rw *RWMutex) Unlock() {
	if race.Enabled {
		race.Release(unsafe.Pointer(&rw.rwmutex))
	}
	if !atomic.CompareAndSwapUint32(&rw.rwmutex.mutex, owner.Word, 0) {
		rw.unlockSlow()
	}
}

// Abandoned reports whether a writer has died with rw locked and what rw guards has not been repaired
// since. Only a holder may ask, a reader too.
func (rw *RWMutex) Abandoned() bool { return rw.rwmutex.Abandoned() }

// Repaired says that what rw guards is whole again. Only who holds rw for writing may say it.
func (rw *RWMutex) Repaired() { rw.rwmutex.Repaired() }

// RLocker returns rw as a sync.Locker for readers.
func (rw *RWMutex) RLocker() sync.Locker { return (*rlocker)(rw) }

type rlocker RWMutex

func (r *rlocker) Lock()   { (*RWMutex)(r).RLock() }
func (r *rlocker) Unlock() { (*RWMutex)(r).RUnlock() }
