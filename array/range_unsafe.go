package array

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
)

// ReadAt copies len(dst) elements from off on to dst, as they were at one moment, and returns how many that is. A range
// that is not within the array is an error, and dst stays as it is.
func (a *Array[T]) ReadAt(dst []T, off int) (int, error) {
	c, err := a.within("ReadAt", len(dst), off)
	if err != nil || len(dst) == 0 {
		return 0, err
	}
	err = c.protect(c.much(len(dst)), func() { c.read(unsafe.Pointer(unsafe.SliceData(dst)), off, off+len(dst)) })
	runtime.KeepAlive(c)
	if err != nil {
		return 0, err
	}
	return len(dst), nil
}

// WriteAt makes src the elements from off on, all or nothing, and returns how many that is. A range that is not within
// the array is an error, and nothing has changed.
func (a *Array[T]) WriteAt(src []T, off int) (int, error) {
	c, err := a.within("WriteAt", len(src), off)
	if err != nil || len(src) == 0 {
		return 0, err
	}
	err = c.protect(c.much(len(src)), func() {
		lo, hi := c.stripe(off), c.stripe(off+len(src)-1)
		c.lock(lo, hi)
		c.write(unsafe.Pointer(unsafe.SliceData(src)), off, off+len(src))
		c.unlock(lo, hi)
	})
	runtime.KeepAlive(c)
	if err != nil {
		return 0, err
	}
	return len(src), nil
}

// within is open, for n elements from off on.
func (a *Array[T]) within(op string, n, off int) (*core[T], error) {
	c, err := a.open()
	if err == nil && (off < 0 || off > c.n || n > c.n-off) {
		return nil, fmt.Errorf("array: %s of %d elements at %d of %s, which has %d: %w", op, n, off, c.label(), c.n, fs.ErrInvalid)
	}
	return c, err
}

func (c *core[T]) much(n int) bool { return !c.seg.Sealed() && uintptr(n)*c.size() >= bulk }

// looks is how often a reader lets writers come in between before it asks for the locks.
const looks = 12

// How long a reader waits for the locks before it looks again, at first and at most.
const (
	patience     = time.Millisecond
	mostPatience = 128 * time.Millisecond
)

// read copies the elements from … to as they are at one moment. Its caller may be f of an Update, and hold a stripe:
// who holds the next one may wait for that. So it waits for no lock without an end, and looks again. Of those who
// wait for it none is changing anything, so then it sees them still.
func (c *core[T]) read(private unsafe.Pointer, from, to int) {
	lo, hi := c.stripe(from), c.stripe(to-1)
	for wait := patience; !c.look(private, from, to); wait = min(2*wait, mostPatience) {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		held := c.lockContext(ctx, lo, hi)
		cancel()
		if held {
			c.fetch(private, from, to)
			c.unlock(lo, hi)
			return
		}
	}
}

// look copies the elements from … to, and reports whether they are as they were at one moment. The versions of the
// stripes are even before, and the same behind: their sum is, for they only grow.
func (c *core[T]) look(private unsafe.Pointer, from, to int) bool {
	lo, hi := c.stripe(from), c.stripe(to-1)
	for i := range uint32(looks) {
		before, still := c.versions(lo, hi)
		if still {
			c.fetch(private, from, to)
			if behind, _ := c.versions(lo, hi); behind == before {
				c.acquire()
				return true
			}
		}
		if c.locked.Load() { // by ourselves: what is there is ours
			c.fetch(private, from, to)
			return true
		}
		park.Pause(1 << min(i, 6))
	}
	return false
}

// versions is the sum of the versions of some stripes, and whether none is being changed.
func (c *core[T]) versions(lo, hi int) (sum uint64, still bool) {
	odd := uint64(0)
	for j := lo; j <= hi; j++ {
		v := atomic.LoadUint64(&c.stripes[j].Version)
		sum, odd = sum+v, odd|v
	}
	return sum, odd&1 == 0
}
