package park

import (
	"context"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/futex"
)

// Event is the word on which one direction of a ring sleeps (an event count). It lies in shared memory,
// at a multiple of eight; zero is ready.
//
//	63      34  33  32 31           0
//	+---------+---+---+-------------+
//	|         | A | W |     seq     |    W: somebody may sleep on this seq
//	+---------+---+---+-------------+    A: one of them takes nothing (Notify): wake all
//
// A sleeper announces (sets W), looks once more, and sleeps on the seq that it announced with.
// Whoever changes what sleepers wait for signals: with W clear that is one load; else one
// compare-and-swap clears W and A and moves seq on, so that nobody falls asleep on the old one, and all are
// woken, or one. Whoever is woken announces anew before it looks. One who was woken alone wakes the next when
// it leaves something behind, or takes nothing: see Pass.
//
// Killed after the change and before the swap, or between the swap and the wake-up: the sleepers' slices.
type Event abi.Event

func (e *Event) word() *uint64 { return (*uint64)(unsafe.Pointer(e)) }

const (
	waiting = 1 << 32
	watched = 1 << 33

	everybody = 1<<31 - 1
)

// Awaited is what a publisher loads after each publication; package fence says how the two are ordered.
func (e *Event) Awaited() bool { return atomic.LoadUint32(&e.Waiting) != 0 }

// Signal wakes all who wait, if anybody may.
func (e *Event) Signal() { e.signal(everybody) }

// Rouse wakes all who sleep, be they announced or not: a wake-up for one of them has cleared W for all. It is for what
// happens once and for all: nobody will announce it again.
func (e *Event) Rouse() {
	e.Announce()
	e.Signal()
}

// SignalOne wakes one process that waits, if any may, and reports whether it did.
func (e *Event) SignalOne() bool { return e.signal(1) }

func (e *Event) signal(n int) bool {
	for {
		v := atomic.LoadUint64(e.word())
		if v>>32 == 0 {
			return false
		}
		if atomic.CompareAndSwapUint64(e.word(), v, uint64(uint32(v)+1)) {
			if v&watched != 0 {
				n = everybody
			}
			futex.Wake(&e.Seq, n)
			return true
		}
	}
}

// Pass hands a wake-up on: by one who was woken and leaves something behind, or takes nothing.
func (e *Event) Pass() {
	e.announce(waiting)
	futex.Wake(&e.Seq, 1)
}

// Evict makes those of this process who wait with that look return to it, though others who wait for the same event stay.
// Their ready must be true by then.
func (e *Event) Evict(look Looker) {
	e.Rouse() // whoever leads
	evict(&e.Seq, look)
}

// Announce asks for a signal without sleeping on it: whoever signals this event then has a reason to look further.
func (e *Event) Announce() { e.announce(waiting) }

// announce returns the seq to sleep on.
func (e *Event) announce(bits uint64) uint32 {
	for {
		v := atomic.LoadUint64(e.word())
		if v&bits == bits || atomic.CompareAndSwapUint64(e.word(), v, v|bits) {
			return uint32(v)
		}
	}
}

// nap is how long a sleeper sleeps that may not call membarrier: see package fence.
const nap = time.Millisecond

// Await parks until ready reports true: nil; or until the context ends: its error, and nothing was taken.
// ready must be cheap, and is called by the goroutine itself. look may be nil when no process is named in
// the words.
func (e *Event) Await(ctx context.Context, look Looker, ready func() bool) error {
	if look == nil {
		look = nobody{}
	}
	w := Join(ctx, &e.Seq, look)
	defer w.Leave()
	for {
		v := e.announce(waiting)
		if !w.Leading() {
			if ready() { // a watcher may sleep at the head that has told so: see Notify
				return nil
			}
			if !w.Lead() {
				return ctx.Err()
			}
			continue
		}
		sure := fence.Heavy()
		switch {
		case ready():
			return nil
		case !sure:
			if err := doze(ctx); err != nil {
				return err
			}
			continue
		}
		if w.Sleep(v) == Done {
			return ctx.Err()
		}
	}
}

func doze(ctx context.Context) error {
	t := time.NewTimer(nap)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type nobody struct{}

func (nobody) Stale(*Tick) bool { return false }
