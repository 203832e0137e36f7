package park

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/futex"
)

// ways are the contexts that make a difference to how a goroutine sleeps.
func ways(t *testing.T, f func(t *testing.T, ctx context.Context)) {
	t.Run("background", func(t *testing.T) { f(t, bg) })
	t.Run("cancellable", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bg)
		defer cancel()
		f(t, ctx)
	})
}

func TestWoken(t *testing.T) {
	setSlice(t, never)
	ways(t, func(t *testing.T, ctx context.Context) {
		p := newPage(t)
		carrier := lie(ctx, p.word(0), nobody{})
		sleepers(t, 1)
		untimed := lie(ctx, p.word(1), nobody{})
		sleepers(t, 2)
		for i, got := range []<-chan Wake{carrier, untimed} {
			still(t, got)
			eventually(t, "somebody to wake", func() bool { return futex.Wake(p.word(i), 1) == 1 })
			ends(t, got, Woken)
		}
		empty(t)
	})
}

func TestChanged(t *testing.T) {
	setSlice(t, never)
	ways(t, func(t *testing.T, ctx context.Context) {
		p := newPage(t)
		atomic.StoreUint32(p.word(0), 1)
		ends(t, lie(ctx, p.word(0), nobody{}), Changed)
		empty(t)
	})
}

func TestDone(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	carrier := lie(ctx, p.word(0), nobody{})
	sleepers(t, 1)
	untimed, follower := lie(ctx, p.word(1), nobody{}), lie(ctx, p.word(0), nobody{})
	sleepers(t, 2)
	for _, got := range []<-chan Wake{carrier, untimed, follower} {
		still(t, got)
	}
	start := time.Now()
	cancel()
	for _, got := range []<-chan Wake{carrier, untimed, follower} {
		ends(t, got, Done)
	}
	t.Logf("three were cancelled in %v", time.Since(start))
	ends(t, lie(ctx, p.word(0), nobody{}), Done) // it has ended already
	empty(t)
}

func TestDeadline(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	const d = 20 * time.Millisecond
	start := time.Now() // before the deadline is set
	ctx, cancel := context.WithTimeout(bg, d)
	defer cancel()
	ends(t, lie(ctx, p.word(0), nobody{}), Done)
	if took := time.Since(start); took < d || took > 5*time.Second {
		t.Errorf("took %v, want %v", took, d)
	}
	empty(t)
}

// The slice of a carrier ends, whatever its context is.
func TestLook(t *testing.T) {
	setSlice(t, 5*time.Millisecond)
	ways(t, func(t *testing.T, ctx context.Context) {
		p := newPage(t)
		before := Ticks()
		ends(t, lie(ctx, p.word(0), nobody{}), Look)
		if Ticks() == before {
			t.Error("no tick")
		}
		empty(t)
	})
}

// A poke may come before the sleep: it is not lost, and the next life of the Waiter does not inherit it.
func TestEarlyPoke(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	w := Join(ctx, p.word(0), nobody{})
	w.poke(direct)
	if got := w.Sleep(0); got != Look {
		t.Errorf("ended as %d, want Look", got)
	}
	w.poke(direct)
	w.poke(polled)
	w.Leave()
	got := lie(ctx, p.word(0), nobody{})
	sleepers(t, 1)
	still(t, got)
	cancel()
	ends(t, got, Done)
	empty(t)
}

// A wake-up and the end of the context at the same moment: the sleep ends, once, and the lot is left in order.
func TestCancelAgainstWake(t *testing.T) {
	setSlice(t, never)
	p := newPage(t)
	for _, beside := range []int{0, 1} { // as carrier, and beside one
		var carrier <-chan Wake
		if beside == 1 {
			carrier = lie(bg, p.word(9), nobody{})
			sleepers(t, 1)
		}
		n := map[Wake]int{}
		for i := range 600 {
			ctx, cancel := context.WithCancel(bg)
			atomic.StoreUint32(p.word(0), 0)
			got := lie(ctx, p.word(0), nobody{})
			if i%3 > 0 { // a late poke for the one before may end it at once
				eventually(t, "a sleeper", func() bool { return clock.sleepers.Load() > int32(beside) || len(got) > 0 })
			}
			var wg sync.WaitGroup
			wg.Go(cancel)
			wg.Go(func() { change(p.word(0)) })
			select {
			case g := <-got:
				n[g]++
			case <-time.After(20 * time.Second):
				t.Fatal("neither the wake-up nor the end of the context ends the sleep")
			}
			wg.Wait()
		}
		t.Logf("beside %d: woken %d, changed %d, look %d, done %d", beside, n[Woken], n[Changed], n[Look], n[Done])
		if carrier != nil {
			change(p.word(9))
			ends(t, carrier, Woken)
		}
		empty(t)
	}
}
