package ringbuf

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
)

// sight is what a walk has found at the first position that matters.
type sight int

const (
	open    sight = iota // put: Free, to be claimed. get: Ready, to be taken
	blocked              // put: the slot is not free yet. get: nothing there yet
	claimed              // get: somebody is writing there
	ended                // a Closed slot: nobody passes it
	garbled              // words that no ring has, or no end in sight
)

// vacancy walks from x to the first position that nobody has claimed, as far as can be seen, and returns it with
// the word of its slot. It moves nothing.
//
// A word of a later lap than x's tells where to go on: who sees Free(L) at slot i knows that everything before
// (L-1, i) is claimed and taken, and who sees it claimed in lap L that everything up to there is.
func (s *seat) vacancy(h *hunt, x uint64) (at, w uint64, see sight) {
	r := s.r
	for {
		w = atomic.LoadUint64(r.word(x))
		if w == r.free(x) {
			return x, w, open
		}
		ahead, ok := r.ahead(w, x, atomic.LoadUint64(&r.ctl.Released))
		switch free := stateOf(w) == abi.SlotFree; {
		case !ok || !h.step():
			return x, w, garbled
		case stateOf(w) == abi.SlotClosed:
			return x, w, ended
		case free && ahead > 0:
			x = r.passed(x, ahead-1)
		case !free && ahead >= 0:
			x = r.passed(x, ahead)
		case !free && ahead == -1:
			return x, w, blocked
		default:
			return x, w, garbled
		}
	}
}

// claim finds the next free position and claims it; the slot is Writing then. Killed behind the claim: a
// consumer whose turn it is skips the position.
func (s *seat) claim(h *hunt) error {
	r := s.r
	for {
		if r.shut() {
			return io.ErrClosedPipe
		}
		x, w, see := s.vacancy(h, atomic.LoadUint64(&s.put))
		switch see {
		case open:
			s.remind(x)
			if atomic.CompareAndSwapUint64(r.word(x), w, r.writing(x)) {
				cellAcquire(r.word(x))
				h.pos = x
				s.setPut(r.next(x))
				return nil
			}
			if !h.step() {
				return s.lost(h, x, w)
			}
			continue
		case ended:
			return io.ErrClosedPipe
		case garbled:
			return s.lost(h, x, w)
		}
		s.setPut(x)
		if err := s.awaitRoom(h, x, w); err != nil {
			return err
		}
	}
}

// reminder is after how many laps the hint released is brought up to date by the next who claims slot 0. It is far
// below half of what the lower half of a lap can count.
const reminder = 1 << 16

// remind pushes released before a position is claimed that would let laps be misread. Who sees Free(L) at slot 0
// knows that everything up to (L-1, 0) is released.
func (s *seat) remind(x uint64) {
	if r := s.r; x&r.bound() == 0 {
		s.push(r.next(x - r.lap()))
	}
}

// bound selects what is zero in a position at which released is pushed.
func (t *track) bound() uint64 { return reminder<<t.shift - 1 }

// awaitRoom waits while the slot of x has the word w of the lap before. Nil means: look again.
func (s *seat) awaitRoom(h *hunt, x, w uint64) error {
	r := s.r
	if h.ctx == nil {
		s.poke(nil, w)
		return ErrFull
	}
	if err := h.ctx.Err(); err != nil {
		return err
	}
	if !h.spun {
		h.spun = true
		count(&r.ctl.Puts.Waits, 1)
		if s.frees(x, w) {
			return nil
		}
	}
	s.poke(nil, w)
	count(&r.ctl.Puts.Parks, 1)
	err := r.notFull().Await(h.ctx, (*putLooker)(s), s.roomReady)
	h.rest(r)
	return s.woken(err, r.notFull())
}

// frees waits until there is room, for as long as that has paid off lately. A producer that goes on at the first free slot
// takes the line away that the consumer is about to free more of, finds the ring full again, and so on; so it looks at
// a slot farther ahead, and comes back when there are many.
func (s *seat) frees(x, w uint64) bool {
	r := s.r
	at := r.word(r.quarter(x))
	old := atomic.LoadUint64(at)
	many := func() bool { return atomic.LoadUint64(at) != old || r.shut() }
	return s.putSite.SpinApart(8, many) || s.putTurns.Yield(many, many) || atomic.LoadUint64(r.word(x)) != w
}

// rest ends a sleep: what was seen before counts no more.
func (h *hunt) rest(r *crowd) { h.slept, h.spun, h.left = true, false, r.patience() }

// woken is the end of a sleep. Who leaves, because its context has ended or its handle is closed, hands the wake-up on that
// it may have taken.
func (s *seat) woken(err error, e *park.Event) error {
	if err != nil || s.closed.Load() {
		e.Pass()
	}
	return s.check(err)
}

// anyRoom says that a waiting producer should look.
func (s *seat) anyRoom() bool { return s.roomFor(nil) }

func (s *seat) roomFor(tick *park.Tick) bool {
	if s.closed.Load() || s.r.shut() {
		return true
	}
	h := s.hunt(context.Background())
	_, w, see := s.vacancy(&h, atomic.LoadUint64(&s.put))
	if see == blocked {
		s.poke(tick, w)
		s.asideHas(tick) // for the dead: consumers who always find an item do not look
	}
	return see != blocked
}

// poke asks a consumer to look behind itself when what blocks a producer is a dead reader's: the item is still to
// be delivered, and a producer has no business with it. The ring stays full while no consumer calls.
func (s *seat) poke(tick *park.Tick, w uint64) {
	if stateOf(w) == abi.SlotReading && s.r.dead(tick, w) {
		s.r.notEmpty().SignalOne()
	}
}

// putLooker is the seat as a waiting producer's park.Looker.
type putLooker seat

// Stale implements park.Looker, for a consumer that died between its release and its wake-up, or as it read.
func (l *putLooker) Stale(t *park.Tick) bool { return (*seat)(l).roomFor(t) }
