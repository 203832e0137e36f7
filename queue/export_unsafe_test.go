package queue

import (
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
)

func deskOf[T any](h *handle[T]) *desk { return h.at.Load().desk }

// Sweep looks through all cells now.
func (q *JoinableQueue[T]) Sweep() { d := deskOf(&q.handle); d.sweep(nil, d.r.N) }

// Sweep looks through all cells now.
func (q *Queue[T]) Sweep() { d := deskOf(&q.handle); d.sweep(nil, d.r.N) }

// Used is how much memory the queue takes beside what warm cells keep.
func (q *JoinableQueue[T]) Used() int64 { return deskOf(&q.handle).cold() }

// Used is how much memory a queue with cells takes beside what warm cells keep.
func Used[T any](q *Queue[T]) int64 { return deskOf(&q.handle).cold() }

// Warm is how many cells may keep memory.
func Warm[T any](q *Queue[T]) (n int) {
	for _, w := range deskOf(&q.handle).r.ctl.Warm {
		if w != 0 {
			n++
		}
	}
	return n
}

// cold takes from the warm cells that are free what they keep, and from no others.
func (d *desk) cold() int64 {
	for {
		c, w, ok := d.claimWarm(d.r.Inline + 1)
		if !ok {
			break
		}
		defer d.drop(c, w)
		d.r.seg.PunchTail(int64(c<<abi.TailShift), abi.TailStride)
	}
	return d.r.seg.Used()
}

// Words are the words of the cells.
func (q *Queue[T]) Words() (all []*uint64) {
	r := deskOf(&q.handle).r
	for c := range r.N {
		all = append(all, &r.cell(c).Word)
	}
	return all
}

// Len64 is the length of the message in cell c.
func (q *Queue[T]) LenOf(c int) *uint64 { return &deskOf(&q.handle).r.cell(uint64(c)).Len }

// Payload is the memory of the queue.
func (q *Queue[T]) Payload() []byte { return deskOf(&q.handle).r.seg.Payload() }

// Payload is the memory of the queue.
func (q *JoinableQueue[T]) Payload() []byte { return deskOf(&q.handle).r.seg.Payload() }

// Bury makes what this process has in cells a dead process's.
func (q *JoinableQueue[T]) Bury(dead uint32) {
	d := deskOf(&q.handle)
	for c := range d.r.N {
		at := &d.r.cell(c).Word
		w := atomic.LoadUint64(at)
		if s := w & abi.CellState; (s == abi.CellLeased || s == abi.CellWriting) && uint32(w)&^abi.CellState == owner.Word {
			atomic.StoreUint64(at, wordOf(genOf(w), dead<<abi.CellShift, s))
			d.held[c].Store(0)
		}
	}
}

// Cry says that something was returned, though nothing was, and waits until this handle has looked.
func (q *JoinableQueue[T]) Cry() {
	d := deskOf(&q.handle)
	n := atomic.AddUint64(&d.r.ctl.Returns, 1)
	for d.order.Wake(); d.seen.Load() != n; {
		runtime.Gosched()
	}
}

// Words are the words of the cells.
func (q *JoinableQueue[T]) Words() (all []*uint64) {
	r := deskOf(&q.handle).r
	for c := range r.N {
		all = append(all, &r.cell(c).Word)
	}
	return all
}

// Returns is how often a cell was said to be returned.
func (q *JoinableQueue[T]) Returns() uint64 {
	return atomic.LoadUint64(&deskOf(&q.handle).r.ctl.Returns)
}
