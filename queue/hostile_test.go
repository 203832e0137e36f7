package queue_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/queue"
)

// A peer that scribbles over the words and lengths of the cells all the time spoils what is in them, and nothing else: each call
// comes back with an item, an error, or when its context ends.
func TestScribbler(t *testing.T) {
	q, err := queue.Config[[]byte]{Cap: 8, Inline: 16}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	words := q.Words()
	var stop atomic.Bool
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for n := 0; !stop.Load(); n++ {
			c := rand.IntN(len(words))
			atomic.StoreUint64(q.LenOf(c), rand.Uint64()>>rand.IntN(64))
			if n%4 == 0 {
				atomic.StoreUint64(words[c], rand.Uint64()>>rand.IntN(64))
			}
		}
	}()
	end := time.Now().Add(300 * time.Millisecond)
	for time.Now().Before(end) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		start := time.Now()
		_ = q.Put(ctx, make([]byte, rand.IntN(40)))
		_, _ = q.Get(ctx)
		_, _ = q.TryGet()
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("calls took %v", d)
		}
		cancel()
	}
	stop.Store(true)
	<-gone
}

// Every byte of the queue's memory at random: no crash, no hang.
func TestGarbledMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		q, err := queue.Config[string]{Cap: 3, Inline: 16}.New()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := q.TryPut("a message of any length"[:8*i]); err != nil {
				t.Fatal(err)
			}
		}
		b := q.Payload()
		for range 1 + r.IntN(200) {
			b[640+r.IntN(len(b)-640)] = byte(r.Uint32())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
		for range 8 {
			_, _ = q.Get(ctx)
			_ = q.Put(ctx, "x")
			q.Sweep()
		}
		q.Len()
		q.Stats()
		cancel()
		q.Close()
	}
}

// A length that cannot be is an error before memory is taken for it.
func TestHostileLength(t *testing.T) {
	q, err := queue.Config[[]byte]{Cap: 1, Inline: 16}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for _, n := range []uint64{1 << 20, 1 << 36, 1 << 40, 1 << 63, ^uint64(0)} {
		if err := q.TryPut([]byte("0123")); err != nil {
			t.Fatal(err)
		}
		for c := range q.Words() {
			*q.LenOf(c) = n
		}
		if b, err := q.TryGet(); !errors.Is(err, queue.ErrMessage) || b != nil {
			t.Errorf("length %d: %d bytes, %v", n, len(b), err)
		}
	}
	if err := q.TryPut([]byte("good")); err != nil {
		t.Error(err)
	}
	if b, err := q.TryGet(); string(b) != "good" || err != nil {
		t.Error(b, err)
	}
}

// FuzzMessages puts anything for readers of several kinds: each takes one, or says that it cannot be read, and then the next one.
func FuzzMessages(f *testing.F) {
	for _, b := range [][]byte{{}, {0xff}, {0x9f}, {0xa1, 1, 1}, {0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a'}, []byte("text")} {
		f.Add(b)
	}
	good, _ := queue.CBOR.Append(nil, order{ID: 7})
	f.Add(good)
	raw, err := queue.Config[[]byte]{Cap: 2, Codec: named{name: "cbor"}}.Create("fuzz")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { raw.Close() })
	orders, err := queue.Open[order]("fuzz")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { orders.Close() })
	anything, err := queue.Open[any]("fuzz")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { anything.Close() })
	raw.Unlink()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, get := range []func() error{
			func() error { _, err := orders.TryGet(); return err },
			func() error { _, err := anything.TryGet(); return err },
		} {
			if err := errors.Join(raw.TryPut(b), raw.TryPut(good)); err != nil {
				t.Fatal(err)
			}
			if err := get(); err != nil && !errors.Is(err, queue.ErrMessage) {
				t.Error(err)
			}
			if v, err := orders.TryGet(); err != nil || v.ID != 7 {
				t.Error(v, err)
			}
		}
	})
}

// Shutdown races with puts and gets: what was put is got, and nothing else.
func TestShutdownRaces(t *testing.T) {
	for range 100 {
		q, err := queue.New[string](2)
		if err != nil {
			t.Fatal(err)
		}
		var put, got atomic.Int64
		done := make(chan struct{}, 4)
		for range 2 {
			go func() {
				defer func() { done <- struct{}{} }()
				for {
					if err := q.Put(t.Context(), "x"); err == io.ErrClosedPipe {
						return
					} else if err != nil {
						t.Error(err)
						return
					}
					put.Add(1)
				}
			}()
			go func() {
				defer func() { done <- struct{}{} }()
				for _, err := range q.All(t.Context()) {
					if err != nil {
						t.Error(err)
					}
					got.Add(1)
				}
			}()
		}
		time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		q.Shutdown()
		for range 4 {
			<-done
		}
		if put.Load() != got.Load() {
			t.Errorf("%d put, %d got", put.Load(), got.Load())
		}
		q.Close()
	}
}

// A put that its context ends has put nothing, and holds nothing.
func TestCancelledCalls(t *testing.T) {
	q, err := queue.New[string](1)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.TryPut("first"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := q.Put(ctx, "second"); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if v, err := q.Get(ctx); v != "first" || err != nil {
		t.Error(v, err)
	}
	if _, err := q.Get(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if s := q.Stats(); s.Free != 1+64 {
		t.Errorf("%+v", s)
	}
	ctx, cancel = context.WithCancel(t.Context())
	waits := make(chan error)
	go func() { _, err := q.Get(ctx); waits <- err }()
	go func() { _, err := q.Get(t.Context()); waits <- err }()
	time.Sleep(5 * time.Millisecond)
	cancel()
	if err := <-waits; err != context.Canceled {
		t.Error(err)
	}
	if err := q.Put(t.Context(), "third"); err != nil {
		t.Error(err)
	}
	if err := <-waits; err != nil {
		t.Error(err)
	}
}
