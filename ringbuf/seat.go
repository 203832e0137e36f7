package ringbuf

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
)

// seat is a handle's private half: where it walks from. Goroutines may share it. What its positions say is true
// for ever, so a goroutine that stores an older one than another has just stored costs a walk and nothing
// else; therefore plain stores do (package fence), each a goroutine's last word on the matter.
type seat struct {
	r          *crowd
	itemsReady func() bool // method values, made once: making one allocates
	roomReady  func() bool
	watch      park.Watches
	mail       *mail        // of a ring of messages
	aside      annex.Aside  // of an order
	inside     atomic.Int32 // calls in slow paths
	closed     atomic.Bool
	_          [128]byte

	put      uint64 // every position before it is claimed
	putSite  park.Site
	putTurns park.Turns
	_        [128]byte

	get      uint64        // every position before it is taken
	behind   atomic.Uint64 // every position before it is released
	dry      atomic.Uint64 // where it was when it last found nothing
	lull     atomic.Uint32 // how long to keep off before looking again, in pauses
	singles  atomic.Uint32 // how often it has found one item alone
	getSite  park.Site
	getTurns park.Turns
	_        [128]byte
}

// init starts from the hint: all before it is claimed, taken and released.
func (s *seat) init(r *crowd) {
	s.r = r
	s.itemsReady, s.roomReady = s.anyItem, s.anyRoom
	from := atomic.LoadUint64(&r.ctl.Released)
	if from&r.mask >= r.cap { // scribbled over; any position will do then
		from &^= r.mask
	}
	s.put, s.get = from, from
	s.behind.Store(from)
	s.dry.Store(from)
}

// enter runs a slow path, which may wait: unless the handle is closed, with the fault guard armed, and so that
// Close can see that somebody is inside.
func (s *seat) enter(f func() error) error {
	s.inside.Add(1)
	defer s.inside.Add(-1)
	if s.closed.Load() {
		return os.ErrClosed
	}
	return s.r.protect(f)
}

// hunt is one call's search for a slot: a walk, or several with waits between them.
type hunt struct {
	ctx   context.Context // nil: do not wait
	left  uint64          // steps until the words are taken for scribbled over
	spun  bool            // it has spun since it last slept
	slept bool            // it may have taken a wake-up that was meant for another one
	again bool            // what was found is Reading by this process, taken over from the dead

	pos  uint64 // what was found
	word uint64
}

// patience bounds a walk. An honest ring takes no more than its capacity, and a step more for each item that
// others put or take meanwhile; to lose so many races in a row takes a peer that scribbles. The lower bits are when
// step looks at the context: for the first time after that many, which no call that need not wait comes to.
func (r *crowd) patience() uint64 { return (2*r.cap + 1<<16) | lookEvery }

const lookEvery = 1<<12 - 1

func (s *seat) hunt(ctx context.Context) hunt { return hunt{ctx: ctx, left: s.r.patience()} }

// step counts one. It reports false when that was too many, or now and then because the context has ended.
func (h *hunt) step() bool {
	if h.left == 0 {
		return false
	}
	h.left--
	return h.ctx == nil || h.left&lookEvery != 0 || h.ctx.Err() == nil
}

// lost is why a walk has ended nowhere.
func (s *seat) lost(h *hunt, x, w uint64) error {
	if h.ctx != nil && h.ctx.Err() != nil {
		return h.ctx.Err()
	}
	return s.r.corrupt(x, w)
}

// push moves released on to x, if it is behind it. Killed before: the next one who pushes does it.
func (s *seat) push(x uint64) {
	at := &s.r.ctl.Released
	for range tries {
		old := atomic.LoadUint64(at)
		if !before(old, x) || atomic.CompareAndSwapUint64(at, old, x) {
			return
		}
	}
}

func (s *seat) setPut(x uint64) { fence.Publish(&s.put, x) }
func (s *seat) setGet(x uint64) { fence.Publish(&s.get, x) }

// count adds to a statistic.
func count(at *uint64, n uint64) { atomic.AddUint64(at, n) }

// published wakes a consumer, after something was put, or a position was aborted. Killed before it: the
// consumers' slices look at the slots.
func (s *seat) published(h *hunt) {
	if !fence.Ordered() {
		fence.Full()
	}
	r := s.r
	if r.shut() {
		r.notEmpty().Signal()
	} else if r.notEmpty().SignalOne() {
		count(&r.ctl.Puts.Wakes, 1)
	}
	if h != nil && h.slept {
		s.handRoomOn()
	}
}

// vacated wakes a producer, after a slot has become free. Behind a shutdown consumers may wait for that too: see
// seat.itemFor.
func (s *seat) vacated(h *hunt) {
	r := s.r
	if r.notFull().SignalOne() {
		count(&r.ctl.Gets.Wakes, 1)
	}
	if r.shut() {
		r.notEmpty().Signal()
	}
	if h != nil && h.slept {
		s.handOn()
	}
}

// handOn wakes the next consumer if there is more to take: one who has slept may have taken a wake-up that
// was for several. It walks, for others may have taken meanwhile what is next to the own position.
func (s *seat) handOn() {
	r := s.r
	h := hunt{left: r.patience()}
	if _, _, see := s.arrival(&h, atomic.LoadUint64(&s.get)); see == open || r.shut() || s.asideHas(nil) {
		r.notEmpty().Pass()
	}
}

// handRoomOn is handOn for a producer and places.
func (s *seat) handRoomOn() {
	h := hunt{left: s.r.patience()}
	if _, _, see := s.vacancy(&h, atomic.LoadUint64(&s.put)); see == open {
		s.r.notFull().Pass()
	}
}
