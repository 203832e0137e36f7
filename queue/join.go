package queue

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// agrees says whether the dead-letter queue is the one that the Config names.
func (p *plan) agrees(s *segment.Segment) error {
	if p.dead == "" {
		return nil
	}
	g, _ := abi.NewCellMap(p.kind, s.Shape())
	if have := newRack(s, g).deadName(); have != p.dead {
		return &abi.MismatchError{Name: s.Name(), What: "dead-letter queue", Have: quoted(have), Want: quoted(p.dead)}
	}
	return nil
}

// shutdown ends the stream. Killed behind the order's mark: who waits for a cell loads it at the next slice.
func (d *desk) shutdown() error {
	if err := d.order.Shutdown(); err != nil {
		return err
	}
	return d.r.protect(func() error { d.r.noCell().Rouse(); return nil })
}

// busy reports whether a cell has a task that is not finished, in the state of w.
func busy(w uint64) bool {
	switch w & abi.CellState {
	case abi.CellReady, abi.CellLeased, abi.CellReturned:
		return true
	}
	return false
}

// finished reports whether there was a moment during the call at which no task was unfinished. Nothing counts them: a count would be wrong
// after a death. The cells are looked at twice. A cell that is at rest both times, and of the same generation, was at rest
// all the time between, for no cell comes to rest again without another generation; so all of them were when the first
// look had ended. A task that is put before its parent is done is therefore never overlooked.
//
// Else a cell that was seen busy is noted where who finishes it wakes us: and looked at once more behind that. While tasks flow that may fail
// again and again, so it is tried so many times only: then it is false, and the slice looks again.
func (d *desk) finished(times int) bool {
	d.Look(nil)
	for range times {
		first, c, rest := d.look()
		if rest {
			second, other, still := d.look()
			if still && first == second {
				return true
			}
			if still {
				continue
			}
			c = other
		}
		atomic.StoreUint64(&d.r.ctl.Watch, c)
		if busy(atomic.LoadUint64(&d.r.cell(c).Word)) {
			return false
		}
	}
	return false
}

// rounds is how often one who joins tries to see an end before he sleeps.
const rounds = 4

// look adds the generations up, up to the first busy cell. They only grow, so the sums of two looks are the same if all are.
func (d *desk) look() (sum, c uint64, rest bool) {
	r := d.r
	c = atomic.LoadUint64(&r.ctl.Watch) // most likely still busy
	if c < r.N && busy(atomic.LoadUint64(&r.cell(c).Word)) {
		return 0, c, false
	}
	for c := range r.N {
		w := atomic.LoadUint64(&r.cell(c).Word)
		if busy(w) {
			return 0, c, false
		}
		sum += uint64(genOf(w))
	}
	return sum, 0, true
}

// join waits until all tasks are finished.
func (d *desk) join(ctx context.Context) error {
	return d.r.protect(func() error {
		if d.closed.Load() {
			return os.ErrClosed
		}
		if !d.finished(rounds) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := d.r.idle().Await(ctx, (*idleLooker)(d), d.idleReady); err != nil {
				return err
			}
			if d.closed.Load() {
				return os.ErrClosed
			}
		}
		if d.r.idle().Awaited() { // others may watch a cell that was done with before we watched it
			d.r.idle().Signal()
		}
		return nil
	})
}

// idleLooker is the desk as the park.Looker of one who joins.
type idleLooker desk

// Stale implements park.Looker.
func (l *idleLooker) Stale(t *park.Tick) bool {
	d := (*desk)(l)
	d.Look(t)
	return d.closed.Load() || d.finished(1)
}
