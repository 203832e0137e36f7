package sem

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/race"
)

// MaxPermits is the most permits that a BoundedSemaphore has.
const MaxPermits = 64

// BoundedSemaphore has n permits: Acquire waits for one and takes it, Release gives it back. 520 bytes,
// not to be copied; Init gives it its n.
//
// Each permit that is taken names its process. If that process dies, its permits come back: the next who
// waits gets them, be it one slice of about 45 ms later. Nobody is ever taken for dead while a thread of it
// could still run. Another goroutine of the process may release; another process may not. For tokens that
// belong to nobody see Semaphore; for more than 64 permits Bounded, which has a segment of its own.
//
// Release synchronizes before the return of a later Acquire that takes the same permit, in whichever
// process. Waiters spin for some microseconds, then sleep; who comes new may overtake them. All methods
// are safe for concurrent use. Outside of a shared segment it works within the process.
type BoundedSemaphore struct {
	_ noCopy

	bounded uint32 // n
	free    bell   // rung when a permit becomes free
	permits [MaxPermits]uint64
}

// Init gives b its number of permits, 1 to MaxPermits; any other is a panic. It is called once, in
// Config.Init, before the object is shared.
func (b *BoundedSemaphore) Init(n int) {
	if n < 1 || n > MaxPermits {
		panic(fmt.Sprintf("sem: BoundedSemaphore.Init(%d): 1 to %d permits; for more use NewBounded, which has a segment of its own", n, MaxPermits))
	}
	atomic.StoreUint32(&b.bounded, uint32(n))
}

// TryAcquire takes a permit if there is one, and reports whether it did. It reports false only if at one
// instant of the call all permits were taken, or before Init. It does not wait, may overtake those who do,
// and does take over permits of the dead, about whom it asks at most once a millisecond.
func (b *BoundedSemaphore) TryAcquire() bool {
	p, v := b.home()
	if p == nil || !unclaimed(v) || !atomic.CompareAndSwapUint64(p, v, v|mine()) {
		return b.tryAcquireSlow()
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(b))
	}
	return true
}

// Acquire waits for a permit and takes it, unless ctx ends first: then it returns ctx's error and has taken
// none. A context that has ended already does not fail a call that need not wait. Before Init it returns
// ErrUninitialized.
func (b *BoundedSemaphore) Acquire(ctx context.Context) error {
	p, v := b.home()
	if p == nil || !unclaimed(v) || !atomic.CompareAndSwapUint64(p, v, v|mine()) {
		return b.acquireSlow(ctx)
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(b))
	}
	return nil
}

// Release gives one permit back. If the process has none it returns an error and changes nothing.
func (b *BoundedSemaphore) Release() error {
	if race.Enabled {
		race.Release(unsafe.Pointer(b))
	}
	p, v := b.home()
	if p == nil || !isMine(v) || !atomic.CompareAndSwapUint64(p, v, released(v)) {
		return b.releaseSlow()
	}
	b.free.ring(1)
	return nil
}

// Value is the number of free permits at this moment, 0 before Init.
func (b *BoundedSemaphore) Value() int {
	p, _ := b.all()
	return p.value()
}

// Cap is the number of permits in all, 0 before Init.
func (b *BoundedSemaphore) Cap() int {
	p, _ := b.all()
	return p.n
}
