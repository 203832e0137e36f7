package sem_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

var _ sync.Locker = (*sem.Mutex)(nil)
var _ [4]byte = [unsafe.Sizeof(sem.Mutex{})]byte{}
var _ [8]byte = [unsafe.Sizeof(sem.Semaphore{})]byte{}

// shared is a T in a segment of its own, for as long as the test runs.
func shared[T any](t testing.TB) *T {
	t.Helper()
	v, err := shm.New[T]()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v.Ptr()
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}

// everywhere runs f on a mutex in shared memory, and on one on the heap.
func everywhere(t *testing.T, f func(t *testing.T, m *sem.Mutex)) {
	t.Run("shared", func(t *testing.T) { f(t, shared[sem.Mutex](t)) })
	t.Run("heap", func(t *testing.T) { f(t, new(sem.Mutex)) })
}

func TestMutexExcludes(t *testing.T) {
	everywhere(t, func(t *testing.T, m *sem.Mutex) {
		const goroutines, rounds = 8, 5000
		n, inside := 0, atomic.Int32{} // n is on the heap, guarded by m: the race detector watches
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range rounds {
					switch (g + i) % 3 {
					case 0:
						m.Lock()
					case 1:
						if err := m.LockContext(context.Background()); err != nil {
							t.Error(err)
							return
						}
					case 2:
						for !m.TryLock() {
							runtime.Gosched()
						}
					}
					if inside.Add(1) != 1 {
						t.Error("two are inside")
					}
					n++
					inside.Add(-1)
					m.Unlock()
				}
			})
		}
		all.Wait()
		if n != goroutines*rounds {
			t.Errorf("%d, want %d", n, goroutines*rounds)
		}
	})
}

func TestMutexMisuse(t *testing.T) {
	m := shared[sem.Mutex](t)
	mustPanic(t, "Unlock of what is not held", m.Unlock)
	mustPanic(t, "Repaired of what is not held", m.Repaired)
	m.Lock()
	if m.TryLock() {
		t.Error("TryLock of what is held")
	}
	if m.Abandoned() {
		t.Error("abandoned by nobody")
	}
	done := make(chan struct{})
	go func() { m.Unlock(); close(done) }() // another goroutine may
	<-done
	if !m.TryLock() {
		t.Error("TryLock of what is free")
	}
	m.Unlock()
}

func TestMutexContext(t *testing.T) {
	m := shared[sem.Mutex](t)
	if err := m.LockContext(ended()); err != nil {
		t.Errorf("a call that need not wait: %v", err)
	}
	if err := m.LockContext(ended()); err != context.Canceled {
		t.Errorf("ended context: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if err := m.LockContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	m.Unlock()
	if !m.TryLock() {
		t.Error("a cancelled waiter holds it")
	}
	m.Unlock()
}

// A waiter that is cancelled at the moment of the hand-over either has the lock or passes it on.
func TestMutexCancelRaces(t *testing.T) {
	m := shared[sem.Mutex](t)
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	var all sync.WaitGroup
	var n, locked int
	stop := atomic.Bool{}
	all.Go(func() { // one that never gives up
		for !stop.Load() {
			m.Lock()
			n++
			m.Unlock()
			runtime.Gosched()
		}
	})
	for g := range 4 {
		all.Go(func() {
			for i := range rounds {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration((i*7+g*13)%60)*time.Microsecond)
				if err := m.LockContext(ctx); err == nil {
					locked++
					if i%5 == 0 {
						time.Sleep(20 * time.Microsecond)
					}
					m.Unlock()
				}
				cancel()
			}
		})
	}
	finished := make(chan struct{})
	go func() { all.Wait(); close(finished) }()
	time.AfterFunc(2*time.Second, func() { stop.Store(true) })
	select {
	case <-finished:
		t.Logf("%d locked, the steady one %d", locked, n)
	case <-time.After(time.Minute):
		t.Fatal("somebody waits for a lock that nobody holds")
	}
}

func TestGuard(t *testing.T) {
	m := shared[sem.Mutex](t)
	repaired := 0
	g := m.Guard(func() { repaired++ })
	g.Lock()
	//lint:ignore SA2001 what the guard does is all that is asked
	g.Unlock()
	if repaired != 0 {
		t.Error("repaired what was whole")
	}
}

func TestMutexAllocations(t *testing.T) {
	m, s := shared[sem.Mutex](t), shared[sem.Semaphore](t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		m.Lock()
		m.TryLock()
		m.Unlock()
		m.LockContext(ctx)
		m.Unlock()
		s.Release(2)
		s.Acquire(ctx)
		s.TryAcquire()
		s.TryAcquire()
		s.Value()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
