package array

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/wordwise"
)

// How a range is changed, all or nothing. The stripes of the range are locked, in ascending order; the lowest one, the
// root, has the record of the change.
//
//	log       the new bytes, at the places in the log that are those of the elements
//	pointers  Root of the other stripes, From, To, Done of the root
//	commit    State of the root: Idle → Committed. This one store is the change.
//	apply     versions odd, the elements from the log piece by piece with Done behind each, versions even
//	clear     State → Idle, Root of the others → 0; unlock
//
// Killed before commit, nothing has happened: who takes over clears the pointers. Killed behind it, who takes over goes
// on from Done. Either is told by the Abandoned of the mutex, which every process keeps until the repair is
// complete: see mend. Nobody sees an element that is taken back later.
//
// An element of one step (a cell) may be stored by others without a lock, also while the one who applies is dead and nobody
// has taken over. Done says which have been written, so that what is stored there since stays. Only of the piece at
// Done it is not known whether it has been: it is written again.

// write makes private the elements from … to. Their stripes are locked.
func (c *core[T]) write(private unsafe.Pointer, from, to int) {
	lo, hi := c.stripe(from), c.stripe(to-1)
	a, b := uint64(from)*uint64(c.size()), uint64(to)*uint64(c.size())
	wordwise.Store(unsafe.Add(c.log, a), private, uintptr(b-a))
	root := &c.stripes[lo]
	for j := lo + 1; j <= hi; j++ {
		fence.Publish(&c.stripes[j].Root, uint64(lo)+1)
	}
	fence.Publish(&root.From, a)
	fence.Publish(&root.To, b)
	fence.Publish(&root.Done, a)
	c.release()
	atomic.StoreUint32(&root.State, abi.StripeCommitted)
	c.finish(lo)
}

// record is a stripe's record, if a writer can have made it.
func (c *core[T]) record(r int) (from, to, done uint64, ok bool) {
	s := &c.stripes[r]
	from, to, done = atomic.LoadUint64(&s.From), atomic.LoadUint64(&s.To), atomic.LoadUint64(&s.Done)
	size := uint64(c.size())
	ok = from < to && to <= uint64(c.n)*size && from <= done && done <= to && from%size == 0 && to%size == 0 && done%size == 0 &&
		c.stripe(int(from/size)) == r
	return from, to, done, ok && atomic.LoadUint32(&s.State) == abi.StripeCommitted
}

// last is the last stripe of a record that ends at that byte.
func (c *core[T]) last(to uint64) int { return c.stripe(int((to - 1) / uint64(c.size()))) }

// finish applies the committed record of stripe r, or what is left of it, and clears it. The stripes of the record are
// locked. Whoever is killed in it leaves it to the next one, who does it again from Done.
func (c *core[T]) finish(r int) {
	_, to, done, ok := c.record(r)
	if ok {
		hi := c.last(to)
		c.turn(r, hi, 1)
		c.apply(&c.stripes[r].Done, done, to)
		c.turn(r, hi, 0)
		for j := r + 1; j <= hi; j++ { // before State: their Root has nothing to say any more
			fence.Publish(&c.stripes[j].Root, 0)
		}
	}
	atomic.StoreUint32(&c.stripes[r].State, abi.StripeIdle)
}

// turn makes the versions of some stripes odd (1) or even (0). What is stored behind an odd one must not pass it, nor does
// a large memmove, whose stores go past the cache and keep no order: so the last odd version is exchanged, a full barrier.
func (c *core[T]) turn(lo, hi int, parity uint64) {
	for j := lo; j <= hi; j++ {
		p := &c.stripes[j].Version
		v := atomic.LoadUint64(p)
		switch {
		case parity == 1 && j == hi:
			atomic.SwapUint64(p, v|1)
		case v&1 != parity:
			fence.Publish(p, v+1)
		}
	}
}

// apply copies bytes from the log to the elements. The stores of the odd versions before it come first, those of
// the even ones behind it last.
func (c *core[T]) apply(done *uint64, from, to uint64) {
	elems := unsafe.Pointer(unsafe.SliceData(c.elems))
	if !c.celled() {
		wordwise.Store(unsafe.Add(elems, from), unsafe.Add(c.log, from), uintptr(to-from))
		fence.Publish(done, to)
		return
	}
	for from < to {
		from += uint64(storePiece(unsafe.Add(elems, from), unsafe.Add(c.log, from), c.size(), uintptr(to-from)))
		fence.Publish(done, from) // killed before it: this piece is in doubt, and written once more
	}
}
