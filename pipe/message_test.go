package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/value"
)

// noise is n bytes that no other n look like.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	r.Read(b)
	return b
}

func TestMessages(t *testing.T) {
	a, b := newPipe(t, 4096)
	sizes := []int{0, 1, 7, 8, 9, 100, 2031, 2039, 2040, 2041, 4000, 4095, 4096, 4097, 10_000, 1 << 20, 3}
	var wait sync.WaitGroup
	wait.Go(func() {
		for _, n := range sizes {
			if err := a.SendBytes(bg, noise(n)); err != nil {
				t.Error(n, err)
			}
		}
	})
	for i, n := range sizes {
		var dst []byte
		if i%2 == 0 {
			dst = make([]byte, n)
		}
		m, err := b.RecvBytes(soon(t), dst)
		if err != nil || !bytes.Equal(m, noise(n)) {
			t.Fatalf("%d bytes: %d, %v", n, len(m), err)
		}
		if n > 0 && dst != nil && &m[0] != &dst[0] {
			t.Errorf("%d bytes: not in dst", n)
		}
	}
	wait.Wait()
}

func TestTooShort(t *testing.T) {
	for _, n := range []int{1, 100, 3000, 100_000} {
		a, b := newPipe(t, 4096)
		var wait sync.WaitGroup
		wait.Go(func() { a.SendBytes(bg, noise(n)); a.SendBytes(bg, []byte("next")) })
		for _, dst := range [][]byte{{}, make([]byte, n-1)} {
			_, err := b.RecvBytes(soon(t), dst)
			var short *pipe.TooShortError
			if !errors.Is(err, pipe.ErrTooShort) || !errors.As(err, &short) || short.Size != n || short.Room != len(dst) {
				t.Errorf("%d bytes into %d: %v", n, len(dst), err)
			}
		}
		if m, err := b.RecvBytes(soon(t), make([]byte, n)); err != nil || !bytes.Equal(m, noise(n)) {
			t.Errorf("then: %d bytes, %v", len(m), err)
		}
		if m, err := b.RecvBytes(soon(t), nil); string(m) != "next" {
			t.Errorf("then: %q, %v", m, err)
		}
		wait.Wait()
	}
}

// Each kind of call takes what its like has sent, and leaves the rest alone.
func TestKinds(t *testing.T) {
	for _, size := range []int{10, 20_000} {
		a, b := newPipe(t, 4096)
		var wait sync.WaitGroup
		wait.Go(func() {
			a.SendBytes(bg, noise(size))
			a.Send(bg, noise(size))
			a.Write(noise(size))
			a.SendBytes(bg, nil)
		})
		var got []byte
		recv := func() error { return b.Recv(soon(t), &got) }
		bytesOf := func() (err error) { got, err = b.RecvBytes(soon(t), nil); return err }
		read := func() error { got = make([]byte, size); _, err := io.ReadFull(b, got); return err }
		readOne := func() error { _, err := b.Read(make([]byte, 1)); return err }
		for i, step := range []struct {
			right func() error
			wrong []func() error
		}{{bytesOf, []func() error{recv, readOne}}, {recv, []func() error{bytesOf, readOne}}, {read, []func() error{recv, bytesOf}}} {
			for k, wrong := range step.wrong {
				if err := wrong(); !errors.Is(err, pipe.ErrKind) {
					t.Errorf("%d, wrong call %d: %v", i, k, err)
				}
			}
			if err := step.right(); err != nil || !bytes.Equal(got, noise(size)) {
				t.Fatalf("%d: %d bytes, %v", i, len(got), err)
			}
		}
		if m, err := b.RecvBytes(soon(t), nil); len(m) != 0 || err != nil {
			t.Error(m, err)
		}
		wait.Wait()
	}
}

// A Read that stops in the midst of what one Write has sent.
func TestHalfRead(t *testing.T) {
	a, b := newPipe(t, 4096)
	a.Write([]byte("hello world"))
	a.SendBytes(bg, []byte("m"))
	buf := make([]byte, 5)
	if n, err := b.Read(buf); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := b.RecvBytes(bg, nil); !errors.Is(err, pipe.ErrKind) {
		t.Error(err)
	}
	buf = make([]byte, 100)
	if n, err := b.Read(buf); string(buf[:n]) != " world" || err != nil {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if m, err := b.RecvBytes(bg, nil); string(m) != "m" || err != nil {
		t.Error(m, err)
	}
}

// A long message whose context ends in the midst of it was never sent: the receiver gets the next one.
func TestCancelLongSend(t *testing.T) {
	for _, partly := range []bool{false, true} {
		a, b := newPipe(t, 4096)
		ctx, cancel := context.WithCancel(bg)
		done := make(chan error, 1)
		go func() { done <- a.SendBytes(ctx, make([]byte, 64<<20)) }()
		for i := 0; partly && i < 3; i++ { // what has come is kept for the next call
			time.Sleep(5 * time.Millisecond)
			if _, err := b.TryRecvBytes(nil); err != pipe.ErrEmpty {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Millisecond)
		cancel()
		if err := <-done; err != context.Canceled {
			t.Fatal(err)
		}
		go a.SendBytes(bg, []byte("next"))
		if m, err := b.RecvBytes(soon(t), nil); string(m) != "next" || err != nil {
			t.Errorf("%d bytes, %v", len(m), err)
		}
	}
}

// A receive whose context ends in the midst of a long message has taken nothing, as far as anybody can see.
func TestCancelLongRecv(t *testing.T) {
	a, b := newPipe(t, 4096)
	want := noise(300_000)
	slow := make(chan struct{})
	go func() { defer close(slow); a.SendBytes(bg, want) }()
	cut := 0
	for i := 0; ; i++ {
		ctx, cancel := context.WithTimeout(bg, 200*time.Microsecond)
		var dst []byte
		if i%2 == 0 {
			dst = make([]byte, len(want))
		}
		m, err := b.RecvBytes(ctx, dst)
		cancel()
		if err == nil {
			if !bytes.Equal(m, want) {
				t.Errorf("%d bytes, and not those", len(m))
			}
			break
		}
		if cut++; err != context.DeadlineExceeded {
			t.Fatal(err)
		}
	}
	<-slow
	t.Logf("cut %d times", cut)
}

// A done context does not fail a call that need not wait, and one that does not wait is not failed for ever either.
func TestDoneContext(t *testing.T) {
	a, b := newPipe(t, 0)
	done, cancel := context.WithCancel(bg)
	cancel()
	if err := a.SendBytes(done, []byte("x")); err != nil && err != context.Canceled {
		t.Error(err)
	}
	a.SendBytes(bg, []byte("y"))
	refused := 0
	for range 200 {
		if err := a.SendBytes(done, nil); err == context.Canceled {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 || refused > 4 {
		t.Errorf("%d of 200 refused", refused)
	}
	empty, _ := newPipe(t, 0)
	if _, err := empty.RecvBytes(done, nil); err != context.Canceled {
		t.Error(err)
	}
	_ = b
}

func TestOneWay(t *testing.T) {
	r, w, err := pipe.NewOneWay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var v any
	for name, err := range map[string]error{
		"Send": r.Send(bg, 1), "SendBytes": r.SendBytes(bg, nil), "Write": second(r.Write([]byte{1})), "CloseWrite": r.CloseWrite(),
		"Recv": w.Recv(bg, &v), "TryRecv": w.TryRecv(&v), "RecvBytes": second(w.RecvBytes(bg, nil)), "Read": second(w.Read(make([]byte, 1))),
	} {
		if !errors.Is(err, pipe.ErrDirection) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Send(bg, "one way"); err != nil {
		t.Fatal(err)
	}
	if err := r.Recv(soon(t), &v); v != "one way" || err != nil {
		t.Error(v, err)
	}
	// The direction travels with the handle.
	text, _ := r.MarshalText()
	again := new(pipe.Conn)
	if err := again.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Send(bg, 1); !errors.Is(err, pipe.ErrDirection) {
		t.Error(err)
	}
	w.Close()
	if err := r.Recv(soon(t), &v); err != io.EOF {
		t.Error(err)
	}
}

type work struct {
	Name  string
	Back  *pipe.Conn
	Ring  *ringbuf.SPSC[int64]
	Limit *value.Value[int64]
	Rest  map[string]any
}

// Handles inside of what is sent are open on arrival.
func TestHandlesTravel(t *testing.T) {
	a, b := newPipe(t, 0)
	x, y := newPipe(t, 0)
	ring, err := ringbuf.NewSPSC[int64](8)
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	limit, err := value.New(int64(7))
	if err != nil {
		t.Fatal(err)
	}
	defer limit.Close()
	if err := a.Send(bg, work{"job", y, ring, limit, map[string]any{"k": []any{1, nil, "s"}}}); err != nil {
		t.Fatal(err)
	}
	var w work
	if err := b.Recv(soon(t), &w); err != nil {
		t.Fatal(err)
	}
	defer w.Back.Close()
	defer w.Ring.Close()
	defer w.Limit.Close()
	y.Close() // now it is the receiver's alone
	if err := w.Back.Send(bg, []any{w.Name, w.Limit.Load(), w.Rest}); err != nil {
		t.Fatal(err)
	}
	var back any
	if err := x.Recv(soon(t), &back); err != nil || fmt.Sprint(back) != "[job 7 map[k:[1 <nil> s]]]" {
		t.Error(back, err)
	}
	// A Conn by itself.
	p, q := newPipe(t, 0)
	if err := a.Send(bg, q); err != nil {
		t.Fatal(err)
	}
	got := new(pipe.Conn)
	if err := b.Recv(soon(t), got); err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	p.Send(bg, 5)
	var n int
	if err := got.Recv(soon(t), &n); n != 5 || err != nil {
		t.Error(n, err)
	}
}

// What cannot travel is the sender's error, what does not fit the receiver's, and both go on.
func TestBadValues(t *testing.T) {
	a, b := newPipe(t, 0)
	if err := a.Send(bg, func() {}); err == nil {
		t.Error("sent a function")
	}
	if err := a.Send(bg, struct{ C chan int }{}); err == nil {
		t.Error("sent a channel")
	}
	a.Send(bg, "text")
	a.Send(bg, 3)
	n := 9
	if err := b.Recv(soon(t), &n); err == nil || n != 0 {
		t.Error("text into an int:", n, err)
	}
	if err := b.Recv(soon(t), &n); err != nil || n != 3 {
		t.Error(n, err)
	}
	a.Send(bg, 4)
	if err := b.Recv(bg, nil); err == nil {
		t.Error("into nil")
	}
	if err := b.Recv(bg, n); err == nil {
		t.Error("into an int by value")
	}
	if err := b.Recv(soon(t), &n); err != nil || n != 4 {
		t.Error("taken by a call that had nowhere to put it:", n, err)
	}
}

// An end is whose who uses it first, also among the handles of one process.
func TestClaim(t *testing.T) {
	a, b := newPipe(t, 0)
	text, _ := b.MarshalText()
	other := new(pipe.Conn)
	if err := other.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := b.Send(bg, 1); err != nil {
		t.Fatal(err)
	}
	if err := other.Send(bg, 1); !errors.Is(err, pipe.ErrClaimed) {
		t.Error(err)
	}
	if _, err := other.TryRecvBytes(nil); !errors.Is(err, pipe.ErrClaimed) {
		t.Error(err)
	}
	b.Close()
	var n int
	if err := a.Recv(soon(t), &n); n != 1 || err != nil {
		t.Error(n, err)
	}
	if err := a.Recv(soon(t), &n); err != io.EOF {
		t.Error("the owner has closed, another handle has not:", err)
	}
	if err := other.Send(bg, 1); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// An end that was never used is closed when its last handle is, and not before.
func TestUnusedEnd(t *testing.T) {
	a, b := newPipe(t, 0)
	text, _ := b.MarshalText()
	other := new(pipe.Conn)
	if err := other.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if err := a.Send(bg, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := a.TryRecvBytes(nil); err != pipe.ErrEmpty {
		t.Error(err)
	}
	other.Close()
	if _, err := a.RecvBytes(soon(t), nil); err != io.EOF {
		t.Error(err)
	}
	if err := a.Send(bg, 1); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
