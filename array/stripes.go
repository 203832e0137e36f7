package array

import (
	"context"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
)

// lock takes the stripes lo … hi, in ascending order, and mends what the dead have left in them.
func (c *core[T]) lock(lo, hi int) {
	if c.take(lo, hi) {
		c.mend(context.Background(), lo, hi)
	}
}

// lockContext is lock, unless ctx ends first: then it holds none of the stripes, and reports false.
func (c *core[T]) lockContext(ctx context.Context, lo, hi int) bool {
	abandoned, held := c.takeContext(ctx, lo, hi)
	return held && (!abandoned || c.mend(ctx, lo, hi))
}

// take locks stripes, and reports whether one has been abandoned.
func (c *core[T]) take(lo, hi int) (abandoned bool) {
	for j := lo; j <= hi; j++ {
		m := c.mutex(j)
		m.Lock()
		abandoned = abandoned || m.Abandoned()
	}
	return abandoned
}

// takeContext is take, unless ctx ends first: then it holds none of the stripes.
func (c *core[T]) takeContext(ctx context.Context, lo, hi int) (abandoned, held bool) {
	for j := lo; j <= hi; j++ {
		m := c.mutex(j)
		if m.LockContext(ctx) != nil {
			c.unlock(lo, j-1)
			return false, false
		}
		abandoned = abandoned || m.Abandoned()
	}
	return abandoned, true
}

func (c *core[T]) unlock(lo, hi int) {
	for j := hi; j >= lo; j-- {
		c.mutex(j).Unlock()
	}
}

// mend completes or clears what the dead have left in stripes lo … hi, which are locked, one of them abandoned. For that it
// needs all stripes of the records that may cover these. Lower ones may only be locked before higher ones: so it lets all
// go and begins anew with the lowest. Abandoned stays set meanwhile, so whoever comes in between mends too. It is taken
// away when all is done: who is killed here leaves it to the next one. So does one whose ctx ends: then none is locked.
func (c *core[T]) mend(ctx context.Context, lo, hi int) bool {
	l, h := lo, hi
	for {
		down, up := c.reach(l, h)
		if down < l {
			c.unlock(l, h)
			l, h = down, up
			if _, held := c.takeContext(ctx, l, h); !held {
				return false
			}
			continue
		}
		if up == h {
			break
		}
		if _, held := c.takeContext(ctx, h+1, up); !held {
			c.unlock(l, h)
			return false
		}
		h = up
	}
	c.repair(l, h)
	c.unlock(hi+1, h)
	c.unlock(l, lo-1)
	return true
}

// reach is from where to where the records may go that the dead have left in stripes l … h. It only grows from turn to
// turn, as far as there are stripes.
func (c *core[T]) reach(l, h int) (down, up int) {
	down, up = l, h
	for j := l; j <= h; j++ {
		if !c.mutex(j).Abandoned() {
			continue
		}
		if root := atomic.LoadUint64(&c.stripes[j].Root); root > 0 && root <= uint64(j) {
			down = min(down, int(root)-1)
		}
		if _, to, _, ok := c.record(j); ok {
			up = max(up, c.last(to))
		}
	}
	return down, up
}

func (c *core[T]) repair(l, h int) {
	for j := l; j <= h; j++ {
		if c.mutex(j).Abandoned() {
			c.finish(j)
		}
	}
	for j := l; j <= h; j++ {
		if c.mutex(j).Abandoned() {
			fence.Publish(&c.stripes[j].Root, 0)
			c.turn(j, j, 0) // a holder of Lock, or of the record of another stripe
		}
	}
	for j := l; j <= h; j++ {
		if m := c.mutex(j); m.Abandoned() {
			m.Repaired()
		}
	}
}

// Lock locks the whole array, waiting for who holds any part of it: until Unlock nobody else updates or writes a range or
// stores an element that is not of 1, 2, 4 or 8 bytes, and ReadAt of others waits. Change elements through Slice: what of
// this handle takes a lock of its own (Update, WriteAt, SetString, a Store of a larger element) would wait for itself. Load,
// ReadAt and All of this handle do not wait.
func (a *Array[T]) Lock() {
	c := a.must("Lock")
	c.enter("Lock", c.lockAll)
	c.locked.Store(true)
}

// Unlock gives back what Lock has taken. It panics if the array is not locked through this handle.
func (a *Array[T]) Unlock() {
	c := a.must("Unlock")
	if !c.locked.CompareAndSwap(true, false) {
		panic("array: Unlock of an array that is not locked through this handle")
	}
	c.enter("Unlock", c.unlockAll)
}

// While the array is locked as a whole its versions are odd, for its holder changes elements in place.
func (c *core[T]) lockAll() {
	last := len(c.stripes) - 1
	c.lock(0, last)
	c.turn(0, last, 1)
}

func (c *core[T]) unlockAll() {
	last := len(c.stripes) - 1
	c.turn(0, last, 0)
	c.unlock(0, last)
}
