package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// round is one party's stay in a round.
type round struct {
	b      *Barrier
	c      cells
	gen    uint32
	action func() error
}

// arrive marks the place of this party; false says that the barrier is broken.
func (r *round) arrive(i int) bool {
	v := r.b.load()
	r.gen = genOf(v)
	from := mine() | entering<<noteShift
	return !broken(v) && atomic.CompareAndSwapUint64(r.c.at(i), from, mine()|uint64(arrived(r.gen))<<noteShift)
}

// over reports whether the outcome is known.
func (r *round) over() bool {
	v := r.b.load()
	return genOf(v) != r.gen || broken(v)
}

// outcome is what a round that is over came to.
func (r *round) outcome(v uint64) error {
	if (genOf(v)-r.gen)&1 == 1 {
		return nil
	}
	return ErrBroken
}

// What a look at a round may show.
type progress int

const (
	pending  progress = iota // others are missing, or run the action
	finished                 // the outcome is known
	chosen                   // this party is to run its action
)

// look finds out what there is to do, and does it if it is one swap. v is the state that it saw.
func (r *round) look() (v uint64, p progress) {
	for {
		v = r.b.load()
		switch {
		case genOf(v) != r.gen || broken(v):
			return v, finished
		case running(v) || !full(r.c, r.gen):
			return v, pending
		case r.action == nil:
			if to := inGen(r.gen+1, 0); r.b.turn(v, to) {
				return to, finished
			}
		case atomic.CompareAndSwapUint64(&r.b.barrier, v, uint64(uint32(v))|phaseRunning|uint64(owner.Word)<<runnerShift):
			return v, chosen
		}
	}
}

// meet waits for the outcome.
func (r *round) meet(ctx context.Context) error {
	v, p := r.look()
	if p == pending {
		site := siteOf(unsafe.Pointer(r.b))
		if site.Spin(r.over) {
			return r.outcome(r.b.load())
		}
		var err error
		if v, p, err = r.park(ctx, site.mayAsk()); err != nil {
			return err
		}
	}
	if p == chosen { // out of the lot: the other goroutines of this process are not to wait for the action
		return r.run()
	}
	return r.outcome(v)
}

// park sleeps until there is something to do, or breaks the round when ctx ends.
func (r *round) park(ctx context.Context, sweep bool) (uint64, progress, error) {
	b := r.b
	w := park.Join(ctx, b.word(), b)
	defer w.Leave()
	for {
		v, p := r.look()
		if p != pending {
			return v, p, nil
		}
		if sweep {
			sweep = false
			b.sweep(r.c)
			continue
		}
		if v&barrierWait == 0 && !atomic.CompareAndSwapUint64(&b.barrier, v, v|barrierWait) {
			continue
		}
		if !w.Leading() {
			if !w.Lead() {
				return r.cancel(ctx)
			}
			continue
		}
		switch w.Sleep(uint32(v) | barrierWait) {
		case park.Look:
			sweep = true
		case park.Done:
			return r.cancel(ctx)
		}
	}
}

// cancel breaks the round because ctx has ended, unless it is over.
func (r *round) cancel(ctx context.Context) (uint64, progress, error) {
	v, broke := r.breakUp()
	if broke {
		return v, finished, ctx.Err()
	}
	return v, finished, nil
}

// breakUp breaks the round, or returns the state that tells how it ended before.
func (r *round) breakUp() (v uint64, broke bool) {
	for {
		v = r.b.load()
		if genOf(v) != r.gen || broken(v) {
			return v, false
		}
		if r.b.shatter(v) {
			return v, true
		}
	}
}

// run runs the action, and tells all how it ended.
func (r *round) run() error {
	returned := false
	defer func() {
		if !returned {
			r.breakUp() // it panics, or ends its goroutine
		}
	}()
	if race.Enabled {
		race.Acquire(unsafe.Pointer(r.b))
	}
	err := r.action()
	returned = true
	if race.Enabled {
		race.Release(unsafe.Pointer(r.b))
	}
	if err != nil {
		r.breakUp()
		return err
	}
	for {
		v := r.b.load()
		if genOf(v) != r.gen || broken(v) {
			return r.outcome(v)
		}
		if r.b.turn(v, inGen(r.gen+1, 0)) {
			return nil
		}
	}
}
