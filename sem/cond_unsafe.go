package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/race"
)

// Cond lets goroutines of all processes wait until what a Mutex guards has changed: sync.Cond, with a
// context. Four bytes, ready when zeroed, not to be copied.
//
//	m.Lock()
//	for !condition() {
//		if err := c.Wait(ctx, m); err != nil {
//			m.Unlock()
//			return err
//		}
//	}
//	… // the condition holds, and so does the lock
//	m.Unlock()
//
// Wait may return although nobody has signalled, so it belongs into a loop; WaitFor is that loop. It does so
// on purpose, some twenty times a second: so the death of a process between its change and its signal, or
// of one that was just woken, delays the others and strands nobody.
//
// All who wait on a Cond at one time use the same Mutex. A Signal or Broadcast synchronizes before the
// return of every Wait that it ends, in whichever process.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
type Cond struct {
	_ noCopy

	// 31          2   1   0
	// +------------+---+---+    N: somebody has announced itself and is not asleep
	// |    seq     | N | W |    W: somebody may sleep on this word
	// +------------+---+---+
	cond uint32
}

// Wait unlocks m, waits for a signal, and locks m again. If ctx ends before a signal comes it returns ctx's
// error, and m is locked again then too; it takes no signal along. It panics if the process does not hold m.
//
// When Wait returns, m may be Abandoned: its holder may have died meanwhile.
func (c *Cond) Wait(ctx context.Context, m *Mutex) error {
	if atomic.LoadUint32(&m.mutex)>>ownerShift != owner.ID() {
		panic("sem: Cond.Wait with a Mutex that this process does not hold")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	base := c.announce()
	m.Unlock()
	err := c.wait(ctx, base)
	m.Lock()
	return err
}

// WaitFor waits until pred reports true: nil; or until ctx ends and pred still reports false: ctx's error.
// pred is called with m locked, at once and after each wake-up. m is locked on return, with an error too.
func (c *Cond) WaitFor(ctx context.Context, m *Mutex, pred func() bool) error {
	for !pred() {
		if err := c.Wait(ctx, m); err != nil {
			if pred() {
				return nil
			}
			return err
		}
	}
	return nil
}

// Signal wakes at least n of those who wait, or all if they are fewer; n below 1 wakes nobody. The caller
// changes what they wait for with the mutex locked; it may signal before or after it unlocks.
func (c *Cond) Signal(n int) {
	if atomic.LoadUint32(&c.cond)&awaited != 0 {
		c.signal(n)
	}
}

// Broadcast wakes all who wait.
func (c *Cond) Broadcast() {
	if race.Enabled {
		race.Release(unsafe.Pointer(c))
	}
	if atomic.LoadUint32(&c.cond)&awaited != 0 {
		c.broadcast()
	}
}
