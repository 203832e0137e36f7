package sem_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/sem"
)

// lock takes m or fails the test.
func lock(t testing.TB, m *sem.Mutex, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := m.LockContext(ctx); err != nil {
		t.Fatalf("the lock did not come within %v: %v", d, err)
	}
}

// Somebody set H on the word and died, or an unlocker died before it woke whom H was set for: the word is
// free, barred, and nobody will wake anybody. A slice has to do.
func TestMutexLeftBarred(t *testing.T) {
	l, _ := newLab(t)
	for w := range uint32(8) {
		l.setMu(w)
		lock(t, &l.Mu, ever)
		if l.Mu.Abandoned() != (w&bitA != 0) {
			t.Errorf("word %#b: abandoned %v", w, l.Mu.Abandoned())
		}
		l.Mu.Unlock()
		if w&bitH == 0 {
			continue
		}
		l.setMu(w)
		if !l.Mu.TryLock() {
			t.Errorf("word %#b: TryLock", w)
		}
		l.Mu.Unlock()
	}
}

// Calls that wait less than a slice take over as well, if one keeps calling.
func TestMutexShortPatience(t *testing.T) {
	for name, call := range map[string]func(*sem.Mutex) bool{
		"LockContext": func(m *sem.Mutex) bool {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			defer cancel()
			return m.LockContext(ctx) == nil
		},
		"TryLock": (*sem.Mutex).TryLock,
	} {
		l, _ := newLab(t)
		slice(t, time.Hour)
		l.setMu(ghost())
		if !until(func() bool { return call(&l.Mu) }) {
			t.Errorf("%s never takes over", name)
		} else if !l.Mu.Abandoned() {
			t.Errorf("%s: not abandoned", name)
		}
	}
}

// Those who wait in pollers, because many others wait in this process, take over too.
func TestMutexTakeOverInACrowd(t *testing.T) {
	slice(t, short)
	type crowd struct {
		Sems [100]sem.Semaphore
		Last lab
	}
	c := shared[crowd](t)
	ctx, cancel := context.WithCancel(within(t))
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range c.Sems {
		all.Go(func() { c.Sems[i].Acquire(ctx) })
	}
	for i := range c.Sems {
		until(func() bool { return waitedFor(&c.Sems[i]) })
	}
	time.Sleep(10 * time.Millisecond) // asleep
	c.Last.Mu.Lock()
	got := make(chan bool, 1)
	go func() { got <- c.Last.Mu.LockContext(ctx) == nil }()
	until(c.Last.waited)
	time.Sleep(10 * time.Millisecond)
	c.Last.setMu(ghost() | bitW)
	select {
	case <-got:
	case <-time.After(ever):
		t.Error("a waiter in a poller never takes over")
	}
}

// Release(0) changes nothing, not even who is woken by the next one.
func TestSemaphoreReleaseOfNone(t *testing.T) {
	l, _ := newLab(t)
	slice(t, time.Hour)
	got := make(chan error, 1)
	go func() { got <- l.Sem.Acquire(within(t)) }()
	until(func() bool { return l.semWord() == 1 })
	time.Sleep(5 * time.Millisecond) // asleep
	for _, n := range []int{0, 1} {
		if err := l.Sem.Release(n); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-got:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(ever):
		t.Error("the waiter sleeps beside a token")
		l.Sem.Release(1)
	}
}

// The same, when another goroutine of the process carries the slice: the one on the barred word sleeps
// untimed, and only the carrier's look can free it.
func TestMutexLeftBarredBesideACarrier(t *testing.T) {
	l, _ := newLab(t)
	ctx, cancel := context.WithCancel(context.Background())
	carrier := make(chan error)
	go func() { carrier <- l.Sem.Acquire(ctx) }()
	if !until(func() bool { return waitedFor(&l.Sem) }) {
		t.Fatal("nobody waits")
	}
	time.Sleep(2 * short)
	l.setMu(bitH)
	lock(t, &l.Mu, ever)
	l.Mu.Unlock()
	cancel()
	if err := <-carrier; err != context.Canceled {
		t.Error(err)
	}
}
