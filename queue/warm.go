package queue

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// To take pages from the kernel and to give them back costs six times as much as to write to them. So a few cells, the first that a
// message of the tail is done with in, keep theirs for the next such message, for as long as the queue lives: WarmCells times WarmSize at
// most. An entry of Warm says only that the cell may have pages, so it is right whoever is killed, and is never
// taken back; a cell is entered by who has it in hand, before it is free.

// claimWarm claims a free cell that may have pages, for a message of n bytes that does not fit into a cell.
func (d *desk) claimWarm(n uint64) (c, w uint64, ok bool) {
	r := d.r
	if n <= r.Inline || n > abi.WarmSize {
		return 0, 0, false
	}
	for i := range r.ctl.Warm {
		c = atomic.LoadUint64(&r.ctl.Warm[i]) - 1
		if c >= r.N { // none, or a peer's scribble
			continue
		}
		if w, ok = r.claim(c); ok {
			return c, w, true
		}
	}
	return 0, 0, false
}

// keeps reports whether cell c, with a message of n bytes in the tail, is to keep its pages.
func (r *rack) keeps(c, n uint64) bool {
	if n > abi.WarmSize {
		return false
	}
	for i := range r.ctl.Warm {
		at := &r.ctl.Warm[i]
		if have := atomic.LoadUint64(at); have == c+1 || have == 0 && atomic.CompareAndSwapUint64(at, 0, c+1) {
			return true
		}
	}
	return false
}
