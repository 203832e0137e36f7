package ringbuf

import (
	"context"
	"io"
	"os"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/park"
)

// arrival walks from x to the first position that nobody has taken, as far as can be seen, and returns it with the
// word of its slot. It moves nothing.
func (s *seat) arrival(h *hunt, x uint64) (at, w uint64, see sight) {
	r := s.r
	for {
		w = atomic.LoadUint64(r.word(x))
		if w == r.ready(x) {
			return x, w, open
		}
		ahead, ok := r.ahead(w, x, atomic.LoadUint64(&r.ctl.Released))
		if !ok || !h.step() {
			return x, w, garbled
		}
		switch state := stateOf(w); {
		case state == abi.SlotClosed && ahead >= 0: // in a later lap it has the same slot, and all before it is taken
			return x + uint64(ahead)<<(r.shift&63), w, ended
		case state == abi.SlotReading && ahead >= 0:
			x = r.passed(x, ahead)
		case state == abi.SlotReading && ahead == -1:
			return x, w, blocked
		case state == abi.SlotFree && ahead == 0:
			return x, w, blocked
		case state == abi.SlotWriting && ahead == 0:
			return x, w, claimed
		case state != abi.SlotClosed && ahead > 0:
			x = r.passed(x, ahead-1)
		default:
			return x, w, garbled
		}
	}
}

// item finds the next item: a Ready slot, for the caller to take; or, again, one that it has taken over from a dead
// reader. It skips what dead producers have left, and is io.EOF behind the last item of a ring that is shut down.
func (s *seat) item(h *hunt) error {
	r := s.r
	for {
		x, w, see := s.arrival(h, atomic.LoadUint64(&s.get))
		if see == garbled || !h.step() {
			return s.lost(h, x, w)
		}
		s.setGet(x)
		switch {
		case see == open:
			h.pos, h.word, h.again = x, w, false
			return nil
		case w == r.free(x) && r.shut(): // the mark, loaded behind the slot: whoever claims it first decides
			atomic.CompareAndSwapUint64(r.word(x), w, r.sealed(x))
			continue
		case see != ended && h.ctx != nil && s.arrives(h, x, w):
			continue
		case see == claimed && s.settles(x, w):
			continue
		case see == claimed && r.dead(nil, w):
			s.skip(x, w)
			continue
		}
		found, err := s.look(h, x, see)
		if found || err != nil {
			return err
		}
	}
}

// look is for a consumer with nothing before it at x: something may be left behind it. It waits if it may; found
// and nil error both false mean: from the beginning.
func (s *seat) look(h *hunt, x uint64, see sight) (found bool, err error) {
	r := s.r
	switch {
	case s.lookBehind(h, x):
		return true, nil
	case s.asideHas(nil):
		if h.slept {
			s.handOn()
		}
		return false, annex.ErrAside
	case see == ended && !(s.aside != nil && s.aside.Out()):
		cellAcquire(&r.ctl.Start) // Shutdown's
		return false, io.EOF
	case h.ctx == nil:
		return false, ErrEmpty
	case h.ctx.Err() != nil:
		return false, h.ctx.Err()
	}
	count(&r.ctl.Gets.Parks, 1)
	err = r.notEmpty().Await(h.ctx, (*getLooker)(s), s.itemsReady)
	h.rest(r)
	return false, s.woken(err, r.notEmpty())
}

// check is err, or that the handle was closed meanwhile.
func (s *seat) check(err error) error {
	if s.closed.Load() {
		return os.ErrClosed
	}
	return err
}

// arrives spins until the slot of x changes, for as long as that has paid off lately: at the first time that
// a call finds nothing. A consumer is the faster side, and each look takes the line away that the producer
// is about to write; so it keeps off first, the longer the more has come since it last found nothing.
func (s *seat) arrives(h *hunt, x, w uint64) bool {
	if h.spun {
		return false
	}
	h.spun = true
	r := s.r
	came := func() bool { return atomic.LoadUint64(r.word(x)) != w || r.shut() }
	count(&r.ctl.Gets.Waits, 1)
	if lull := s.keepOff(x); lull != 0 {
		park.Pause(lull)
	}
	if came() || s.getSite.Spin(came) {
		return true
	}
	far := r.word(r.quarter(x))
	old := atomic.LoadUint64(far)
	return s.getTurns.Yield(came, func() bool { return atomic.LoadUint64(far) != old })
}

// settles waits for the moment that an item takes to be written, and reports whether something has changed.
func (s *seat) settles(x, w uint64) bool {
	for range 8 {
		park.Pause(4)
		if atomic.LoadUint64(s.r.word(x)) != w {
			return true
		}
	}
	return false
}

// skip passes a position whose producer died, or gave it up, before it committed. Only a consumer whose turn it
// is does that: Free of the next lap says that everything before is taken. Killed before the swap: the
// next consumer does it; behind it: a producer that waits looks at its slice.
func (s *seat) skip(x, w uint64) {
	if r := s.r; atomic.CompareAndSwapUint64(r.word(x), w, r.freed(x)) {
		s.setGet(r.next(x))
		count(&r.ctl.Puts.Healed, 1)
		s.vacated(nil)
		s.r.wakeProducers() // it may have had a block
	}
}

// anyItem says that a waiting consumer should look. Notify asks it too, from a goroutine of its own.
func (s *seat) anyItem() bool { return s.itemFor(nil) }

func (s *seat) itemFor(tick *park.Tick) bool {
	if s.closed.Load() {
		return true
	}
	if s.r.shut() { // then the end may wait for a slot that is still being read: its release has to wake us
		s.r.notFull().Announce()
	}
	h := s.hunt(context.Background())
	x, w, see := s.arrival(&h, atomic.LoadUint64(&s.get))
	switch see {
	case blocked:
		if w == s.r.free(x) && s.r.shut() {
			return true
		}
	case claimed:
		if s.r.dead(tick, w) {
			return true
		}
	case ended:
		if s.aside == nil || !s.aside.Out() {
			return true
		}
	default:
		return true
	}
	_, _, left := s.leftBehind(&h, tick, x)
	return left || s.asideHas(tick)
}

// asideHas says that there may be something to take that is not in the ring.
func (s *seat) asideHas(tick *park.Tick) bool { return s.aside != nil && s.aside.Look(tick) }

// getLooker is the seat as a waiting consumer's park.Looker.
type getLooker seat

// Stale implements park.Looker, for a producer that died between its commit and its wake-up, or as it wrote, and
// for a consumer that died as it read.
func (l *getLooker) Stale(t *park.Tick) bool { return (*seat)(l).itemFor(t) }
