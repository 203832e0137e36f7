package sem

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/race"
)

// tryLockSlow is TryLock when the word is not zero: free with bits that must be kept, or held.
//
//go:noinline
func (m *Mutex) tryLockSlow() bool {
	for {
		w := atomic.LoadUint32(&m.mutex)
		to := owner.Word | w&(abandoned|waiting|handoff)
		if w>>ownerShift != 0 {
			if !m.orphaned(w) {
				return false
			}
			to |= abandoned | waiting
		}
		if atomic.CompareAndSwapUint32(&m.mutex, w, to) {
			if race.Enabled {
				race.Acquire(unsafe.Pointer(m))
			}
			return true
		}
	}
}

// orphaned reports whether w's holder is dead, asking at most once a millisecond.
func (m *Mutex) orphaned(w uint32) bool {
	if w>>ownerShift == owner.ID() {
		return false
	}
	return siteOf(unsafe.Pointer(m)).mayAsk() && m.dead(w)
}
