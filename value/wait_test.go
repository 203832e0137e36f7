package value_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/value"
)

// Each of those who wait, for values of their own, is woken by whatever way the value changes.
func TestWait(t *testing.T) {
	waits(t, int64(0), func(i int) int64 { return int64(i) }, func(v *value.Value[int64], x int64) { value.Add(v, 1) })
	waits(t, wide{}, func(i int) wide { return all(int64(i)) }, nil)
}

func waits[T comparable](t *testing.T, zero T, at func(int) T, add func(*value.Value[T], T)) {
	v := vnew(t, zero)
	ways := []func(x T){
		v.Store, func(x T) { v.Swap(x) }, func(x T) { v.Update(func(p *T) { *p = x }) },
		func(x T) { value.CompareAndSwap(v, v.Load(), x) },
	}
	if add != nil {
		ways = append(ways, func(x T) { add(v, x) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	var g sync.WaitGroup
	for i := range ways {
		g.Go(func() {
			seen := false
			x, err := v.Wait(ctx, func(x T) bool { seen = seen || x == at(i+1); return seen })
			if err != nil {
				t.Errorf("%T: waiting for %v: %v, %v", zero, at(i+1), x, err)
			}
		})
	}
	for i, way := range ways {
		time.Sleep(10 * time.Millisecond)
		way(at(i + 1))
		time.Sleep(100 * time.Millisecond) // so that all see it
	}
	g.Wait()
}

func TestWaitEnds(t *testing.T) {
	v := vnew(t, int64(1))
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if x, err := v.Wait(done, func(x int64) bool { return x == 1 }); x != 1 || err != nil {
		t.Errorf("need not wait: %v, %v", x, err)
	}
	if x, err := v.Wait(done, func(x int64) bool { return x == 2 }); x != 0 || err != context.Canceled {
		t.Errorf("ended: %v, %v", x, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := v.Wait(ctx, func(x int64) bool { return x == 2 }); err != context.DeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
	got := make(chan error, 3)
	for range 3 {
		go func() { _, err := v.Wait(context.Background(), func(x int64) bool { return x == 2 }); got <- err }()
	}
	time.Sleep(20 * time.Millisecond)
	v.Close()
	for range 3 {
		if err := <-got; err != os.ErrClosed {
			t.Errorf("closed: %v", err)
		}
	}
}

func TestNotify(t *testing.T) {
	v := vnew(t, all(1))
	c := make(chan struct{}, 1)
	stop := v.Notify(c)
	select {
	case <-c:
		t.Error("a token before any change")
	case <-time.After(20 * time.Millisecond):
	}
	for i := range int64(20) {
		v.Store(all(i + 2))
		for v.Load() != all(i+2) {
			t.Error("another value")
		}
		select {
		case <-c:
		case <-time.After(ever):
			t.Fatal("no token")
		}
	}
	stop()
	v.Store(all(100))
	select {
	case <-c:
		// one for the last change may have been on its way when the watcher was stopped
	case <-time.After(20 * time.Millisecond):
	}
	v.Notify(c) // ended by Close, in the test's end
}
