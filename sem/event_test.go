package sem_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/sem"
)

func TestEvent(t *testing.T) {
	e := shared[sem.Event](t)
	if e.IsSet() {
		t.Error("a zeroed event is set")
	}
	e.Clear()
	if err := e.Wait(ended()); err != context.Canceled {
		t.Errorf("not set, ended context: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := e.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	for range 3 {
		e.Set()
		e.Set()
		if !e.IsSet() {
			t.Error("not set after Set")
		}
		if err := e.Wait(ended()); err != nil {
			t.Errorf("a call that need not wait: %v", err)
		}
		e.Clear()
		if e.IsSet() {
			t.Error("set after Clear")
		}
	}
}

// What was written before Set is seen after Wait; the race detector watches.
func TestEventOrders(t *testing.T) {
	there, back := shared[sem.Event](t), new(sem.Event)
	ctx := within(t)
	n := 0
	var all sync.WaitGroup
	const rounds = 2000
	for me, w := range map[int][2]*sem.Event{0: {there, back}, 1: {back, there}} {
		all.Go(func() {
			for i := range rounds {
				if i > 0 || me == 1 {
					if err := w[0].Wait(ctx); err != nil {
						t.Error(err)
						return
					}
					w[0].Clear()
				}
				n++
				w[1].Set()
			}
		})
	}
	all.Wait()
	if n != 2*rounds {
		t.Errorf("%d, want %d", n, 2*rounds)
	}
}

func TestEventAllocations(t *testing.T) {
	e := shared[sem.Event](t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		e.Set()
		e.Wait(ctx)
		e.IsSet()
		e.Clear()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
