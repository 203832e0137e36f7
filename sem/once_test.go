package sem_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/sem"
)

func TestOnce(t *testing.T) {
	o := shared[sem.Once](t)
	ctx := context.Background()
	failed := errors.New("failed")
	runs := 0
	run := func(err error) func() error { return func() error { runs++; return err } }
	if err := o.Do(ctx, run(failed)); err != failed || runs != 1 {
		t.Errorf("%v after %d runs", err, runs)
	}
	mustPanic(t, "Do of what panics", func() { o.Do(ctx, func() error { runs++; panic("so it does") }) })
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = o.Do(ctx, func() error { runs++; runtime.Goexit(); return nil })
	}()
	<-gone
	for range 3 {
		if err := o.Do(ended(), run(nil)); err != nil || runs != 4 {
			t.Errorf("%v after %d runs", err, runs)
		}
	}
	if n := testing.AllocsPerRun(100, func() { o.Do(ctx, run(nil)) }); n > 1 { // the closure is the test's
		t.Errorf("%v allocations", n)
	}
}

// Many wait for the one who is at it, whose failure lets the next one try; all see what the last has written.
func TestOnceCrowd(t *testing.T) {
	o := shared[sem.Once](t)
	failed := errors.New("failed")
	var runs, failures int
	var mu sync.Mutex
	var all sync.WaitGroup
	ctx := within(t)
	for range 20 {
		all.Go(func() {
			err := o.Do(ctx, func() error {
				time.Sleep(200 * time.Microsecond)
				if runs++; runs < 8 {
					return failed
				}
				return nil
			})
			if err == nil && runs != 8 {
				t.Errorf("done after %d runs", runs)
			}
			if err != nil {
				mu.Lock()
				failures++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if runs != 8 || failures != 7 {
		t.Errorf("%d runs, %d failures", runs, failures)
	}
}

func TestOnceContext(t *testing.T) {
	o := shared[sem.Once](t)
	begun, end := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { o.Do(context.Background(), func() error { close(begun); <-end; return nil }) })
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := o.Do(ctx, func() error { return errors.New("two at once") }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(end)
	all.Wait()
}
