package sem_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/sem"
)

var _ [8 + 8*sem.MaxPermits]byte = [unsafe.Sizeof(sem.BoundedSemaphore{})]byte{}

// bounded is a semaphore of n permits.
func bounded(t testing.TB, n int) *sem.BoundedSemaphore {
	t.Helper()
	b := shared[sem.BoundedSemaphore](t)
	b.Init(n)
	return b
}

func TestBoundedCounts(t *testing.T) {
	for _, n := range []int{1, 2, 7, sem.MaxPermits} {
		b := bounded(t, n)
		for i := range n {
			if b.Cap() != n || b.Value() != n-i {
				t.Errorf("%d of %d: Value %d, Cap %d", i, n, b.Value(), b.Cap())
			}
			if i%2 == 0 && !b.TryAcquire() {
				t.Errorf("%d of %d: TryAcquire", i, n)
			}
			if i%2 == 1 && b.Acquire(ended()) != nil {
				t.Errorf("%d of %d: a call that need not wait", i, n)
			}
		}
		if b.TryAcquire() || b.Acquire(ended()) != context.Canceled {
			t.Errorf("more than %d permits", n)
		}
		for i := range n {
			if err := b.Release(); err != nil || b.Value() != i+1 {
				t.Errorf("%d: %v, Value %d", i, err, b.Value())
			}
		}
		if err := b.Release(); err == nil || !strings.Contains(err.Error(), "Release") || b.Value() != n {
			t.Errorf("a Release too many: %v, Value %d", err, b.Value())
		}
	}
}

func TestBoundedInit(t *testing.T) {
	b := shared[sem.BoundedSemaphore](t)
	if err := b.Acquire(ended()); err != sem.ErrUninitialized {
		t.Errorf("Acquire before Init: %v", err)
	}
	if err := b.Release(); err != sem.ErrUninitialized {
		t.Errorf("Release before Init: %v", err)
	}
	if b.TryAcquire() || b.Value() != 0 || b.Cap() != 0 {
		t.Error("permits before Init")
	}
	for _, n := range []int{-1, 0, sem.MaxPermits + 1, 1 << 40} {
		mustPanic(t, "Init out of range", func() { b.Init(n) })
	}
}

func TestBoundedContext(t *testing.T) {
	b := bounded(t, 1)
	if err := b.Acquire(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := b.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	if err := b.Release(); err != nil || !b.TryAcquire() {
		t.Errorf("a cancelled waiter has the permit; %v", err)
	}
}

// No more than n are inside, and what they guard is seen in order. Impatient ones come and go.
func TestBoundedBounds(t *testing.T) {
	for _, n := range []int{1, 3} {
		b := bounded(t, n)
		const goroutines, rounds = 8, 1500
		ctx := within(t)
		var inside atomic.Int32
		var all sync.WaitGroup
		guarded := 0 // by the only permit: the race detector watches
		for g := range goroutines {
			all.Go(func() {
				for i := 0; i < rounds; {
					if acquireOne(ctx, b, g%2 == 1, i) != nil {
						if ctx.Err() != nil {
							t.Errorf("taker %d waits; %d are inside, %d permits", g, inside.Load(), b.Value())
							return
						}
						continue
					}
					i++
					if is := inside.Add(1); is > int32(n) {
						t.Errorf("%d inside, of %d", is, n)
					}
					if n == 1 {
						guarded++
					}
					inside.Add(-1)
					if err := b.Release(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if b.Value() != n || n == 1 && guarded != goroutines*rounds {
			t.Errorf("%d permits, %d rounds", b.Value(), guarded)
		}
	}
}

// acquireOne is one attempt; an impatient one gives up after some microseconds.
func acquireOne(ctx context.Context, b *sem.BoundedSemaphore, impatient bool, n int) error {
	if impatient {
		c, cancel := context.WithTimeout(ctx, time.Duration(n%50)*time.Microsecond)
		defer cancel()
		ctx = c
	}
	return b.Acquire(ctx)
}
