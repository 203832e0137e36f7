package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// Event is a flag that goroutines of all processes can wait for: Python's Event. Four bytes, ready when
// zeroed (then it is not set), not to be copied.
//
// Set wakes all who wait, also when Clear follows at once. Nobody holds an event, so no death takes
// anything along; one who is killed in Set has set it, and woken all, or has done nothing.
//
// The Set that sets the event synchronizes before the return of every Wait that it ends, and of every IsSet
// that reports true because of it, in whichever process. A Set that finds the event set does nothing.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
type Event struct {
	_ noCopy

	// 31          2   1   0
	// +------------+---+---+
	// |    seq     | S | W |    S: it is set    W: somebody may sleep on this word
	// +------------+---+---+
	event uint32
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool {
	if race.Enabled {
		defer race.Acquire(unsafe.Pointer(e))
	}
	return atomic.LoadUint32(&e.event)&isSet != 0
}

// Wait waits until the event is set, or ctx ends: then it returns ctx's error. It returns nil also when the
// event was set while it waited and has been cleared since. A context that has ended already does not fail
// a call that need not wait.
func (e *Event) Wait(ctx context.Context) error {
	if atomic.LoadUint32(&e.event)&isSet == 0 {
		return e.waitSlow(ctx)
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(e))
	}
	return nil
}

// Set sets the event and wakes all who wait.
func (e *Event) Set() {
	if race.Enabled {
		race.Release(unsafe.Pointer(e))
	}
	e.set()
}

// Clear unsets the event. Who waits goes on waiting.
func (e *Event) Clear() {
	for {
		w := atomic.LoadUint32(&e.event)
		if w&isSet == 0 || atomic.CompareAndSwapUint32(&e.event, w, w&^isSet) {
			return
		}
	}
}

// Notify joins the event to a Go select: until stop is called, c receives a token each time the event has
// been set, and one at once if it is set already. Tokens are sent as signal.Notify sends: without blocking,
// so c must have room for one, and a token that finds c full stands for the one in it. Who clears the event
// does so before looking at what it tells of. stop returns when no more tokens will be sent; call it before the
// memory is given up.
func (e *Event) Notify(c chan<- struct{}) (stop func()) {
	last := atomic.LoadUint32(&e.event)
	if last&isSet != 0 {
		last -= setting
	}
	return park.Notify(c, park.Watched{Word: &e.event, Look: e, Announce: e.await, Ready: func() bool {
		was := last
		last = atomic.LoadUint32(&e.event)
		return moved(was, last)
	}})
}
