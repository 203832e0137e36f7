package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// How the writer moves, once he has his word, which bars all who come:
//
//	look       all places are free: inside
//	bury       (dead, n) → 0
//	announce   at the drain, then look once more, and sleep there
//
// Who repairs what: killed while he waits at the drain or later, the slice of any who sleeps on his word
// takes it over, or frees it for readers, and the lock is Abandoned: nobody knows how far he came. Killed
// between burying and ringing: others find the free place on their slice.

// empty reports whether all places are free. Nobody who comes after this process took the writer's word
// stays in one.
func (rw *RWMutex) empty() bool {
	for i := range rw.readers {
		if !unclaimed(atomic.LoadUint64(&rw.readers[i].cell)) {
			return false
		}
	}
	return true
}

// bury frees the places of the dead, of which one may be what a reader waits for.
func (rw *RWMutex) bury() {
	if rw.places().bury() > 0 {
		rw.drain.ring(all)
	}
}

// awaitReaders spins, then sleeps at the drain until the readers have left or ctx ends.
func (rw *RWMutex) awaitReaders(ctx context.Context) error {
	site := siteOf(unsafe.Pointer(&rw.drain))
	if site.SpinAway(rw.empty) {
		return nil
	}
	look := site.mayAsk() // the context may end before the first slice
	w := park.Join(ctx, &rw.drain.word, (*drainer)(rw))
	defer w.Leave()
	for {
		if look {
			rw.bury()
		}
		word := rw.drain.announce()
		if rw.empty() {
			return nil
		}
		look = false
		if !w.Leading() {
			if !w.Lead() {
				return ctx.Err()
			}
			continue
		}
		switch w.Sleep(word) {
		case park.Look:
			look = true
		case park.Done: // all were woken: there is nothing to pass on
			return ctx.Err()
		}
	}
}

// drainer is an RWMutex to the writer that waits for readers.
type drainer RWMutex

// Stale implements park.Looker: the last reader has died after he left, or one has died inside.
func (d *drainer) Stale(t *park.Tick) bool {
	rw := (*RWMutex)(d)
	return rw.empty() || rw.places().stale(t)
}

// TryLock locks rw for writing if nobody holds it, and reports whether it did. It does not wait, may
// overtake those who do, and does take over from dead holders, whom it asks about at most once a
// millisecond. Of a TryLock and a TryRLock that meet, both may fail.
func (rw *RWMutex) TryLock() bool {
	if !rw.rwmutex.TryLock() {
		return false
	}
	if !rw.empty() && !rw.emptied() {
		rw.rwmutex.Unlock()
		return false
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(&rw.drain))
	}
	return true
}

// emptied buries the dead if it is time to ask, and looks again.
func (rw *RWMutex) emptied() bool {
	if !siteOf(unsafe.Pointer(&rw.drain)).mayAsk() {
		return false
	}
	rw.bury()
	return rw.empty()
}

// unlockSlow is Unlock when the word is more than the owner.
//
//go:noinline
func (rw *RWMutex) unlockSlow() {
	if !rw.held() {
		panic("sem: Unlock of an RWMutex that this process does not hold for writing")
	}
	rw.rwmutex.unlockSlow()
}
