package sem_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/sem"
)

func TestSemaphoreCounts(t *testing.T) {
	s := shared[sem.Semaphore](t)
	if s.Value() != 0 || s.TryAcquire() {
		t.Error("a zeroed semaphore holds tokens")
	}
	if err := s.Release(3); err != nil || s.Value() != 3 {
		t.Errorf("%d, %v", s.Value(), err)
	}
	for range 3 {
		if err := s.Acquire(ended()); err != nil {
			t.Errorf("a call that need not wait: %v", err)
		}
	}
	if err := s.Acquire(ended()); err != context.Canceled {
		t.Errorf("%v", err)
	}
	if err := s.Release(0); err != nil || s.Value() != 0 {
		t.Errorf("%d, %v", s.Value(), err)
	}
}

func TestSemaphoreLimits(t *testing.T) {
	s := shared[sem.Semaphore](t)
	if err := s.Release(sem.MaxValue); err != nil || s.Value() != sem.MaxValue {
		t.Errorf("%d, %v", s.Value(), err)
	}
	for _, n := range []int{1, sem.MaxValue, -1} {
		err := s.Release(n)
		if err == nil || !strings.Contains(err.Error(), "Release(") || s.Value() != sem.MaxValue {
			t.Errorf("Release(%d): %d, %v", n, s.Value(), err)
		}
	}
	if !s.TryAcquire() || s.Value() != sem.MaxValue-1 {
		t.Error(s.Value())
	}
}

// Every token that is released is taken by somebody, although waiters come and go.
func TestSemaphoreLosesNothing(t *testing.T) {
	s := shared[sem.Semaphore](t)
	const takers, tokens = 16, 4000
	ctx := within(t)
	var all sync.WaitGroup
	for g := range takers {
		all.Go(func() {
			for n := 0; n < tokens/takers; {
				if takeOne(ctx, s, g%2 == 1, n) == nil {
					n++
				} else if ctx.Err() != nil {
					t.Errorf("taker %d waits for its token %d; the value is %d", g, n, s.Value())
					return
				}
			}
		})
	}
	for given := 0; given < tokens; {
		n := min(1+given%5, tokens-given)
		if err := s.Release(n); err != nil {
			t.Fatal(err)
		}
		given += n
		if given%17 == 0 {
			time.Sleep(50 * time.Microsecond)
		}
	}
	all.Wait()
	if s.Value() != 0 {
		t.Errorf("%d tokens left", s.Value())
	}
}

// takeOne acquires a token; an impatient taker gives up after some microseconds.
func takeOne(ctx context.Context, s *sem.Semaphore, impatient bool, n int) error {
	if impatient {
		c, cancel := context.WithTimeout(ctx, time.Duration(n%50)*time.Microsecond)
		defer cancel()
		ctx = c
	}
	return s.Acquire(ctx)
}
