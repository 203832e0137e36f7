package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// The word of an Event moves by one compare-and-swap:
//
//	set        (q, 0, W) → (q+1, 1, 0)   then wake all, if W was set
//	clear      (q, 1, W) → (q, 0, W)
//	announce   (q, S, W) → (q, S, 1)     before sleeping on exactly this word; with S by watchers alone
//
// Who waits has seen some q without S: it is done as soon as there is another q, whatever S is by then.
//
// Killed between set's swap and its wake-up: the word differs from what the sleepers sleep on, which the
// slice of every process that has one sees. A stale W costs a needless wake-up.
const (
	isSet   = 2
	setting = 4 // one step of q
)

// moved reports whether the event was set between two looks.
func moved(from, to uint32) bool { return from/setting != to/setting }

func (e *Event) set() {
	for {
		w := atomic.LoadUint32(&e.event)
		if w&isSet != 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&e.event, w, w&^waitBit+(setting|isSet)) {
			if w&waitBit != 0 {
				futex.Wake(&e.event, all)
			}
			return
		}
	}
}

// await announces a sleeper and returns the word to sleep on.
func (e *Event) await() uint32 {
	for {
		w := atomic.LoadUint32(&e.event)
		if w&waitBit != 0 || atomic.CompareAndSwapUint32(&e.event, w, w|waitBit) {
			return w | waitBit
		}
	}
}

// Stale implements park.Looker: an event names nobody, its word says all.
func (e *Event) Stale(*park.Tick) bool { return false }

//go:noinline
func (e *Event) waitSlow(ctx context.Context) error {
	w := atomic.LoadUint32(&e.event)
	over := func() bool {
		now := atomic.LoadUint32(&e.event)
		return now&isSet != 0 || moved(w, now)
	}
	if !over() && !siteOf(unsafe.Pointer(e)).Spin(over) {
		if err := e.park(ctx, w); err != nil {
			return err
		}
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(e))
	}
	return nil
}

// park waits until the event has been set since it was seen as from.
func (e *Event) park(ctx context.Context, from uint32) error {
	p := park.Join(ctx, &e.event, e)
	defer p.Leave()
	for {
		w := e.await()
		ended := false
		switch {
		case w&isSet != 0 || moved(from, w):
			return nil
		case p.Leading():
			ended = p.Sleep(w) == park.Done
		default:
			ended = !p.Lead()
		}
		// A set that came with the end of the context counts.
		if ended && !moved(from, atomic.LoadUint32(&e.event)) {
			return ctx.Err()
		}
	}
}
