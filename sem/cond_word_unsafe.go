package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// The word of a Cond moves by one compare-and-swap:
//
//	announce    (q, N, W) → (q, 1, W)     with the mutex held; q is the waiter's base
//	lie down    (q, N, W) → (q, N, 1)     before sleeping on exactly this word, if q is still the base
//	signal n    (q, N, W) → (q+n, 0, W)   if N or W is set; then wake n, if W is
//	broadcast   (q, N, W) → (q+J, 0, 0)   if N or W is set; then wake all, if W is
//
// A waiter is done as soon as q is not its base. N is for those who spin: they see q move, and nobody need
// make a system call for them. W stays, for a signal cannot know who sleeps besides the ones that it woke. To
// take it away without moving q would strand those who rely on it and do not sleep at the moment (the
// followers in a lot whose leader is up); so whose signals have woken nobody for a while broadcasts
// (see vain), and everybody who still waits announces himself anew.
//
// In each process only the leader of the lot sleeps, and others follow it. So a wake-up that reaches a leader
// may be meant for more: a leader that leaves hands its successor its base, moved on by the one signal that
// it takes itself. The successor's base is that or its own, whichever is later, and if q is still ahead of it
// it returns too, and so on. J is far more than signals come in a wake-up: a leader that is behind by as much
// takes nothing, and hands its base on as it is.
//
// Every slice of a process with a sleeper makes some of its waiters return. That heals all deaths: between the
// change and signal's swap, between the swap and its wake-up, woken and killed. A stale N or W costs a needless
// move or wake-up.
const (
	spinBit = 2 // N
	awaited = spinBit | waitBit
	signal1 = 4 // one step of q
	many    = 1 << 15
	signalJ = (many + 1) * signal1 // odd in steps: q comes round only after 2^30 broadcasts
)

// cascade is how many waiters of a process return on a slice, beside the leader.
const cascade = 31

func (c *Cond) seq() uint32 { return atomic.LoadUint32(&c.cond) &^ awaited }

// announce sets N and returns the caller's base.
func (c *Cond) announce() uint32 {
	for {
		w := atomic.LoadUint32(&c.cond)
		if w&spinBit != 0 || atomic.CompareAndSwapUint32(&c.cond, w, w|spinBit) {
			return w &^ awaited
		}
	}
}

// lieDown sets W and returns the word to sleep on, or reports false when there was a signal since base.
func (c *Cond) lieDown(base uint32) (word uint32, ok bool) {
	for {
		w := atomic.LoadUint32(&c.cond)
		if w&^awaited != base {
			return 0, false
		}
		if w&waitBit != 0 || atomic.CompareAndSwapUint32(&c.cond, w, w|waitBit) {
			return w | waitBit, true
		}
	}
}

//go:noinline
func (c *Cond) signal(n int) {
	if n < 1 {
		return
	}
	if n >= many {
		c.Broadcast()
		return
	}
	if race.Enabled {
		race.Release(unsafe.Pointer(c))
	}
	for {
		w := atomic.LoadUint32(&c.cond)
		if w&awaited == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&c.cond, w, w&^spinBit+uint32(n)*signal1) {
			if w&waitBit != 0 && siteOf(unsafe.Pointer(c)).vain(futex.Wake(&c.cond, n) == 0) {
				c.broadcast()
			}
			return
		}
	}
}

//go:noinline
func (c *Cond) broadcast() {
	for {
		w := atomic.LoadUint32(&c.cond)
		if w&awaited == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&c.cond, w, w&^awaited+signalJ) {
			if w&waitBit != 0 {
				futex.Wake(&c.cond, all)
			}
			return
		}
	}
}

// Stale implements park.Looker: see cascade.
func (c *Cond) Stale(*park.Tick) bool { return true }

// wait waits for a signal since base.
func (c *Cond) wait(ctx context.Context, base uint32) error {
	if !siteOf(unsafe.Pointer(c)).Spin(func() bool { return c.seq() != base }) {
		if err := c.park(ctx, base); err != nil {
			return err
		}
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(c))
	}
	return nil
}

func (c *Cond) park(ctx context.Context, base uint32) error {
	p := park.Join(ctx, &c.cond, c)
	defer p.Leave()
	for {
		w, wait := c.lieDown(base)
		switch {
		case !p.Leading():
			if !wait {
				return nil
			}
			if !p.Lead() {
				return ctx.Err()
			}
			b := bequestOf(p.Handed())
			if base = later(base, b.base); b.budget > 0 {
				c.hand(p, base, b.budget-1)
				return nil
			}
			continue
		case !wait:
			c.hand(p, base, 0)
			return nil
		}
		switch p.Sleep(w) {
		case park.Look:
			c.hand(p, base, cascade)
			return nil
		case park.Done:
			if c.seq() == base { // else there was a signal with it, which is not lost
				p.Hand(bequest{base: base}.number())
				return ctx.Err()
			}
		}
	}
}
