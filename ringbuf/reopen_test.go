package ringbuf_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
)

// A producer that waits in a full ring while one consumer closes and the next one comes has no more room
// than before: it waits on, or hears that the pipe is closed.
func TestConsumersChangeUnderAFullRing(t *testing.T) {
	t.Run("items", func(t *testing.T) { changeConsumers(t, items) })
	t.Run("messages", func(t *testing.T) { changeConsumers(t, messages) })
}

func changeConsumers[T any](t *testing.T, f form[T]) {
	x := newPair[T](t, f.cap)
	next, err := f.fill(x.p, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	put := make(chan error, 1)
	go func() {
		put <- mayPanic(func() error {
			for { // is refused while there is no consumer
				if err := x.p.Put(ctx, f.make(next)); err != io.ErrClosedPipe {
					return err
				}
				runtime.Gosched()
			}
		})
	}()
	c := x.c
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end) && len(put) == 0; {
		c.Close()
		if c, err = x.r.Consumer(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-put; err != context.Canceled {
		t.Errorf("Put into a full ring: %v", err)
	}
	for n := range next {
		if got, err := f.get(within(t), c); got != n || err != nil {
			t.Fatalf("got %d, want %d: %v", got, n, err)
		}
	}
	if _, err := c.TryGet(); err != ringbuf.ErrEmpty {
		t.Errorf("behind the last item: %v", err)
	}
	c.Close()
}
