package value

import (
	"context"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/wordwise"
)

// laps is how often a reader lets writers come around before it asks for the lock.
const laps = 4

// How long a reader waits for the lock before it looks again, at first and at most: its holder may be in f of an
// Update, and then the value stays as it is.
const (
	patience     = time.Millisecond
	mostPatience = 128 * time.Millisecond
)

// load is Load where it is not one fast load. A context that ends is its error, but not if it need not wait.
func (c *core[T]) load(ctx context.Context, x *T) error {
	if c.copies == 0 {
		w := c.raw()
		c.acquire()
		*x = decode[T](w)
		return nil
	}
	c.pace.keep()
	v := c.raw()
	c.pace.found(v)
	for wait := patience; !c.whole(x, v); wait = min(2*wait, mostPatience) {
		if c.lockFor(ctx, wait) {
			c.fetch(x)
			c.mutex().Unlock()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v = c.raw()
	}
	return nil
}

// whole copies the value, from version v on, and reports whether it is whole.
func (c *core[T]) whole(x *T, v uint64) bool {
	for range laps {
		now, whole := c.peek(x, v)
		if whole {
			c.acquire()
			return true
		}
		v = now
	}
	return false
}

// lockFor is lock for a while, and reports whether it has the mutex.
func (c *core[T]) lockFor(ctx context.Context, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return c.lock(ctx) == nil
}

// peek copies the value of version v, and reports whether it is whole, and which version there is now. Writers at version
// v+1 … v+copies-1 fill other copies; the one that fills ours anew begins when the version is v+copies-1.
// The load of the version behind the copy pairs with commit's store: who sees a byte of version v+copies, sees
// version v+copies-1 too.
func (c *core[T]) peek(x *T, v uint64) (now uint64, whole bool) {
	wordwise.Load(unsafe.Pointer(x), c.at(v), unsafe.Sizeof(*x))
	now = c.raw()
	return now, now-v < uint64(c.copies)-1
}

// fetch copies the value. The caller holds the mutex, so nobody writes.
func (c *core[T]) fetch(x *T) {
	wordwise.Load(unsafe.Pointer(x), c.at(c.raw()), unsafe.Sizeof(*x))
	c.acquire()
}

// commit makes x the value. The caller holds the mutex.
func (c *core[T]) commit(x *T) {
	v := c.raw()
	wordwise.Store(c.at(v+1), unsafe.Pointer(x), unsafe.Sizeof(*x))
	c.release()
	// Killed before this store nothing has happened: the copy is nobody's value. Killed behind it all has, but for the bell,
	// which those who wait find out by their slice. The mutex passes to who wants it next.
	fence.Publish(&c.ctl.Word, v+1)
}

// unlock ends what has changed the value. The compare-and-swap in Unlock is the fence between commit's
// store and the load of the bell.
func (c *core[T]) unlock() {
	c.mutex().Unlock()
	c.changed()
}

// store is Store where it is not one fast exchange.
func (c *core[T]) store(x *T) {
	if c.copies == 0 {
		var old T
		c.swap(x, &old)
		return
	}
	_ = c.lock(context.Background())
	c.commit(x)
	c.unlock()
}

// swap is Swap where it is not one fast exchange.
func (c *core[T]) swap(x, old *T) {
	if c.copies == 0 {
		c.release()
		*old = decode[T](atomic.SwapUint64(&c.ctl.Word, encode(x)))
		c.acquire()
		c.changed()
		return
	}
	_ = c.lock(context.Background())
	c.fetch(old)
	c.commit(x)
	c.unlock()
}

// exchange changes the word from old to new, whoever else changes it: it reports whether it has.
func (c *core[T]) exchange(old, new uint64) bool {
	c.release()
	if !atomic.CompareAndSwapUint64(&c.ctl.Word, old, new) {
		return false
	}
	c.acquire()
	c.changed()
	return true
}

var _ [abi.WordSize]byte = [unsafe.Sizeof(uint64(0))]byte{}
