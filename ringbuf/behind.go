package ringbuf

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
)

// Consumers are past an item that is being read in place, so when its reader dies nobody would come by. Whoever
// finds nothing before it therefore looks behind itself: from released, or a lap back, up to its own
// position. Everything before released is known to be free again, so the way is as long as what was taken since
// somebody last looked.

// pushEvery is by how much the shared hint may be behind what this seat knows.
const pushEvery = 256

// leftBehind looks for a dead reader's item before x.
func (s *seat) leftBehind(h *hunt, tick *park.Tick, x uint64) (q, w uint64, found bool) {
	r := s.r
	q = x - r.lap()
	shared := atomic.LoadUint64(&r.ctl.Released)
	for _, known := range [2]uint64{s.behind.Load(), shared} {
		if before(q, known) && known&r.mask < r.cap {
			q = known
		}
	}
	for clean := true; before(q, x); q = r.next(q) {
		w = atomic.LoadUint64(r.word(q))
		ahead, ok := r.ahead(w, q, atomic.LoadUint64(&r.ctl.Released))
		switch {
		case !ok || !h.step():
			return 0, 0, false // whoever comes to that slot will say so
		case ahead > 0:
			if clean {
				s.behind.Store(r.next(q))
			}
			continue
		case ahead == 0 && stateOf(w) == abi.SlotReading && r.dead(tick, w):
			return q, w, true
		}
		clean = false
	}
	if b := s.behind.Load(); before(shared, b) && r.items(shared, b) >= pushEvery {
		s.push(b)
	}
	return 0, 0, false
}

// lookBehind takes a dead reader's item over, marked as delivered once more. The item is still there, and Reading
// with our name says whose it is; killed then: the next one who looks behind.
func (s *seat) lookBehind(h *hunt, x uint64) bool {
	r := s.r
	for h.step() {
		q, w, found := s.leftBehind(h, nil, x)
		if !found {
			return false
		}
		if mine := r.reading(q); atomic.CompareAndSwapUint64(r.word(q), w, mine) {
			cellAcquire(r.word(q))
			count(&r.ctl.Gets.Healed, 1)
			h.pos, h.word, h.again = q, mine, true
			return true
		}
	}
	return false
}
