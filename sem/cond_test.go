package sem_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/sem"
)

func TestCondMisuse(t *testing.T) {
	c, m := shared[sem.Cond](t), shared[sem.Mutex](t)
	mustPanic(t, "Wait without the mutex", func() { c.Wait(context.Background(), m) })
	m.Lock()
	defer m.Unlock()
	for _, n := range []int{-1, 0, 1, 1 << 40} {
		c.Signal(n) // nobody waits
	}
	c.Broadcast()
}

func TestCondContext(t *testing.T) {
	c, m := shared[sem.Cond](t), shared[sem.Mutex](t)
	m.Lock()
	if err := c.Wait(ended(), m); err != context.Canceled {
		t.Errorf("ended context: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := c.WaitFor(ctx, m, func() bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	if err := c.WaitFor(ctx, m, func() bool { return true }); err != nil {
		t.Errorf("a call that need not wait: %v", err)
	}
	late := 0
	if err := c.WaitFor(ctx, m, func() bool { late++; return late == 2 }); err != nil {
		t.Errorf("true when the context has ended: %v", err)
	}
	m.Unlock() // it panics unless it is held
}

// Two take turns; what one has written, also before it signals, the other one sees.
func TestCondTurns(t *testing.T) {
	c, m := shared[sem.Cond](t), shared[sem.Mutex](t)
	ctx := within(t)
	const rounds = 2000
	turn, n := 0, 0
	var all sync.WaitGroup
	for me := range 2 {
		all.Go(func() {
			for range rounds {
				m.Lock()
				if err := c.WaitFor(ctx, m, func() bool { return turn == me }); err != nil {
					t.Error(err)
				}
				turn = 1 - me
				n++
				if n%2 == 0 {
					c.Signal(1)
					m.Unlock()
				} else {
					m.Unlock()
					c.Signal(1)
				}
			}
		})
	}
	all.Wait()
	if n != 2*rounds {
		t.Errorf("%d, want %d", n, 2*rounds)
	}
}

func TestCondAllocations(t *testing.T) {
	c, m := shared[sem.Cond](t), shared[sem.Mutex](t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		m.Lock()
		c.WaitFor(ctx, m, func() bool { return true })
		m.Unlock()
		c.Signal(1)
		c.Broadcast()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
