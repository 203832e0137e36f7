package sem

import "github.com/shmkit/shmkit/internal/park"

// bequest is what a leader among the waiters of a Cond leaves to its successor.
type bequest struct {
	base   uint32 // signals up to here have been taken
	budget uint32 // so many shall return although there is no signal for them
}

// As one number:
//
//	63           32 31        2 1  0
//	+--------------+-----------+----+
//	|    budget    |   base    | 0  |
//	+--------------+-----------+----+
//
// A leader that left without a word (its memory has gone, and it panics) has left zero: a base like any
// other, and wherever it lies it makes the successor return for nothing at most.
func (b bequest) number() uint64 { return uint64(b.budget)<<32 | uint64(b.base) }

func bequestOf(v uint64) bequest { return bequest{uint32(v), uint32(v >> 32)} }

// hand leaves what the caller, who leaves, has not taken. Of the signals since its base it takes one; of a
// broadcast nothing, for that is for all.
func (c *Cond) hand(p *park.Waiter, base, budget uint32) {
	if behind := c.seq() - base; behind != 0 && behind < many*signal1 {
		base += signal1
	}
	p.Hand(bequest{base, budget}.number())
}

// later is the later one of two bases. Of two that lie further apart than 2^29 steps it takes the wrong
// one: then somebody returns for nothing.
func later(a, b uint32) uint32 {
	if int32(b-a) > 0 {
		return b
	}
	return a
}
