package ringbuf_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
)

type pair[T any] struct {
	r *ringbuf.SPSC[T]
	p *ringbuf.Producer[T]
	c *ringbuf.Consumer[T]
}

// newPair is a ring of its own with both ends.
func newPair[T any](t testing.TB, capacity int) pair[T] {
	t.Helper()
	r, err := ringbuf.NewSPSC[T](capacity)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		c.Close()
		r.Close()
	})
	return pair[T]{r, p, c}
}

// within is a context that ends long after anything that works has.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestItemsInOrder(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 5, 64, 100, 1024} {
		x := newPair[uint64](t, capacity)
		next, got := uint64(0), uint64(0)
		for round := range 3000 { // positions pass the wrap-around at 2^64 early
			for n := 0; n <= round%(capacity+1); n++ {
				if err := x.p.TryPut(next); err == ringbuf.ErrFull {
					if x.r.Len() != capacity {
						t.Fatalf("full with %d of %d", x.r.Len(), capacity)
					}
					break
				} else if err != nil {
					t.Fatal(err)
				}
				next++
			}
			for n := 0; n <= round%7; n++ {
				v, err := x.c.TryGet()
				if err == ringbuf.ErrEmpty {
					if got != next {
						t.Fatalf("empty at %d of %d", got, next)
					}
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if v != got {
					t.Fatalf("got %d, want %d", v, got)
				}
				got++
			}
			if n := x.r.Len(); n != int(next-got) {
				t.Fatalf("Len %d, want %d", n, next-got)
			}
		}
	}
}

// Room is there the moment an item is taken, although space is handed back lazily.
func TestFullIsExact(t *testing.T) {
	x := newPair[int](t, 256)
	for i := range 256 {
		if err := x.p.TryPut(i); err != nil {
			t.Fatal(i, err)
		}
	}
	for i := range 1000 {
		if err := x.p.TryPut(0); err != ringbuf.ErrFull {
			t.Fatalf("%d: %v, want ErrFull", i, err)
		}
		if _, err := x.c.TryGet(); err != nil {
			t.Fatal(err)
		}
		if err := x.p.TryPut(i); err != nil {
			t.Fatalf("%d: one was taken, but %v", i, err)
		}
	}
}

func TestInPlace(t *testing.T) {
	x := newPair[[3]int32](t, 100)
	ctx := within(t)
	next, got := int32(0), int32(0)
	for round := range 2000 {
		run, err := x.p.Reserve(ctx, 1+round%80)
		if err != nil {
			t.Fatal(err)
		}
		for k := range run {
			run[k] = [3]int32{next, -next, 1}
			next++
			x.p.Commit(1)
		}
		for got != next {
			run, err := x.c.Next(ctx, 1+round%13)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range run {
				if v != [3]int32{got, -got, 1} {
					t.Fatalf("got %v, want %d", v, got)
				}
				got++
			}
			x.c.Release(len(run))
		}
	}
}

func TestReserveDroppedAndNextRepeated(t *testing.T) {
	x := newPair[int](t, 8)
	ctx := within(t)
	run, err := x.p.Reserve(ctx, 100)
	if err != nil || len(run) != 8 {
		t.Fatalf("%d slots, %v", len(run), err)
	}
	x.p.Commit(0)
	if run, err = x.p.Reserve(ctx, 3); err != nil || len(run) != 3 {
		t.Fatalf("%d slots, %v", len(run), err)
	}
	copy(run, []int{1, 2, 3})
	x.p.Commit(2)
	for range 2 {
		got, err := x.c.Next(ctx, 5)
		if err != nil || len(got) != 2 || got[0] != 1 || got[1] != 2 {
			t.Fatalf("%v, %v", got, err)
		}
		x.c.Release(0)
	}
	x.c.Release(1)
	if v, err := x.c.Get(ctx); v != 2 || err != nil {
		t.Fatal(v, err)
	}
}

func TestOverrunPanics(t *testing.T) {
	panics := func(what string, f func()) {
		t.Helper()
		defer func() {
			if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "ringbuf: "+what) {
				t.Errorf("recovered %q, want %s", s, what)
			}
		}()
		f()
	}
	x := newPair[int](t, 8)
	run, _ := x.p.Reserve(within(t), 2)
	panics("Commit", func() { // at once, or in the next call
		x.p.Commit(len(run) + 63)
		x.p.TryPut(1)
	})
	y := newPair[int](t, 8)
	y.p.TryPut(1)
	y.c.Next(within(t), 1)
	panics("Release", func() {
		y.c.Release(2)
		y.c.TryGet()
	})
	z := newPair[[]byte](t, 64)
	panics("Commit", func() { z.p.Commit(1) })
	panics("Release", func() { z.c.Release(1) })
}

func TestContext(t *testing.T) {
	x := newPair[int](t, 4)
	if _, err := x.c.Get(ended()); err != context.Canceled {
		t.Errorf("Get of an empty ring: %v", err)
	}
	if err := x.p.Put(ended(), 1); err != nil && err != context.Canceled {
		t.Errorf("Put that need not wait: %v", err)
	}
	for x.p.TryPut(2) == nil {
	}
	if err := x.p.Put(ended(), 3); err != context.Canceled {
		t.Errorf("Put into a full ring: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := x.p.Put(ctx, 3); err != context.DeadlineExceeded {
		t.Errorf("Put into a full ring: %v", err)
	}
	// A loop that never waits sees its context all the same.
	n := 0
	for ; n < 200; n++ {
		if _, err := x.c.TryGet(); err == ringbuf.ErrEmpty {
			break
		}
	}
	y := newPair[int](t, 1024)
	for n = 0; n < 1000; n++ {
		if err := y.p.Put(ended(), n); err != nil {
			break
		}
	}
	if n > 64 {
		t.Errorf("an ended context was seen after %d items", n)
	}
}

func TestShutdown(t *testing.T) {
	x := newPair[int](t, 4)
	x.p.TryPut(1)
	if err := x.r.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := x.p.TryPut(2); err != io.ErrClosedPipe {
		t.Errorf("TryPut: %v", err)
	}
	if err := x.p.Put(within(t), 2); err != io.ErrClosedPipe {
		t.Errorf("Put: %v", err)
	}
	if _, err := x.p.Reserve(within(t), 2); err != io.ErrClosedPipe {
		t.Errorf("Reserve: %v", err)
	}
	if v, err := x.c.Get(within(t)); v != 1 || err != nil {
		t.Errorf("Get: %v, %v", v, err)
	}
	if _, err := x.c.Get(within(t)); err != io.EOF {
		t.Errorf("Get: %v", err)
	}
	if _, err := x.c.TryGet(); err != io.EOF {
		t.Errorf("TryGet: %v", err)
	}
	for range x.c.All(within(t)) {
		t.Error("All yielded something")
	}
}

func TestShutdownBelongsToTheProducer(t *testing.T) {
	x := newPair[int](t, 4)
	text, err := x.r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var other ringbuf.SPSC[int]
	if err := other.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Shutdown(); !errors.Is(err, ringbuf.ErrClaimed) {
		t.Errorf("Shutdown through another handle: %v", err)
	}
	x.p.Close()
	if err := other.Shutdown(); err != nil {
		t.Errorf("Shutdown of a ring that nobody produces to: %v", err)
	}
	if _, err := x.c.TryGet(); err != io.EOF {
		t.Errorf("TryGet: %v", err)
	}
}

func TestConsumerCloses(t *testing.T) {
	x := newPair[int](t, 4)
	x.p.TryPut(1)
	x.c.Close()
	for x.r.Len() < 4 {
		if err := x.p.TryPut(2); err == io.ErrClosedPipe {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := x.p.Put(within(t), 3); err != io.ErrClosedPipe {
		t.Errorf("Put: %v", err)
	}
	c, err := x.r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.TryGet(); v != 1 || err != nil {
		t.Errorf("the next consumer got %v, %v", v, err)
	}
	if err := x.p.TryPut(4); err != nil {
		t.Errorf("TryPut after a consumer has come: %v", err)
	}
}

func TestNotify(t *testing.T) {
	x := newPair[int](t, 16)
	c := make(chan struct{}, 1)
	stop := x.c.Notify(c)
	defer stop()
	const n = 5000
	go func() {
		for i := range n {
			if x.p.Put(context.Background(), i) != nil {
				return
			}
			if i%100 == 0 {
				time.Sleep(50 * time.Microsecond)
			}
		}
		x.r.Shutdown()
	}()
	deadline := time.After(time.Minute)
	for got := 0; ; {
		select {
		case <-c:
		case <-deadline:
			t.Fatalf("no token after %d of %d items", got, n)
		}
		for {
			v, err := x.c.TryGet()
			if err == ringbuf.ErrEmpty {
				break
			}
			if err == io.EOF && got == n {
				return
			}
			if err != nil || v != got {
				t.Fatal(v, err)
			}
			got++
		}
	}
}
