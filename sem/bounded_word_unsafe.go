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

// A permit is a cell whose note is a version, which counts how often the permit has changed hands:
//
//	acquire    (0, v) → (me, v)
//	release    (me, v) → (0, v+1)      then ring for one
//	take over  (dead, v) → (me, v+1)   on a slice, or by a Try
//	return     (dead, v) → (0, v+1)    by who has taken one over, for the other permits of the dead: a release
//
// The versions are what lets TryAcquire say no: permits move while it looks from cell to cell, so that all
// cells may have seemed taken although one was free all the time. Two looks that find the same in every cell
// prove that at the instant between them all were taken.
//
// A ring wakes one. One who has slept and takes a permit announces anew, looks, and passes on: of two
// releases the first clears W, so the second wakes nobody although two sleep.
//
// Who repairs what: killed with a permit, it is named in the cell, and any sleeper's slice takes it over.
// Killed between a release's swap and its ring, or woken and then killed: any sleeper's slice finds a free
// cell.

// released is a permit that is free again.
func released(v uint64) uint64 { return v&^(1<<noteShift-1) + one }

// home is the permit that this process tries first; nil if n is not a number of permits.
func (b *BoundedSemaphore) home() (p *uint64, v uint64) {
	n := atomic.LoadUint32(&b.bounded)
	if n-1 >= MaxPermits {
		return nil, 0
	}
	p = &b.permits[uint64(owner.ID())*uint64(n)>>owner.Bits%MaxPermits]
	return p, atomic.LoadUint64(p)
}

// cells is the table, empty with an error.
func (b *BoundedSemaphore) cells() (cells, error) {
	n := atomic.LoadUint32(&b.bounded)
	switch {
	case n == 0:
		return cells{}, ErrUninitialized
	case n > MaxPermits:
		return cells{}, fmt.Errorf("sem: BoundedSemaphore of %d permits: %w", n, abi.ErrCorrupt)
	}
	return cells{&b.permits[0], int(n), unsafe.Sizeof(b.permits[0])}, nil
}

// take takes a free permit.
func take(v uint64) (uint64, bool) { return v | mine(), unclaimed(v) }

// inherit takes over a permit of the dead, and gives back the others that they had.
func (b *BoundedSemaphore) inherit(c cells) bool {
	if c.move(func(v uint64) (uint64, bool) { return released(v) | mine(), c.dead(v) }) < 0 {
		return false
	}
	more := 0
	for i := range c.n {
		if v := atomic.LoadUint64(c.at(i)); c.dead(v) && atomic.CompareAndSwapUint64(c.at(i), v, released(v)) {
			more++
		}
	}
	if more > 0 {
		b.free.ring(more)
	}
	return true
}

// spare reports whether a permit is free.
func spare(c cells) bool {
	for i := range c.n {
		if unclaimed(atomic.LoadUint64(c.at(i))) {
			return true
		}
	}
	return false
}

// Stale implements park.Looker: a permit is free, or a dead one's.
func (b *BoundedSemaphore) Stale(t *park.Tick) bool {
	c, err := b.cells()
	return err != nil || spare(c) || c.stale(t)
}

//go:noinline
func (b *BoundedSemaphore) acquireSlow(ctx context.Context) error {
	c, err := b.cells()
	if err != nil {
		return err
	}
	site := siteOf(unsafe.Pointer(b))
	quick := func() bool { return c.move(take) >= 0 }
	if !quick() && !site.SpinAway(quick) {
		err = b.await(ctx, c, site.mayAsk()) // the context may end before the first slice
	}
	if race.Enabled && err == nil {
		race.Acquire(unsafe.Pointer(b))
	}
	return err
}

// await parks until it has a permit or ctx ends.
func (b *BoundedSemaphore) await(ctx context.Context, c cells, look bool) error {
	w := park.Join(ctx, &b.free.word, b)
	defer w.Leave()
	slept := false
	for {
		word := b.free.announce()
		if c.move(take) >= 0 || look && b.inherit(c) {
			if slept {
				b.passOn(c)
			}
			return nil
		}
		look = false
		if !w.Leading() {
			if !w.Lead() {
				return ctx.Err()
			}
			slept = true
			continue
		}
		switch w.Sleep(word) {
		case park.Woken:
			slept = true
		case park.Look: // a look may hide a wake-up that came with it
			slept, look = true, true
		case park.Done:
			if slept || atomic.LoadUint32(&b.free.word) != word {
				b.free.pass()
			}
			return ctx.Err()
		}
	}
}

// passOn wakes one more sleeper while there are permits. It announces for those who sleep, since the ring that
// woke this one has cleared W.
func (b *BoundedSemaphore) passOn(c cells) {
	b.free.announce()
	if spare(c) {
		b.free.pass()
	}
}

// looks bounds the search for an instant at which nothing moves: every look in vain but a scribbler's is
// somebody's release.
const looks = 1 << 12

//go:noinline
func (b *BoundedSemaphore) tryAcquireSlow() bool {
	c, err := b.cells()
	if err != nil || !b.tryAcquire(c) {
		return false
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(b))
	}
	return true
}

func (b *BoundedSemaphore) tryAcquire(c cells) bool {
	var seen [MaxPermits]uint64
	for range looks {
		if c.move(take) >= 0 {
			return true
		}
		if b.still(c, &seen) {
			break
		}
	}
	return siteOf(unsafe.Pointer(b)).mayAsk() && b.inherit(c)
}

// still looks at all permits twice, and reports whether all were taken at the instant between the looks.
func (b *BoundedSemaphore) still(c cells, seen *[MaxPermits]uint64) bool {
	for i := range c.n {
		if seen[i] = atomic.LoadUint64(c.at(i)); unclaimed(seen[i]) {
			return false
		}
	}
	for i := range c.n {
		if atomic.LoadUint64(c.at(i)) != seen[i] {
			return false
		}
	}
	return true
}

//go:noinline
func (b *BoundedSemaphore) releaseSlow() error {
	c, err := b.cells()
	if err != nil {
		return err
	}
	// In the order in which others of the process release: see RWMutex.exit.
	if c.move(func(v uint64) (uint64, bool) { return released(v), isMine(v) }) < 0 {
		return errors.New("sem: BoundedSemaphore.Release: this process has no permit: is a Release called without an Acquire, or in another process?")
	}
	b.free.ring(1)
	return nil
}
