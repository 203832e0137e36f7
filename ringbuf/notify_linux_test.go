package ringbuf_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

func token(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("no token")
	}
}

// A watcher whose memory goes away says so by a token, and the call that follows by its error.
func TestNotifyOfTruncation(t *testing.T) {
	r, err := ringbuf.OpenOrCreateSPSC[int]("cut", 1024)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink()
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	ch := make(chan struct{}, 1)
	stop := c.Notify(ch)
	defer stop()
	time.Sleep(5 * time.Millisecond)
	if err := os.Truncate(filepath.Join(os.Getenv("SHMKIT_DIR"), "cut"), 0); err != nil {
		t.Fatal(err)
	}
	token(t, ch)
	if _, err := c.TryGet(); !errors.Is(err, shm.ErrTruncated) {
		t.Errorf("TryGet: %v", err)
	}
}

// Close ends Notify by itself, and lets go of the memory at once.
func TestCloseEndsNotify(t *testing.T) {
	for range 50 {
		x := newPair[int](t, 8)
		ch := make(chan struct{}, 1)
		stop := x.c.Notify(ch)
		x.p.TryPut(1)
		token(t, ch)
		if err := x.c.Close(); err != nil {
			t.Fatal(err)
		}
		x.p.Close()
		if err := x.r.Close(); err != nil {
			t.Fatalf("Close of the ring: %v", err)
		}
		stop()
		if stop := x.c.Notify(ch); stop == nil {
			t.Fatal("no stop")
		}
	}
}
