package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
)

// permits are the cells of a BoundedSemaphore or a Bounded, and what goes with them. A permit is a cell whose
// note is a version, which counts how often the permit has changed hands:
//
//	acquire    (0, v) → (me, v)
//	release    (me, v) → (0, v+1)      then ring for one
//	take over  (dead, v) → (me, v+1)   on a slice, or by a Try
//	return     (dead, v) → (0, v+1)    by who has taken one over, for the other permits of the dead: a release
//
// The versions are what lets TryAcquire say no: permits move while it looks from cell to cell, so that all
// cells may have seemed taken although one was free all the time. Two looks that find all taken, and the same
// version in every cell, prove that at the instant between them all were taken. As versions only grow, their sum
// says whether all are the same.
//
// A ring wakes one. One who has slept and takes a permit announces anew, looks, and passes on: of two
// releases the first clears W, so the second wakes nobody although two sleep.
//
// Who repairs what: killed with a permit, it is named in the cell, and any sleeper's slice takes it over.
// Killed between a release's swap and its ring, or woken and then killed: any sleeper's slice finds a free
// cell.
//
// Where a look begins is never more than a matter of speed.
type permits struct {
	cells
	free *bell
	look park.Looker

	// Of a Bounded; nil else.
	last  *atomic.Uint32 // private: the cell at which this process last got or gave a permit
	freed *uint32        // shared: the cell that was freed as somebody waited
}

// released is a permit that is free again.
func released(v uint64) uint64 { return v&^(1<<noteShift-1) + one }

// taken is a free permit that this process takes.
func taken(v uint64) uint64 { return v | mine() }

// inherited is a permit of the dead that this process takes.
func inherited(v uint64) uint64 { return released(v) | mine() }

// start is the cell at which a look begins.
func (p *permits) start() int {
	if p.last == nil {
		return p.home()
	}
	return int(p.last.Load()) % p.n
}

// found notes where a look has ended. What is there already is not written again: a pair of calls that finds
// everything where it was moves no line but the cell's.
func (p *permits) found(i int) {
	if p.last != nil && p.last.Load() != uint32(i) {
		p.last.Store(uint32(i))
	}
}

const (
	up   = 1
	down = -1
)

// seek looks at most most cells from start on, up or down, and changes the first whose owner's word is who. It
// returns the cell, or −1 and the sum of the versions that it saw.
func (p *permits) seek(start, step, most int, who uint32, to func(uint64) uint64) (i int, versions uint64) {
	all := unsafe.Slice(p.first, p.n) // close together: stride is 8
	i = start
	for range most {
		v := atomic.LoadUint64(&all[i])
		for uint32(v) == who {
			if atomic.CompareAndSwapUint64(&all[i], v, to(v)) {
				p.found(i)
				return i, 0
			}
			v = atomic.LoadUint64(&all[i])
		}
		versions += v >> noteShift
		if i += step; uint(i) >= uint(len(all)) {
			i -= step * len(all)
		}
	}
	return -1, versions
}

// window is how many cells a look in a hurry sees: one between two pauses, which should not last longer than they.
const window = MaxPermits

// glance takes a permit near by.
func (p *permits) glance() bool {
	i, _ := p.seek(p.start(), up, min(p.n, window), 0, taken)
	return i >= 0
}

// take looks at every cell for a free permit, and takes it. One that became free as somebody waited is looked at first.
func (p *permits) take() bool {
	if p.freed != nil {
		if i, _ := p.seek(int(atomic.LoadUint32(p.freed)%uint32(p.n)), up, 1, 0, taken); i >= 0 {
			return true
		}
	}
	i, _ := p.seek(p.start(), up, p.n, 0, taken)
	return i >= 0
}

// certain is a look at every cell that has found what it looks for, or knows that it was nowhere at one
// instant: the sum of the versions has not changed from one look to the next. Every look in vain but a
// scribbler's is somebody's release.
//
// It is what a release needs, too. Permits of this process that move behind the look do so by being released,
// and the caller's own is never among them: after a first look there is one, and if no version changes until
// the second has seen that cell it is still there.
func (p *permits) certain(step int, who uint32, to func(uint64) uint64) int {
	var before uint64
	for turn := range p.looks() {
		i, versions := p.seek(p.start(), step, p.n, who, to)
		if i >= 0 {
			return i
		}
		if turn > 0 && versions == before {
			break
		}
		before = versions
	}
	return -1
}

// looks bounds certain, by the number of looks and by that of cells.
func (p *permits) looks() int { return max(leastLooks, 1<<18/p.n) }

const leastLooks = 16

// inherit takes over a permit of the dead, and gives back the others that they had.
func (p *permits) inherit() bool {
	j := judge{c: p.cells}
	got, more := -1, 0
	for i := range p.n {
		c := p.at(i)
		v := atomic.LoadUint64(c)
		switch {
		case !j.dead(v):
		case got < 0:
			if atomic.CompareAndSwapUint64(c, v, inherited(v)) {
				got = i
			}
		case atomic.CompareAndSwapUint64(c, v, released(v)):
			more++
		}
	}
	if more > 0 {
		p.free.ring(more)
	}
	return got >= 0
}

// spare reports whether a permit is free.
func (p *permits) spare() bool {
	for i := range p.n {
		if unclaimed(atomic.LoadUint64(p.at(i))) {
			return true
		}
	}
	return false
}

// stale is for Stale: a permit is free, or a dead one's.
func (p *permits) stale(t *park.Tick) bool { return p.spare() || p.cells.stale(t) }

func (p *permits) site() *site { return siteOf(unsafe.Pointer(p.free)) }

// acquire waits for a permit.
func (p *permits) acquire(ctx context.Context) error {
	site := p.site()
	if p.take() || site.SpinAway(p.glance) {
		return nil
	}
	return p.await(ctx, site.mayAsk()) // the context may end before the first slice
}

// await parks until it has a permit or ctx ends.
func (p *permits) await(ctx context.Context, look bool) error {
	w := park.Join(ctx, &p.free.word, p.look)
	defer w.Leave()
	slept := false
	for {
		word := p.free.announce()
		if p.take() || look && p.inherit() {
			if slept {
				p.passOn()
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
			if slept || atomic.LoadUint32(&p.free.word) != word {
				p.free.pass()
			}
			return ctx.Err()
		}
	}
}

// passOn wakes one more sleeper while there are permits. It announces for those who sleep, since the ring that
// woke this one has cleared W.
func (p *permits) passOn() {
	p.free.announce()
	if p.spare() {
		p.free.pass()
	}
}

// tryAcquire takes a permit unless all are taken.
func (p *permits) tryAcquire() bool {
	return p.certain(up, 0, taken) >= 0 || p.site().mayAsk() && p.inherit()
}

// release gives a permit of this process back, and reports false if there is none.
func (p *permits) release() bool {
	i := p.certain(p.back(), uint32(mine()), released)
	if i < 0 {
		return false
	}
	p.ring(i)
	return true
}

// back is the way to the permits taken before the last one.
func (p *permits) back() int {
	if p.last == nil {
		return up
	}
	return down
}

// ring tells one of those who wait that permit i is free. Killed before the bell: as one who is killed before
// any ring.
func (p *permits) ring(i int) {
	if p.freed != nil && atomic.LoadUint32(&p.free.word)&waitBit != 0 {
		atomic.StoreUint32(p.freed, uint32(i))
	}
	p.free.ring(1)
}

// value is the number of free permits at about this moment.
func (p *permits) value() (n int) {
	for i := range p.n {
		if unclaimed(atomic.LoadUint64(p.at(i))) {
			n++
		}
	}
	return n
}
