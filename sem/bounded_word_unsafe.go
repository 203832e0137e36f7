package sem

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// home is the permit that this process tries first; nil if n is not a number of permits.
func (b *BoundedSemaphore) home() (p *uint64, v uint64) {
	n := atomic.LoadUint32(&b.bounded)
	if n-1 >= MaxPermits {
		return nil, 0
	}
	p = &b.permits[uint64(owner.ID())*uint64(n)>>owner.Bits%MaxPermits]
	return p, atomic.LoadUint64(p)
}

// all is what b's slow paths work on; no cells with an error.
func (b *BoundedSemaphore) all() (permits, error) {
	n := atomic.LoadUint32(&b.bounded)
	switch {
	case n == 0:
		return permits{}, ErrUninitialized
	case n > MaxPermits:
		return permits{}, fmt.Errorf("sem: BoundedSemaphore of %d permits: %w", n, abi.ErrCorrupt)
	}
	return permits{cells: cells{&b.permits[0], int(n), unsafe.Sizeof(b.permits[0])}, free: &b.free, look: b}, nil
}

// Stale implements park.Looker: a permit is free, or a dead one's.
func (b *BoundedSemaphore) Stale(t *park.Tick) bool {
	p, err := b.all()
	return err != nil || p.stale(t)
}

//go:noinline
func (b *BoundedSemaphore) acquireSlow(ctx context.Context) error {
	p, err := b.all()
	if err != nil {
		return err
	}
	err = p.acquire(ctx)
	if race.Enabled && err == nil {
		race.Acquire(unsafe.Pointer(b))
	}
	return err
}

//go:noinline
func (b *BoundedSemaphore) tryAcquireSlow() bool {
	p, err := b.all()
	if err != nil || !p.tryAcquire() {
		return false
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(b))
	}
	return true
}

//go:noinline
func (b *BoundedSemaphore) releaseSlow() error {
	p, err := b.all()
	if err != nil {
		return err
	}
	if !p.release() {
		return errors.New("sem: BoundedSemaphore.Release: " + hasNone)
	}
	return nil
}

const hasNone = "this process has no permit: is a Release called without an Acquire, or in another process?"
