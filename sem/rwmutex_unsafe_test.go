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
)

var _ sync.Locker = (*sem.RWMutex)(nil)
var _ sync.Locker = (*sem.RWGuard)(nil)
var _ [9 * 128]byte = [unsafe.Sizeof(sem.RWMutex{})]byte{}

// everywhereRW runs f on an RWMutex in shared memory, and on one on the heap.
func everywhereRW(t *testing.T, f func(t *testing.T, m *sem.RWMutex)) {
	t.Run("shared", func(t *testing.T) { f(t, shared[sem.RWMutex](t)) })
	t.Run("heap", func(t *testing.T) { f(t, new(sem.RWMutex)) })
}

// Writers exclude everybody, in every form of the call. n is on the heap: the race detector watches.
func TestRWMutexExcludes(t *testing.T) {
	everywhereRW(t, func(t *testing.T, m *sem.RWMutex) {
		const goroutines, rounds = 8, 2000
		n, writers := 0, atomic.Int32{}
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range rounds {
					if (g+i)%4 == 0 {
						writeLock(m, i)
						if writers.Add(1) != 1 {
							t.Error("two write")
						}
						n++
						writers.Add(-1)
						m.Unlock()
						continue
					}
					readLock(m, g+i)
					if was := n; writers.Load() != 0 || n != was {
						t.Error("a writer beside a reader")
					}
					m.RUnlock()
				}
			})
		}
		all.Wait()
		if n != goroutines*rounds/4 {
			t.Errorf("%d, want %d", n, goroutines*rounds/4)
		}
	})
}

// writeLock locks by one of the ways there are.
func writeLock(m *sem.RWMutex, way int) {
	switch way % 3 {
	case 0:
		m.Lock()
	case 1:
		_ = m.LockContext(context.Background())
	case 2:
		for !m.TryLock() {
			runtime.Gosched()
		}
	}
}

func readLock(m *sem.RWMutex, way int) {
	switch way % 3 {
	case 0:
		m.RLock()
	case 1:
		_ = m.RLockContext(context.Background())
	case 2:
		for !m.TryRLock() {
			runtime.Gosched()
		}
	}
}

// Readers are inside together: each waits until all are.
func TestRWMutexReadersShare(t *testing.T) {
	everywhereRW(t, func(t *testing.T, m *sem.RWMutex) {
		var in, all sync.WaitGroup
		in.Add(10)
		for range 10 {
			all.Go(func() {
				l := m.RLocker()
				l.Lock()
				defer l.Unlock()
				in.Done()
				in.Wait()
			})
		}
		all.Wait()
		if !m.TryLock() {
			t.Error("readers are left")
		}
	})
}

func TestRWMutexTry(t *testing.T) {
	m := shared[sem.RWMutex](t)
	for _, c := range []struct {
		name        string
		lock        func()
		unlock      func()
		write, read bool
	}{
		{"free", func() {}, func() {}, true, true},
		{"read", m.RLock, m.RUnlock, false, true},
		{"read twice", func() { m.RLock(); m.RLock() }, func() { m.RUnlock(); m.RUnlock() }, false, true},
		{"written", m.Lock, m.Unlock, false, false},
	} {
		c.lock()
		if got := m.TryRLock(); got != c.read {
			t.Errorf("%s: TryRLock %v", c.name, got)
		} else if got {
			m.RUnlock()
		}
		if got := m.TryLock(); got != c.write {
			t.Errorf("%s: TryLock %v", c.name, got)
		} else if got {
			m.Unlock()
		}
		if m.Abandoned() {
			t.Errorf("%s: abandoned by nobody", c.name)
		}
		c.unlock()
	}
}

func TestRWMutexMisuse(t *testing.T) {
	m := shared[sem.RWMutex](t)
	misuse := func(what string) {
		mustPanic(t, what+": RUnlock of what is not read", m.RUnlock)
		mustPanic(t, what+": RUnlock by RLocker", m.RLocker().Unlock)
	}
	misuse("free")
	mustPanic(t, "Unlock of what is free", m.Unlock)
	mustPanic(t, "Repaired of what is free", m.Repaired)
	m.Lock()
	misuse("written")
	done := make(chan struct{})
	go func() { m.Unlock(); close(done) }() // another goroutine may
	<-done
	m.RLock()
	mustPanic(t, "Unlock of what is read", m.Unlock)
	mustPanic(t, "Repaired of what is read", m.Repaired)
	m.RUnlock()
	misuse("free again")
	if !m.TryLock() {
		t.Error("misuse has left something")
	}
}

// A context ends while a writer waits for readers, or a reader for a writer: nothing is left of the attempt.
func TestRWMutexContext(t *testing.T) {
	m := shared[sem.RWMutex](t)
	brief := func(lock func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		return lock(ctx)
	}
	if err := m.RLockContext(ended()); err != nil {
		t.Errorf("reading, need not wait: %v", err)
	}
	for _, err := range []error{m.LockContext(ended()), brief(m.LockContext)} {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("writing behind a reader: %v", err)
		}
		if !m.TryRLock() {
			t.Fatal("a writer that has given up bars readers")
		}
		m.RUnlock()
	}
	m.RUnlock()
	if err := m.LockContext(ended()); err != nil || m.Abandoned() {
		t.Errorf("writing, need not wait: %v, abandoned %v", err, m.Abandoned())
	}
	for _, lock := range []func(context.Context) error{m.LockContext, m.RLockContext} {
		if err := lock(ended()); err != context.Canceled {
			t.Errorf("ended context behind a writer: %v", err)
		}
		if err := brief(lock); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline behind a writer: %v", err)
		}
	}
	m.Unlock()
	if !m.TryLock() {
		t.Error("a cancelled waiter holds it")
	}
}

// Readers that overlap without a gap do not keep a writer out.
func TestRWMutexWriterComesIn(t *testing.T) {
	m := shared[sem.RWMutex](t)
	var stop atomic.Bool
	var all sync.WaitGroup
	m.RLock()
	for range 3 {
		all.Go(func() {
			for !stop.Load() {
				m.RLock()
				time.Sleep(100 * time.Microsecond)
				m.RUnlock()
			}
		})
	}
	m.RUnlock()
	for i := range 20 {
		if err := m.LockContext(within(t)); err != nil {
			t.Errorf("write %d: %v", i, err)
			break
		}
		m.Unlock()
	}
	stop.Store(true)
	all.Wait()
}

// Writers that come one after another do not keep a reader out.
func TestRWMutexReaderComesIn(t *testing.T) {
	m := shared[sem.RWMutex](t)
	var stop atomic.Bool
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for !stop.Load() {
				m.Lock()
				time.Sleep(100 * time.Microsecond)
				m.Unlock()
			}
		})
	}
	for i := range 20 {
		if err := m.RLockContext(within(t)); err != nil {
			t.Errorf("read %d: %v", i, err)
			break
		}
		m.RUnlock()
	}
	stop.Store(true)
	all.Wait()
}

func TestRWMutexAllocations(t *testing.T) {
	m, b := shared[sem.RWMutex](t), shared[sem.BoundedSemaphore](t)
	b.Init(3)
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		m.RLock()
		m.RLockContext(ctx)
		m.TryRLock()
		m.TryLock()
		m.RUnlock()
		m.RUnlock()
		m.RUnlock()
		m.Lock()
		m.TryRLock()
		m.Unlock()
		m.LockContext(ctx)
		m.Unlock()
		b.Acquire(ctx)
		b.Acquire(ctx)
		b.TryAcquire()
		b.TryAcquire()
		b.Value()
		b.Release()
		b.Release()
		b.Release()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Without a death a guard only locks.
func TestRWGuard(t *testing.T) {
	m := shared[sem.RWMutex](t)
	g := m.Guard(func() { t.Error("repaired what was whole") })
	g.RLock()
	g.RLocker().Lock()
	if m.TryLock() {
		t.Error("a guarded reader excludes no writer")
	}
	g.RLocker().Unlock()
	g.RUnlock()
	g.Lock()
	if m.TryRLock() {
		t.Error("a guarded writer excludes no reader")
	}
	g.Unlock()
	if !m.TryLock() {
		t.Error("something is left")
	}
}
