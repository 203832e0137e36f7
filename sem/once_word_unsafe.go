package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// The word of a Once moves by one compare-and-swap:
//
//	begin      (0, W, 0) → (me, W, 0)
//	take over  (dead, W, 0) → (me, W, 0)
//	announce   (x, W, 0) → (x, 1, 0)     before sleeping on exactly this word
//	finish     (me, W, 0) → (0, 0, 1)    then wake all, if W was set
//	give up    (me, W, 0) → (0, 0, 0)    then wake all, if W was set: the first of them begins
//
// Killed while it is at it: any waiter's slice takes over. Killed between a swap and its wake-up: the word
// differs from what the sleepers sleep on, which the slice of every process that has one sees.
const done = 1 // D

// beginning is one goroutine's attempt to be the one that does it.
type beginning struct {
	o    *Once
	look bool // it has just come, or a slice is over: ask whether who is at it lives
}

// begin makes the word ours, or says that it is done, or returns the word to sleep on, announced.
func (b *beginning) begin() (sleepOn uint32, mine, over bool) {
	o := b.o
	for {
		w := atomic.LoadUint32(&o.once)
		id := w >> ownerShift
		var to uint32
		switch {
		case w&done != 0:
			return 0, false, true
		case id == 0 || b.look && o.dead(w):
			to, mine = owner.Word|w&waiting, true
		case w&waiting != 0:
			return w, false, false
		default:
			to, mine = w|waiting, false
		}
		if atomic.CompareAndSwapUint32(&o.once, w, to) {
			return to, mine, false
		}
	}
}

func (o *Once) dead(w uint32) bool { return !owner.Alive(unsafe.Pointer(o), w>>ownerShift) }

// Stale implements park.Looker.
func (o *Once) Stale(t *park.Tick) bool {
	return t.Dead(unsafe.Pointer(o), atomic.LoadUint32(&o.once)>>ownerShift)
}

//go:noinline
func (o *Once) doSlow(ctx context.Context, f func() error) error {
	mine, err := o.wait(ctx)
	switch {
	case err != nil:
		return err
	case mine:
		return o.do(f)
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(o))
	}
	return nil
}

// wait waits until it is done, or the word is ours.
func (o *Once) wait(ctx context.Context) (mine bool, err error) {
	site := siteOf(unsafe.Pointer(o))
	b := beginning{o, site.mayAsk()} // the context may end before the first slice
	if _, mine, over := b.begin(); mine || over {
		return mine, nil
	}
	if site.Spin(func() bool { return atomic.LoadUint32(&o.once)&done != 0 }) {
		return false, nil
	}
	w := park.Join(ctx, &o.once, o)
	defer w.Leave()
	for {
		word, mine, over := b.begin()
		if mine || over {
			return mine, nil
		}
		b.look = false
		if !w.Leading() {
			if !w.Lead() {
				return false, ctx.Err()
			}
			continue
		}
		switch w.Sleep(word) {
		case park.Look:
			b.look = true
		case park.Done:
			return false, ctx.Err()
		}
	}
}

// do calls f with the word ours.
func (o *Once) do(f func() error) (err error) {
	to := uint32(0)
	defer func() { o.leave(to) }() // also when f panics or ends its goroutine
	if race.Enabled {
		race.Acquire(unsafe.Pointer(o))
	}
	if err = f(); err == nil {
		to = done
	}
	return err
}

// leave ends our turn and wakes all who wait. What a peer has scribbled over the word meanwhile stays, unless
// it is done.
func (o *Once) leave(to uint32) {
	if race.Enabled {
		race.Release(unsafe.Pointer(o))
	}
	for {
		w := atomic.LoadUint32(&o.once)
		if to != done && w>>ownerShift != owner.ID() {
			return
		}
		if atomic.CompareAndSwapUint32(&o.once, w, to) {
			if w&waiting != 0 {
				futex.Wake(&o.once, all)
			}
			return
		}
	}
}
