package sem_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/sem"
)

var _ sync.Locker = (*sem.Owner)(nil)

func TestRMutex(t *testing.T) {
	m := shared[sem.RMutex](t)
	a, b := m.Owner(), m.Owner()
	for i := range 3 {
		a.Lock()
		if a.Depth() != i+1 || b.Depth() != 0 {
			t.Errorf("depths %d and %d", a.Depth(), b.Depth())
		}
	}
	if !a.TryLock() || b.TryLock() || a.Abandoned() {
		t.Error("TryLock: only the owner that holds it may")
	}
	if err := a.LockContext(ended()); err != nil {
		t.Errorf("a call that need not wait: %v", err)
	}
	if err := b.LockContext(ended()); err != context.Canceled {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := b.LockContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for range 5 {
		if b.TryLock() {
			t.Error("let go too early")
		}
		a.Unlock()
	}
	if !b.TryLock() || b.Depth() != 1 {
		t.Error("not let go")
	}
	b.Unlock()
	for what, f := range map[string]func(){"Unlock": a.Unlock, "Repaired": a.Repaired, "Abandoned": func() { a.Abandoned() }} {
		mustPanic(t, what+" by one that does not hold it", f)
	}
	if n := testing.AllocsPerRun(100, func() { a.Lock(); a.TryLock(); a.Unlock(); a.Unlock() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var _ [8]byte = [unsafe.Sizeof(sem.RMutex{})]byte{}
var _ [4]byte = [unsafe.Sizeof(sem.Cond{})]byte{}
var _ [4]byte = [unsafe.Sizeof(sem.Event{})]byte{}
var _ [4]byte = [unsafe.Sizeof(sem.Once{})]byte{}

// Owners exclude each other, goroutines that share one do not: all come in together, and some give up.
func TestRMutexOwners(t *testing.T) {
	m := shared[sem.RMutex](t)
	ctx := within(t)
	n := 0 // guarded by m: the race detector watches
	var all sync.WaitGroup
	const owners, rounds = 4, 300
	for range owners {
		o := m.Owner()
		var inside sync.Mutex
		for g := range 2 {
			all.Go(func() {
				for i := range rounds {
					if g == 1 && i%3 == 0 {
						c, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Microsecond)
						if o.LockContext(c) == nil {
							o.Unlock()
						}
						cancel()
					}
					if err := o.LockContext(ctx); err != nil {
						t.Error(err)
						return
					}
					o.Lock()
					inside.Lock()
					n++
					inside.Unlock()
					o.Unlock()
					o.Unlock()
				}
			})
		}
	}
	all.Wait()
	if n != owners*2*rounds {
		t.Errorf("%d, want %d", n, owners*2*rounds)
	}
}
