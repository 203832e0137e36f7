package pipe_test

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/pipe"
)

// A deadline that is set by one who has looked at the Conn just before its Close.
func TestDeadlineBehindClose(t *testing.T) {
	a, _ := newPipe(t, 0)
	if err := a.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	goOn := pipe.SlowSetReadDeadline(a)
	a.Close()
	done := make(chan struct{})
	go func() {
		goOn(time.Now().Add(time.Hour))
		goOn(time.Time{})
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for ever")
	}
}

// A Close while another goroutine sends: the far end gets what was sent, before the end.
func TestCloseBehindSend(t *testing.T) {
	a, b := newPipe(t, 0)
	goOn, err := pipe.SlowSend(a, noise(100))
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	if _, err := b.TryRecvBytes(nil); err != pipe.ErrEmpty {
		t.Errorf("while it is being sent: %v", err)
	}
	if err := b.SendBytes(bg, nil); err != nil {
		t.Errorf("the end is not over yet: %v", err)
	}
	got := make(chan error, 1)
	go func() {
		m, err := b.RecvBytes(soon(t), nil)
		if len(m) != 100 {
			t.Errorf("%d bytes", len(m))
		}
		got <- err
	}()
	goOn()
	if err := <-got; err != nil {
		t.Error(err)
	}
	if _, err := b.RecvBytes(soon(t), nil); err != io.EOF {
		t.Error(err)
	}
	if err := b.SendBytes(bg, nil); err == nil {
		t.Error("sent to a closed end")
	}
}

// The same as it happens: every send that said nil arrives.
func TestCloseLosesNothing(t *testing.T) {
	msg, buf := noise(30000), make([]byte, 30000)
	for round := range 100 {
		a, b, err := pipe.New()
		if err != nil {
			t.Fatal(err)
		}
		var sent atomic.Int64
		var wg sync.WaitGroup
		wg.Go(func() {
			for a.SendBytes(bg, msg) == nil {
				sent.Add(1)
			}
		})
		got := int64(0)
		wg.Go(func() {
			for {
				if _, err := b.RecvBytes(bg, buf); err == io.EOF {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
				got++
			}
		})
		for sent.Load() < int64(3+round%7) {
			time.Sleep(time.Microsecond)
		}
		a.Close()
		wg.Wait()
		b.Close()
		if got != sent.Load() {
			t.Fatalf("round %d: sent %d, got %d", round, sent.Load(), got)
		}
	}
}
