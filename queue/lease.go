package queue

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// lease is a cell that this process has taken.
type lease struct {
	c, w  uint64 // its number, and its word: Leased by this process
	n     uint64 // bytes of the message, as the cell said once
	again bool   // it had been returned
}

// stale is how many entries without an item come in a row, beside four for each cell, before the order is taken for scribbled over: an
// honest one has at most one for each generation of a cell, and so far behind is nobody.
const stale = 1 << 16

// flurry is after how many looks aside in vain a call looks at its context, or does not wait for the end of them.
const flurry = 64

// take takes the next item; ctx nil: it does not wait.
func (d *desk) take(ctx context.Context) (l lease, err error) {
	d.stroll()
	most := stale + 4*d.r.N
	wait, vain := ctx, 0
	for left := most; left > 0; {
		if atomic.LoadUint64(&d.r.ctl.Returns) != d.seen.Load() && d.turn.CompareAndSwap(false, true) {
			if l, ok := d.takeReturned(); ok {
				return l, nil
			}
		}
		if d.turn.Load() {
			d.turn.Store(false)
		}
		e, err := d.order.Get(wait)
		switch {
		case err == nil:
			if d.lease(&l, e&(1<<abi.CellGenShift-1), wordOf(genOf(e), 0, abi.CellReady)) {
				return l, nil
			}
			wait, left = nil, left-1 // a row ends where the call would wait
			if left%4096 == 0 && ctx != nil && ctx.Err() != nil {
				return l, ctx.Err()
			}
		case isAside(err), err == ErrEmpty && d.Look(nil):
			if l, ok := d.takeReturned(); ok {
				return l, nil
			}
			wait, left = ctx, most
			if vain++; vain%flurry != 0 {
				continue
			}
			if ctx == nil {
				return l, ErrEmpty
			}
			if err := ctx.Err(); err != nil {
				return l, err
			}
		case err == ErrEmpty && ctx != nil:
			wait, left = ctx, most
		default:
			return l, err
		}
	}
	return l, fmt.Errorf("queue: %s: its entries stand for no items: %w; unlink it and create it anew", d.r.label(), abi.ErrCorrupt)
}

// keep notes a task that is to be handed out, for Close to return; or gives it back if the handle was closed meanwhile: one of the two sees
// the other, and one swap returns it.
func (d *desk) keep(l *lease) error {
	d.held[l.c].Store(l.w)
	if d.closed.Load() {
		d.fail(l)
		return os.ErrClosed
	}
	return nil
}

// lease takes the cell c if its word is w, Ready or Returned. Killed behind it: a sweep returns the item.
func (d *desk) lease(l *lease, c, w uint64) bool {
	if c >= d.r.N {
		return false
	}
	at := d.r.cell(c)
	if !atomic.CompareAndSwapUint64(&at.Word, w, leased(w)) {
		return false
	}
	acquire(&at.Word)
	*l = lease{c: c, w: leased(w), n: atomic.LoadUint64(&at.Len), again: w&abi.CellState == abi.CellReturned}
	return true
}

// takeReturned looks for a cell that was returned.
func (d *desk) takeReturned() (l lease, ok bool) {
	r := d.r
	count := atomic.LoadUint64(&r.ctl.Returns)
	refused := false // the dead-letter queue has no room
	for i := range (r.N + 63) / 64 {
		at := r.bitWord(i)
		for set := atomic.LoadUint64(at); set != 0; set &= set - 1 {
			c := i*64 + lowest(set)
			if c >= r.N {
				break
			}
			// The bit first: one that is set behind this is for a return that the load behind it may or may not see.
			atomic.AndUint64(at, ^(set & -set))
			w := atomic.LoadUint64(&r.cell(c).Word)
			spent := d.spent(c)
			if w&abi.CellState != abi.CellReturned || spent && refused || !d.lease(&l, c, w) {
				continue
			}
			if !spent {
				d.order.Wake() // there may be more
				return l, true
			}
			refused = !d.bury(&l)
		}
	}
	d.seen.Store(count)
	return l, false
}

// spent reports whether cell c's task was handed out as often as may be.
func (d *desk) spent(c uint64) bool {
	r := d.r
	return r.Attempts != 0 && d.give != nil && atomic.LoadUint32(&r.cell(c).Attempts) >= r.Attempts
}

// bury ends a task that is spent. If the dead-letter queue has no room it is returned again, without a bit: a sweep sets that when there is.
func (d *desk) bury(l *lease) (given bool) {
	defer func() {
		if given { // Killed before it: it is in both.
			d.finish(l)
		} else {
			atomic.CompareAndSwapUint64(&d.r.cell(l.c).Word, l.w, returned(l.w))
		}
	}()
	return d.give(l)
}

// finish ends an item: D1. It reports false when it is not this process's any more.
func (d *desk) finish(l *lease) bool {
	r := d.r
	at := &r.cell(l.c).Word
	if d.held != nil {
		d.held[l.c].CompareAndSwap(l.w, 0)
	}
	release(at)
	if l.n <= r.Inline || r.keeps(l.c, l.n) {
		if !atomic.CompareAndSwapUint64(at, l.w, free(l.w)) {
			return false
		}
		d.freed(l.c)
		return true
	}
	w := wordOf(genOf(l.w)+1, uint32(l.w)&^abi.CellState, abi.CellWriting)
	if !atomic.CompareAndSwapUint64(at, l.w, w) { // Killed behind it: a sweep punches, and frees.
		return false
	}
	d.drop(l.c, w)
	return true
}

// fail returns an item: F1 to F3.
func (d *desk) fail(l *lease) bool {
	at := &d.r.cell(l.c).Word
	if d.held != nil {
		d.held[l.c].CompareAndSwap(l.w, 0)
	}
	release(at)
	if !atomic.CompareAndSwapUint64(at, l.w, returned(l.w)) {
		return false
	}
	atomic.AddUint64(&d.r.ctl.Failed, 1)
	d.post(l.c)
	return true
}

// credible says what is wrong with a length, before memory is taken for it: nobody can have written more than the file takes.
func (d *desk) credible(l *lease) error {
	r := d.r
	if l.n <= r.Inline || l.n <= abi.TailStride && int64(l.n) <= r.seg.Used() {
		return nil
	}
	return d.garbled(l, fmt.Errorf("it is said to have %d bytes: %w", l.n, abi.ErrCorrupt))
}

// read copies the message to b, which has l.n bytes.
func (d *desk) read(l *lease, b []byte) error {
	if l.n <= d.r.Inline {
		copy(b, d.r.inside(l.c, l.n))
		return nil
	}
	if err := d.r.seg.ReadTail(b, int64(l.c<<abi.TailShift)); err != nil {
		return d.garbled(l, err)
	}
	return nil
}

// garbled is the error of a message that cannot be read. It is dropped.
func (d *desk) garbled(l *lease, err error) error {
	atomic.AddUint64(&d.r.ctl.Garbled, 1)
	return fmt.Errorf("queue: get from %s: %w: %w; it was dropped", d.r.label(), ErrMessage, err)
}
