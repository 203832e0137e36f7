package value

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/wordwise"
)

// laps is how often a reader lets writers come around before it takes the lock.
const laps = 4

// load is Load where it is not one fast load.
func (c *core[T]) load(x *T) {
	if c.copies == 0 {
		w := c.raw()
		c.acquire()
		*x = decode[T](w)
		return
	}
	v := c.raw()
	if c.pace.keep(v) {
		v = c.raw()
	}
	for range laps {
		now, whole := c.peek(x, v)
		if whole {
			c.acquire()
			return
		}
		v = now
	}
	_ = c.lock(context.Background())
	c.fetch(x)
	c.mutex().Unlock()
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

// swap is Store and Swap where it is not one fast exchange.
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
