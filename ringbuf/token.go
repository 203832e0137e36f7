package ringbuf

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// Slot is a place in the ring that its holder may write to, in place. If its process dies before Commit it never
// becomes visible. The zero Slot does nothing.
type Slot[T any] struct {
	V    *T // holds whatever was there; good until Commit or Abort. A peer with write access may change it
	p    *stand[T]
	at   uint64
	wake bool // the call that has reserved it took a wake-up
}

// Reserve claims the next place, in place, and waits while there is none, until ctx ends. Items behind it wait until
// Commit or Abort: do not dawdle. After Shutdown it is io.ErrClosedPipe.
func (m *MPMC[T]) Reserve(ctx context.Context) (s Slot[T], err error) {
	p, err := m.open()
	if err != nil {
		return s, err
	}
	if p.mail != nil {
		return s, inPlace("Reserve", "ReserveSlot")
	}
	defer runtime.KeepAlive(p)
	err = p.enter(func() error {
		h := p.hunt(ctx)
		if err := p.claim(&h); err != nil {
			return err
		}
		s = Slot[T]{V: &p.all[h.pos&p.mask].v, p: p, at: h.pos, wake: h.slept}
		if h.slept { // not at Commit: that may be a while
			p.handRoomOn()
		}
		return nil
	})
	return s, err
}

// Commit puts the item into the ring. A second Commit, or one after Abort, does nothing.
func (s Slot[T]) Commit() {
	if s.p != nil {
		s.end(s.p.ready(s.at))
	}
}

// Abort gives the place up: consumers pass over it, and nothing was put. After Commit it does nothing, so it may be
// deferred.
func (s Slot[T]) Abort() {
	if s.p != nil {
		s.end(s.p.held(s.at, 0, abi.SlotWriting))
	}
}

// end moves the word on from Writing. Never straight to Free: a consumer may not have come so far.
func (s Slot[T]) end(to uint64) {
	p := s.p
	_ = p.r.protect(func() error {
		word := p.r.word(s.at)
		cellRelease(word)
		if atomic.CompareAndSwapUint64(word, p.writing(s.at), to) && (s.wake || atomic.LoadUint32(p.gets) != 0) {
			p.published(&hunt{slept: s.wake})
		}
		return nil
	})
	runtime.KeepAlive(p)
}

// Taken is an item that its holder reads in place. If its process dies before Release it goes to somebody else.
// The zero Taken does nothing.
type Taken[T any] struct {
	V     *T // good until Release. A peer with write access may change it: read once, check
	p     *stand[T]
	at    uint64
	again bool
}

// Take takes the oldest item in place, and waits while there is none, until ctx ends. Its slot is free again after
// Release. It is io.EOF once the ring is shut down and drained.
func (m *MPMC[T]) Take(ctx context.Context) (t Taken[T], err error) {
	p, err := m.open()
	if err != nil {
		return t, err
	}
	if p.mail != nil {
		return t, inPlace("Take", "TakeBytes")
	}
	defer runtime.KeepAlive(p)
	err = p.enter(func() error {
		h := p.hunt(ctx)
		for {
			if err := p.item(&h); err != nil {
				return err
			}
			if h.again {
				break
			}
			// Killed behind this: whoever looks behind takes it over.
			if word := p.r.word(h.pos); atomic.CompareAndSwapUint64(word, h.word, p.reading(h.pos)) {
				cellAcquire(word)
				p.setGet(p.next(h.pos))
				break
			}
		}
		t = Taken[T]{V: &p.all[h.pos&p.mask].v, p: p, at: h.pos, again: h.again}
		if h.slept { // it may have taken a wake-up while more than this is there
			p.handOn()
		}
		return nil
	})
	return t, err
}

// Redelivered reports whether the item was in the hands of a process that died before it released it. Its work
// may have been done already.
func (t Taken[T]) Redelivered() bool { return t.again }

// Release hands the slot back. A second Release does nothing.
func (t Taken[T]) Release() {
	p := t.p
	if p == nil {
		return
	}
	_ = p.r.protect(func() error {
		word := p.r.word(t.at)
		cellRelease(word)
		if atomic.CompareAndSwapUint64(word, p.reading(t.at), p.freed(t.at)) && atomic.LoadUint32(p.puts) != 0 {
			p.vacated(nil)
		}
		return nil
	})
	runtime.KeepAlive(p)
}
