package ringbuf_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
)

func TestClosed(t *testing.T) {
	x := newPair[int](t, 4)
	if _, err := x.r.Producer(); !errors.Is(err, ringbuf.ErrClaimed) {
		t.Errorf("second Producer: %v", err)
	}
	if _, err := x.r.Consumer(); !errors.Is(err, ringbuf.ErrClaimed) {
		t.Errorf("second Consumer: %v", err)
	}
	x.p.TryPut(1)
	x.p.Close()
	if err := x.p.TryPut(1); err != os.ErrClosed {
		t.Errorf("TryPut: %v", err)
	}
	if err := x.p.Close(); err != os.ErrClosed {
		t.Errorf("Close: %v", err)
	}
	p, err := x.r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.TryPut(2); err != nil {
		t.Error(err)
	}
	x.r.Close()
	if err := p.TryPut(3); err != os.ErrClosed {
		t.Errorf("TryPut: %v", err)
	}
	if _, err := x.c.TryGet(); err != os.ErrClosed {
		t.Errorf("TryGet: %v", err)
	}
	var zr ringbuf.SPSC[int]
	var zp ringbuf.Producer[int]
	var zc ringbuf.Consumer[int]
	_, e1 := zr.Producer()
	_, e2 := zc.TryGet()
	_, e3 := zp.Reserve(within(t), 1)
	_, e4 := zc.Next(within(t), 1)
	_, e5 := zr.MarshalText()
	for i, err := range []error{e1, e2, e3, e4, e5, zp.TryPut(1), zr.Close(), zp.Close(), zc.Close(), zr.Shutdown(), zr.Unlink()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("zero value, call %d: %v", i, err)
		}
	}
	if zr.Len() != 0 || zr.Cap() != 0 || zr.Name() != "" || zp.Name() != "" || zc.Name() != "" {
		t.Error("a zero handle has properties")
	}
}

// Close from another goroutine ends a call that waits.
func TestCloseEndsWaiting(t *testing.T) {
	x := newPair[int](t, 2)
	got, put := make(chan error), make(chan error)
	y := newPair[int](t, 2)
	y.p.TryPut(1)
	y.p.TryPut(2)
	go func() { _, err := x.c.Get(context.Background()); got <- err }()
	go func() { put <- y.p.Put(context.Background(), 3) }()
	time.Sleep(20 * time.Millisecond)
	x.r.Close()
	y.r.Close()
	for _, c := range []chan error{got, put} {
		select {
		case err := <-c:
			if err != os.ErrClosed {
				t.Errorf("%v, want os.ErrClosed", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("still waiting")
		}
	}
}
