package queue

import (
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

// What the dead leave behind is found in the cells alone: by who waits, at each slice; before ErrEmpty and for want of a free cell, and
// between items where nobody waits, now and then; and before io.EOF. Each repair is one swap, so it can be done twice, by several, and by who is killed on the way.
//
//	Writing(dead,g)   nothing was put: → Writing(me,g), the tail is punched, → Free(g+1)
//	Ready(g)          the order has passed its position: who took the entry died before it took the cell, or who put it before it
//	                  committed the entry. → Returned(g+1). If the taker lives, and is slow, its swap fails and it goes on to the
//	                  next entry: the word decides who has the item, and there is one entry for each generation at most
//	Leased(dead,g)    it was in hand: → Returned(g+1)
//	Returned(g)       who returned it may have died before he said so, or who was about to take it behind clearing its bit. It is
//	                  said again; the bit alone does not prove that it was. Not of a task that is spent, while the dead-letter
//	                  queue is full
const (
	chunk = 1 << 16    // cells that one slice looks at
	lapse = int64(5e6) // nanoseconds between two looks of those who do not wait
	ticks = lapse      // and between two slices' looks, of several sleepers
	amble = 10 * lapse // and between two looks of those who always find an item
	paces = 64         // how many items such a one takes at most between two looks at the clock
)

var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// due reports whether it is time to look through the cells, and takes the turn.
func (r *rack) due(after int64) bool {
	last, t := r.swept.Load(), now()
	return t-last >= after && r.swept.CompareAndSwap(last, t)
}

// stroll looks for what the dead have left though there always is something to take: else that would starve. It looks at the clock after
// so many items as have come in an amble lately.
func (d *desk) stroll() {
	if d.until.Add(-1) > 0 {
		return
	}
	t := now()
	pace := int32(1)
	if t-d.strolled.Swap(t) < amble {
		pace = min(2*d.pace.Load(), paces)
	}
	pace = max(pace, 1)
	d.pace.Store(pace)
	d.until.Store(pace)
	if d.r.due(amble) {
		d.sweep(nil, chunk)
	}
}

// sweep looks through at most so many cells.
func (d *desk) sweep(t *park.Tick, most uint64) {
	r := d.r
	most = min(most, r.N)
	from := r.from.Add(most) - most
	known := verdict{t: t}
	for i := range most {
		c := (from + i) % r.N
		d.repair(c, &known)
	}
}

// verdict remembers the process that was asked about last.
type verdict struct {
	t     *park.Tick
	id    uint32
	alive bool
	asked bool

	grave, known bool // whether the dead-letter queue has room, and whether that was asked
}

// room keeps those who find nothing else from trying in vain, and from waking each other for it.
func (v *verdict) room(d *desk) bool {
	if !v.known {
		v.grave, v.known = d.room(), true
	}
	return v.grave
}

func (v *verdict) lives(r *rack, w uint64) bool {
	if id := uint32(w) >> abi.CellShift; !v.asked || id != v.id {
		v.id, v.asked, v.alive = id, true, r.alive(v.t, w)
	}
	return v.alive
}

func (d *desk) repair(c uint64, v *verdict) {
	r := d.r
	at := r.cell(c)
	w := atomic.LoadUint64(&at.Word)
	switch w & abi.CellState {
	case abi.CellWriting:
		if !v.lives(r, w) {
			mine := wordOf(genOf(w), owner.Word, abi.CellWriting)
			if atomic.CompareAndSwapUint64(&at.Word, w, mine) {
				d.drop(c, mine)
			}
		}
	case abi.CellReady:
		if d.order.Passed(atomic.LoadUint64(&at.Pos)) && atomic.CompareAndSwapUint64(&at.Word, w, returned(w)) {
			d.post(c)
		}
	case abi.CellLeased:
		if !v.lives(r, w) && atomic.CompareAndSwapUint64(&at.Word, w, returned(w)) {
			atomic.AddUint64(&r.ctl.Redelivered, 1)
			d.post(c)
			d.wakeJoiners(c)
		}
	case abi.CellReturned:
		if !d.spent(c) || v.room(d) {
			d.post(c)
		}
	}
}

// post makes a returned cell known, and wakes one who looks for items. Killed before: the next sweep does it.
func (d *desk) post(c uint64) {
	bit, mask := d.r.bit(c)
	atomic.OrUint64(bit, mask)
	atomic.AddUint64(&d.r.ctl.Returns, 1)
	d.order.Wake()
	if d.order.Shut() {
		d.order.WakeAll()
	}
}

// drop frees a cell that is Writing, as w has it, by this process.
func (d *desk) drop(c, w uint64) {
	r := d.r
	if atomic.LoadUint64(&r.cell(c).Len) > r.Inline {
		r.seg.PunchTail(int64(c<<abi.TailShift), abi.TailStride)
	}
	at := &r.cell(c).Word
	release(at)
	if atomic.CompareAndSwapUint64(at, w, free(w)) {
		d.freed(c)
	}
}

// freed wakes who waits for a free cell, for the end of all tasks, or of the stream. Killed before it: their slices.
func (d *desk) freed(c uint64) {
	r := d.r
	if r.noCell().Awaited() {
		r.noCell().SignalOne()
	}
	d.wakeJoiners(c)
	if d.order.Shut() {
		d.order.WakeAll()
	}
}

func (d *desk) wakeJoiners(c uint64) {
	if r := d.r; r.idle().Awaited() && atomic.LoadUint64(&r.ctl.Watch) == c {
		r.idle().Signal()
	}
}

// Look implements annex.Aside.
func (d *desk) Look(t *park.Tick) bool {
	after := ticks
	if t == nil { // who carries the slice himself, or does not wait
		after = lapse
	}
	if d.r.due(after) {
		d.sweep(t, chunk)
	}
	return atomic.LoadUint64(&d.r.ctl.Returns) != d.seen.Load()
}

// Out implements annex.Aside: whether something may still come though the order is shut down and drained. That is what was returned, and
// what other processes have in hand. What this process has it may fail and then get itself.
func (d *desk) Out() bool {
	d.sweep(nil, d.r.N)
	for c := range d.r.N {
		switch w := atomic.LoadUint64(&d.r.cell(c).Word); w & abi.CellState {
		case abi.CellReturned, abi.CellReady:
			return true
		case abi.CellLeased:
			if uint32(w)&^abi.CellState != owner.Word {
				return true
			}
		}
	}
	return false
}

var _ annex.Aside = (*desk)(nil)

// A cell's word, see package abi.
func wordOf(gen, who uint32, state uint64) uint64 {
	return uint64(gen)<<abi.CellGenShift | uint64(who) | state
}
func genOf(w uint64) uint32    { return uint32(w >> abi.CellGenShift) }
func free(w uint64) uint64     { return wordOf(genOf(w)+1, 0, abi.CellFree) }
func returned(w uint64) uint64 { return wordOf(genOf(w)+1, 0, abi.CellReturned) }
func ready(w uint64) uint64    { return wordOf(genOf(w), 0, abi.CellReady) }
func writing(w uint64) uint64  { return wordOf(genOf(w), owner.Word, abi.CellWriting) }
func leased(w uint64) uint64   { return wordOf(genOf(w), owner.Word, abi.CellLeased) }
