package queue

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// A queue with cells. An item never moves: it is written into a cell, and lies there until it is done with. The order, a ring of entries
// cell | generation, says who is next. What decides who has an item is the word of its cell alone (package abi lists
// the states), so an entry may be stale, and is passed over then.
//
//	Put  P1 claim a cell: Free(g) → Writing(me,g)               killed behind it: the cell is freed by a sweep
//	     P2 the message, in the cell or in the tail
//	     P3 reserve a position x in the order                   and the position is skipped
//	     P4 note x, → Ready(g)                                  and the item is returned by a sweep: it counts as put
//	     P5 commit the entry: Put has happened                  its wake-up: the slices
//	Get  G1 take the oldest entry                               the order has passed the item: a sweep returns it
//	     G2 Ready(g) → Leased(me,g)                             a sweep returns it, to be handed out once more
//	     G3 copy and decode, or hand out the task
//	Done D1 Leased(me,g) → Free(g+1), or with something in the tail → Writing(me,g+1), punch, → Free(g+2)
//	Fail F1 Leased(me,g) → Returned(g+1), F2 its bit, F3 count, wake one
//	R    R1 clear the bit, R2 Returned(g) → Leased(me,g)        between them: a sweep sets the bit again
//
// The message is written before a position is claimed: however long it is, and whoever is stopped as he writes it,
// nobody waits for it.
type desk struct {
	r      *rack
	order  annex.Order
	next   atomic.Uint64 // where it looks for a free cell
	seen   atomic.Uint64 // all that was returned up to this count was looked at
	turn   atomic.Bool   // the last item came from aside: the order is next
	closed atomic.Bool

	until, pace atomic.Int32 // see stroll
	strolled    atomic.Int64

	held []atomic.Uint64   // the words of the cells that are handed out through this handle; of a joinable queue
	give func(*lease) bool // takes a task that was handed out too often: false: it stays
	room func() bool       // whether give may succeed; never waits

	unread atomic.Pointer[error] // of messages that a batch has met, for the next get

	cellReady func() bool
	idleReady func() bool
}

// openDesk owns s.
func openDesk(s *segment.Segment, k abi.Kind) (*desk, error) {
	g, _ := abi.NewCellMap(k, s.Shape())
	d := newDesk(newRack(s, g), k == abi.KindJoinableQueue)
	o, err := annex.Orders.Open(s, g.Capacity, func(o annex.Order) annex.Aside { d.order = o; return d })
	if err != nil {
		return nil, err
	}
	d.order = o
	return d, nil
}

func newDesk(r *rack, joinable bool) *desk {
	d := &desk{r: r}
	d.next.Store(rand.Uint64N(r.N))
	d.cellReady, d.idleReady = d.anyCell, func() bool { return d.closed.Load() || d.finished(rounds) }
	if joinable {
		d.held = make([]atomic.Uint64, r.N)
	}
	return d
}

// clone is nil if the memory is gone.
func (d *desk) clone() *desk {
	c := newDesk(d.r, d.held != nil)
	if c.order = d.order.Clone(c); c.order == nil {
		return nil
	}
	return c
}

// close gives back what was handed out, and ends what waits.
func (d *desk) close() {
	d.closed.Store(true)
	_ = d.r.protect(func() error {
		for c := range d.held {
			if w := d.held[c].Load(); w != 0 {
				d.fail(&lease{c: uint64(c), w: w})
			}
		}
		d.r.noCell().Evict((*cellLooker)(d))
		d.r.idle().Evict((*idleLooker)(d))
		return nil
	})
	d.order.Close()
}

// protect runs f with the fault guard armed.
func (r *rack) protect(f func() error) (err error) {
	if gone := r.seg.Protect(func() { err = f() }); gone != nil {
		return gone
	}
	return err
}

func (r *rack) label() string { return label(r.seg.Name()) }

// put puts a message, or is ErrFull if ctx is nil.
func (d *desk) put(ctx context.Context, b []byte) error {
	if d.r.bare {
		return d.putBare(ctx, b)
	}
	return d.r.protect(func() error { return d.putBare(ctx, b) })
}

func (d *desk) putBare(ctx context.Context, b []byte) error {
	switch {
	case d.closed.Load():
		return os.ErrClosed
	case d.order.Shut():
		return io.ErrClosedPipe
	case ctx == nil && d.order.Full():
		return ErrFull
	}
	c, w, ok := d.claimWarm(uint64(len(b)))
	if !ok {
		var err error
		if c, w, err = d.claim(ctx); err != nil {
			return err
		}
	}
	if err := d.fill(c, w, b); err != nil {
		return err
	}
	x, err := d.order.Reserve(ctx)
	if err != nil {
		d.drop(c, w)
		return err
	}
	at := d.r.cell(c)
	atomic.StoreUint64(&at.Pos, x)
	release(&at.Word)
	// Nobody else changes the word of a living writer.
	atomic.StoreUint64(&at.Word, ready(w))
	d.order.Commit(x, c|w&^(1<<abi.CellGenShift-1))
	return nil
}

// fill writes the message. If it cannot, or the caller's memory faults and somebody recovers, the cell is free again.
func (d *desk) fill(c, w uint64, b []byte) (err error) {
	filled := false
	defer func() {
		if !filled {
			d.drop(c, w)
		}
	}()
	r := d.r
	at := r.cell(c)
	atomic.StoreUint32(&at.Attempts, 0)
	atomic.StoreUint64(&at.Len, uint64(len(b))) // first: who frees the cell learns from it that there is something in the tail
	switch {
	case uint64(len(b)) <= r.Inline:
		copy(r.inside(c, uint64(len(b))), b)
	case len(b) > abi.TailStride:
		return fmt.Errorf("queue: put a message of %d bytes into %s, which takes %d: %w", len(b), r.label(), uint64(abi.TailStride), errInvalid)
	default:
		if err := r.seg.WriteTail(b, int64(c<<abi.TailShift)); err != nil {
			return fmt.Errorf("queue: put a message of %d bytes into %s: %w", len(b), r.label(), err)
		}
	}
	filled = true
	return nil
}

// claim finds a free cell and makes it this process's.
func (d *desk) claim(ctx context.Context) (c, w uint64, err error) {
	for slept := false; ; slept = true {
		if c, w, ok := d.tryClaim(); ok {
			if slept { // the wake-up may have been for several
				d.r.noCell().Pass()
			}
			return c, w, nil
		}
		if d.r.due(ticks) {
			d.sweep(nil, d.r.N)
			if c, w, ok := d.tryClaim(); ok {
				return c, w, nil
			}
		}
		switch {
		case ctx == nil:
			return 0, 0, ErrFull
		case ctx.Err() != nil:
			return 0, 0, ctx.Err()
		}
		err := d.r.protect(func() error { return d.r.noCell().Await(ctx, (*cellLooker)(d), d.cellReady) })
		switch {
		case d.closed.Load():
			err = os.ErrClosed
		case d.order.Shut():
			err = io.ErrClosedPipe
		}
		if err != nil {
			d.r.noCell().Pass()
			return 0, 0, err
		}
	}
}

func (d *desk) tryClaim() (c, w uint64, ok bool) {
	r := d.r
	c = d.next.Load()
	for range r.N {
		if c >= r.N {
			c = 0
		}
		if w, ok := r.claim(c); ok {
			d.next.Store(c + 1)
			return c, w, true
		}
		c++
	}
	return 0, 0, false
}

// claim makes cell c this process's if it is free.
func (r *rack) claim(c uint64) (w uint64, ok bool) {
	at := &r.cell(c).Word
	if w = atomic.LoadUint64(at); w&abi.CellState != abi.CellFree || !atomic.CompareAndSwapUint64(at, w, writing(w)) {
		return 0, false
	}
	acquire(at)
	return writing(w), true
}

func (d *desk) anyCell() bool {
	if d.closed.Load() || d.order.Shut() {
		return true
	}
	d.Look(nil)
	for c := range d.r.N {
		if atomic.LoadUint64(&d.r.cell(c).Word)&abi.CellState == abi.CellFree {
			return true
		}
	}
	return false
}

// cellLooker is the desk as the park.Looker of one who waits for a free cell.
type cellLooker desk

// Stale implements park.Looker.
func (l *cellLooker) Stale(t *park.Tick) bool {
	d := (*desk)(l)
	d.Look(t)
	return d.anyCell()
}
