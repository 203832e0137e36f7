package include_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// What becomes of one side that waits for a lock while the other is killed under it, or stands still, after any instruction.

// step is what both languages do under the lock. abandoned says that the two counts may differ.
func (p *pair) step(ctx context.Context) error {
	if err := p.Mu.LockContext(ctx); err != nil {
		return err
	}
	defer p.Mu.Unlock()
	if p.Mu.Abandoned() {
		p.B = atomic.LoadUint64(&p.A)
		p.Mu.Repaired()
	}
	if p.A != p.B {
		return fmt.Errorf("%d and %d, and nobody is told", p.A, p.B)
	}
	atomic.AddUint64(&p.A, 1)
	p.B++
	return nil
}

// goesOn says that the counts go on.
func (p *pair) goesOn() error {
	from := atomic.LoadUint64(&p.A)
	for end := time.Now().Add(8 * time.Second); atomic.LoadUint64(&p.A) < from+3; time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			return fmt.Errorf("who waits for the dead waits still: word %#x", p.word())
		}
	}
	return nil
}

// A goroutine takes the lock again and again; a C process beside it is killed.
func TestKillCBesideGo(t *testing.T) {
	v, p := newPair(t)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var wrong atomic.Pointer[error]
	all.Go(func() {
		for ctx.Err() == nil {
			if err := p.step(ctx); err != nil && ctx.Err() == nil {
				wrong.Store(&err)
				return
			}
			time.Sleep(10 * time.Microsecond)
		}
	})
	defer all.Wait()
	defer cancel()
	sweep(t, "mutex", func() string { return text(t, v) }, func(killstep.Point) error {
		if err := wrong.Load(); err != nil {
			return *err
		}
		return p.goesOn()
	}, some(8))
}

var _ = proctest.Register("victim in Go", func(args []string) int {
	var v shm.Var[pair]
	if v.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	p := v.Ptr()
	if p.step(context.Background()) != nil { // what waiting needs is there
		return 1
	}
	killstep.Begin()
	err := p.step(context.Background())
	killstep.End()
	if err != nil {
		return 1
	}
	return 0
})

// A C process takes the lock again and again; a Go process beside it is killed.
func TestKillGoBesideC(t *testing.T) {
	needC(t)
	v, p := newPair(t)
	c := start(t, "rounds", text(t, v))
	c.Expect("ready")
	killstep.Run(t, killstep.Config{
		Victim: "victim in Go",
		Args:   []string{text(t, v)},
		Points: some(9),
		Check:  func(killstep.Point) error { return p.goesOn() },
	})
}

// frozen sweeps over a C victim that is stopped, for two slices, and goes on.
func frozen(t *testing.T, what string, prepare func() string, check, after func(at killstep.Point) error) {
	t.Helper()
	needC(t)
	killstep.Run(t, killstep.Config{
		Victim:  "c",
		Foreign: true,
		Action:  killstep.Freeze,
		Prepare: func() []string { return []string{peer, "victim", prepare(), what} },
		Points:  killstep.Random(killstep.Budget(10), 10),
		Check:   check,
		After:   after,
	})
}

const twoSlices = 100 * time.Millisecond

// A C process that stands still under the lock keeps it.
func TestFrozenMutexHolder(t *testing.T) {
	v, p := newPair(t)
	ours := uint64(0)
	frozen(t, "mutex", func() string {
		p.A, p.B = 1, 1
		return text(t, v)
	}, func(killstep.Point) error {
		ctx, cancel := context.WithTimeout(context.Background(), twoSlices)
		defer cancel()
		err := p.step(ctx)
		if ours = 0; err == nil {
			ours = 1
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil
	}, func(killstep.Point) error {
		if p.A != 2+ours || p.B != p.A || p.word() != 0 && p.word() != 2 {
			return fmt.Errorf("%d and %d, word %#x; ours %d", p.A, p.B, p.word(), ours)
		}
		return nil
	})
}

// The same of a ring: the end of a process that stands still is not to be had, and what it puts afterwards is there, once.
func TestFrozenProducer(t *testing.T) {
	var r *ringbuf.SPSC[item]
	frozen(t, "put", func() string {
		if r != nil {
			r.Close()
		}
		r = newRing[item](t, 4)
		return text(t, r)
	}, func(killstep.Point) error {
		p, err := r.Producer()
		if err == nil { // not claimed yet
			return p.Close()
		}
		time.Sleep(twoSlices)
		if _, err := r.Producer(); err == nil {
			return errors.New("taken from the living")
		}
		return nil
	}, func(killstep.Point) error {
		c, err := r.Consumer()
		if err != nil {
			return err
		}
		var taken []item
		for v, err := c.TryGet(); err == nil; v, err = c.TryGet() {
			taken = append(taken, v)
		}
		if len(taken) != 3 || taken[0] != makeItem(0) || taken[1] != makeItem(1) || taken[2] != makeItem(2) {
			return fmt.Errorf("%v", taken)
		}
		return nil
	})
}
