package sem_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
)

// hint waits for a token.
func hint(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(ever):
		t.Fatalf("%s: no token", what)
	}
}

func TestEventNotify(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	y.Event.Set()
	c := make(chan struct{}, 1)
	stop := y.Event.Notify(c)
	hint(t, "set before", c)
	for range 30 {
		y.Event.Clear()
		y.Event.Set()
		hint(t, "set again", c)
	}
	for range 10 {
		allParked(t, 1)
		y.Event.Clear()
		y.Event.Set()
		y.Event.Clear()
		hint(t, "a pulse", c)
	}
	stop()
	y.Event.Set()
	if len(c) != 0 {
		t.Error("a token after stop")
	}
	if n := parked(); n != 0 {
		t.Errorf("%d goroutines are left", n)
	}
}

// Two watchers and one who waits share the word of an event: one Set reaches all.
func TestEventWatchersHideNothing(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	a, b := make(chan struct{}, 1), make(chan struct{}, 1)
	defer y.Event.Notify(a)()
	defer y.Event.Notify(b)()
	for range 20 {
		got := background(func() error { return y.Event.Wait(within(t)) })
		allParked(t, 3)
		y.Event.Set()
		hint(t, "first", a)
		hint(t, "second", b)
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		y.Event.Clear()
	}
}

// Watchers and acquirers share what is released: all of it is taken, though no slice helps, and an acquirer
// never sleeps beside a token because a watcher was woken in its place.
func TestSemaphoreNotify(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	const tokens = 3000
	var taken atomic.Int32
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	took := func() {
		if taken.Add(1) == tokens {
			cancel()
		}
	}
	var all sync.WaitGroup
	for range 2 {
		c := make(chan struct{}, 1)
		stop := y.Sem.Notify(c)
		all.Go(func() {
			defer stop()
			for {
				select {
				case <-c:
					for y.Sem.TryAcquire() {
						took()
					}
				case <-ctx.Done():
					return
				}
			}
		})
		all.Go(func() {
			for y.Sem.Acquire(ctx) == nil {
				took()
			}
		})
	}
	for i := range tokens {
		if err := y.Sem.Release(1); err != nil {
			t.Fatal(err)
		}
		if i%40 == 0 {
			time.Sleep(50 * time.Microsecond)
		}
	}
	all.Wait()
	if n := taken.Load(); n != tokens {
		t.Errorf("%d of %d tokens taken; word %#x", n, tokens, y.get(semAt))
	}
}

// An idle watcher that takes nothing leaves each token to the one who acquires.
func TestSemaphoreWatcherEatsNothing(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	c := make(chan struct{}, 1)
	stop := y.Sem.Notify(c)
	for range 50 {
		got := background(func() error { return y.Sem.Acquire(within(t)) })
		until(func() bool { return y.get(semAt)&3 == 3 && parked() == 2 })
		y.Sem.Release(1)
		if err := <-got; err != nil {
			t.Fatalf("%v; word %#x", err, y.get(semAt))
		}
	}
	stop()
	y.Sem.Release(2)
	c2 := make(chan struct{}, 1)
	defer y.Sem.Notify(c2)()
	hint(t, "there before", c2)
}

func init() {
	acts["release watched"] = func(y *yard) error {
		until(func() bool { return y.get(semAt)&2 != 0 })
		time.Sleep(time.Millisecond)
		return marked(func() error { return y.Sem.Release(1) })
	}
}

// The releaser is killed: once the token is there the watcher tells of it.
func TestKillReleaseWithWatcher(t *testing.T) {
	y, text := newYard(t, short)
	var p pace
	var c chan struct{}
	stop := func() {}
	k := sweep(y, text, "release watched", func() {
		c = make(chan struct{}, 1)
		stop = y.Sem.Notify(c)
	})
	k.Check = func(at killstep.Point) error {
		defer stop()
		if y.Sem.Value() == 0 {
			y.Sem.Release(1)
		}
		return p.returns(background(func() error { <-c; return nil }), "a watcher")
	}
	killstep.Run(t, k)
	p.judge(t)
}
