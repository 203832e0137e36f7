package sem_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// estate is what a process holds when it is killed.
type estate struct {
	Mu sem.Mutex
	RW sem.RWMutex
	Bs sem.BoundedSemaphore
	B  sem.Barrier
	Wg sem.WaitGroup
}

// The testators, by what they hold. The slice is the one of production.
var testators = map[string]struct {
	hold func(e *estate) error
	get  func(e *estate, ctx context.Context) error
	done func(e *estate)
}{
	"Mutex": {
		func(e *estate) error { e.Mu.Lock(); return nil },
		func(e *estate, ctx context.Context) error { return e.Mu.LockContext(ctx) },
		func(e *estate) { e.Mu.Repaired(); e.Mu.Unlock() },
	},
	"RWMutex": { // a reader
		func(e *estate) error { e.RW.RLock(); return nil },
		func(e *estate, ctx context.Context) error { return e.RW.LockContext(ctx) },
		func(e *estate) { e.RW.Unlock() },
	},
	"BoundedSemaphore": {
		func(e *estate) error { return e.Bs.Acquire(context.Background()) },
		func(e *estate, ctx context.Context) error { return e.Bs.Acquire(ctx) },
		func(e *estate) { _ = e.Bs.Release() },
	},
	"Barrier": {
		func(e *estate) error { return e.B.Join() },
		func(e *estate, ctx context.Context) error {
			if _, err := e.B.Wait(ctx, nil); err != sem.ErrBroken {
				return err
			}
			return nil
		},
		func(e *estate) { e.B.Reset() },
	},
	"WaitGroup": {
		func(e *estate) error { e.Wg.Enter(); return nil },
		func(e *estate, ctx context.Context) error { return e.Wg.Wait(ctx) },
		func(*estate) {},
	},
}

var _ = proctest.Register("testator", func(args []string) int {
	var v shm.Var[estate]
	if v.UnmarshalText([]byte(args[0])) != nil || testators[args[1]].hold(v.Ptr()) != nil {
		return 1
	}
	proctest.Say("held")
	proctest.Hear()
	return 0
})

// How long the living wait for what a killed process held: told, and limited only against hanging.
func TestRecoveryTime(t *testing.T) {
	if park.Slice() != 45*time.Millisecond {
		t.Fatalf("the slice is %v", park.Slice())
	}
	for name, it := range testators {
		t.Run(name, func(t *testing.T) {
			v, err := shm.Config[estate]{Init: func(e *estate) { e.Bs.Init(1); e.B.Init(2) }}.New()
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			e, waits := v.Ptr(), []time.Duration(nil)
			for range killstep.Budget(3) {
				p := proctest.Start(t, "testator", text(t, v), name)
				p.Expect("held")
				ctx, cancel := context.WithTimeout(context.Background(), ever)
				got := make(chan error, 1)
				go func() { got <- it.get(e, ctx) }()
				time.Sleep(5 * time.Millisecond) // mostly asleep by then; if not, it only waits for less
				start := time.Now()
				p.Kill()
				if err := <-got; err != nil {
					t.Fatal(err)
				}
				waits = append(waits, time.Since(start))
				cancel()
				it.done(e)
			}
			slices.Sort(waits)
			n := len(waits)
			t.Logf("%d deaths: median %v, p99.9 %v, max %v", n, waits[n/2], waits[n*999/1000], waits[n-1])
		})
	}
}
