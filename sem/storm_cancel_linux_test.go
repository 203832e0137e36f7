package sem_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// prize is what rivals take from each other: a lock of each kind, of which one party at a time has one.
type prize struct {
	Mu   sem.Mutex
	R    sem.RMutex
	Sem  sem.Semaphore // one token
	_    [112]byte
	Stop atomic.Uint32
	In   atomic.Int64 // how many are inside
	N    atomic.Int64 // how often somebody was who is patient
}

// rival is one that takes part, with an Owner of its own.
type rival struct {
	take func(context.Context) error
	give func()
}

func (p *prize) rival(kind string) rival {
	switch kind {
	case "Mutex":
		return rival{p.Mu.LockContext, p.Mu.Unlock}
	case "RMutex":
		o := p.R.Owner()
		return rival{func(ctx context.Context) error { // twice: the second may not fail, whatever its context says
			if err := o.LockContext(ctx); err != nil {
				return err
			}
			return o.LockContext(ended())
		}, func() { o.Unlock(); o.Unlock() }}
	}
	return rival{p.Sem.Acquire, func() {
		if err := p.Sem.Release(1); err != nil {
			panic(err)
		}
	}}
}

// inside is what somebody does who has it; it reports whether he is the only one.
func (p *prize) inside() bool {
	alone := p.In.Add(1) == 1
	if rand.IntN(4) == 0 {
		runtime.Gosched()
	}
	p.In.Add(-1)
	return alone
}

// patient takes it until it is told to stop.
func (p *prize) patient(r rival) (alone bool) {
	for alone = true; alone && p.Stop.Load() == 0; {
		if err := r.take(context.Background()); err != nil {
			return false
		}
		alone = p.inside()
		p.N.Add(1)
		r.give()
	}
	return alone
}

// hasty tries n times, for some microseconds each, and counts how often it gave up.
func (p *prize) hasty(t *testing.T, r rival, n int, gaveUp *atomic.Int64) {
	for range n {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(60))*time.Microsecond)
		switch err := r.take(ctx); {
		case err == nil:
			if !p.inside() {
				t.Error("two have it")
			}
			r.give()
		case errors.Is(err, context.DeadlineExceeded):
			gaveUp.Add(1)
		default:
			t.Error(err)
		}
		cancel()
	}
}

var _ = proctest.Register("patient rival", func(args []string) int {
	v := new(shm.Var[prize])
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		panic(err)
	}
	park.SetSlice(time.Hour)
	proctest.Say("going")
	if !v.Ptr().patient(v.Ptr().rival(args[1])) {
		proctest.Say("two have it")
	}
	proctest.Say("done")
	return 0
})

// Many give up at the moment at which it becomes theirs, while one here and one in another process never do.
// No slice heals anything: a wake-up that somebody has swallowed would leave them asleep for good. Each try is
// one race; SHMKIT_KILLS says how many.
func TestLockCancelStorm(t *testing.T) {
	for _, kind := range []string{"Mutex", "RMutex", "Semaphore"} {
		t.Run(kind, func(t *testing.T) {
			p, handle := common[prize](t)
			slice(t, time.Hour)
			if err := p.Sem.Release(1); err != nil {
				t.Fatal(err)
			}
			other := proctest.Start(t, "patient rival", handle, kind)
			other.Expect("going")
			const crowd = 4
			n := killstep.Budget(4000) / crowd
			var hasty, steady sync.WaitGroup
			var gaveUp atomic.Int64
			steady.Go(func() {
				if !p.patient(p.rival(kind)) {
					t.Error("two have it")
				}
			})
			for range crowd {
				hasty.Go(func() { p.hasty(t, p.rival(kind), n, &gaveUp) })
			}
			finished := make(chan struct{})
			go func() { hasty.Wait(); p.Stop.Store(1); steady.Wait(); close(finished) }()
			for was, over := int64(-1), false; !over; {
				select {
				case <-finished:
					over = true
				case <-time.After(ever):
					if is := p.N.Load(); is != was {
						was = is
						continue
					}
					t.Fatal("somebody waits for what nobody has")
				}
			}
			other.Expect("done")
			t.Logf("%d races, %d gave up; the patient ones had it %d times", crowd*n, gaveUp.Load(), p.N.Load())
			if p.Sem.Value() != 1 || !p.Mu.TryLock() {
				t.Errorf("left: %d tokens", p.Sem.Value())
			} else {
				p.Mu.Unlock()
			}
		})
	}
}
