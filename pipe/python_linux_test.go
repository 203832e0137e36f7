package pipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/pipe"
)

// One test for each behaviour of Python's multiprocessing.connection that there is here; the names are those of CPython's
// tests. Where the behaviour is another one the test says so.

// Pipe(duplex): two two-way ends, or a reading and a writing one.
func TestPythonDuplex(t *testing.T) {
	a, b := newPipe(t, 0)
	for _, c := range [][2]*pipe.Conn{{a, b}, {b, a}} {
		var v string
		if err := errors.Join(c[0].Send(bg, "x"), c[1].Recv(soon(t), &v)); err != nil || v != "x" {
			t.Error(v, err)
		}
	}
	r, w, err := pipe.NewOneWay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := r.Send(bg, 2); !errors.Is(err, pipe.ErrDirection) {
		t.Error(err)
	}
}

// test_spawn_close: the parent's copy of the child's end does not keep the pipe open, and the child's is not closed with it.
func TestPythonSpawnClose(t *testing.T) {
	a, p := withChild(t, 0) // closes its b as soon as the child has it
	p.Send("echo")
	a.SendBytes(bg, []byte("hello"))
	if m, err := a.RecvBytes(soon(t), nil); string(m) != "hello" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
}

// send, recv: whatever can be encoded, in order; 16 MiB and more.
func TestPythonSendRecv(t *testing.T) {
	a, b := newPipe(t, 0)
	go func() {
		a.Send(bg, []any{11, nil, "lily"})
		a.Send(bg, map[string]any{"x": 1.5})
		a.SendBytes(bg, noise(16<<20))
	}()
	var v any
	if err := b.Recv(soon(t), &v); fmt.Sprint(v) != "[11 <nil> lily]" || err != nil {
		t.Error(v, err)
	}
	if x, ok := v.([]any)[0].(int64); !ok || x != 11 {
		t.Errorf("%T", v.([]any)[0])
	}
	if err := b.Recv(soon(t), &v); fmt.Sprint(v) != "map[x:1.5]" || err != nil {
		t.Error(v, err)
	}
	if m, err := b.RecvBytes(soon(t), nil); !bytes.Equal(m, noise(16<<20)) || err != nil {
		t.Error(len(m), err)
	}
}

// EOFError, BrokenPipeError.
func TestPythonEOF(t *testing.T) {
	a, b := newPipe(t, 0)
	a.Send(bg, 1)
	a.Close()
	var v any
	if err := b.Recv(soon(t), &v); err != nil {
		t.Error(err)
	}
	if err := b.Recv(soon(t), &v); err != io.EOF {
		t.Error(err)
	}
	if err := b.Send(bg, 1); !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
}

// test_sendbytes: any part of a buffer, here a slice of it; a slice cannot be wrong.
func TestPythonSendBytes(t *testing.T) {
	a, b := newPipe(t, 0)
	msg := []byte("abcdefghijklmnopqrstuvwxyz")
	for _, part := range [][]byte{msg, msg[5:], msg[7:15], msg[26:]} {
		a.SendBytes(bg, part)
		if m, err := b.RecvBytes(soon(t), nil); !bytes.Equal(m, part) || err != nil {
			t.Errorf("%q, %v", m, err)
		}
	}
}

// recv_bytes(maxlength): in Python a longer message is an OSError, and the end is unreadable from then on. Here it is
// an error, and the message is still there.
func TestPythonRecvBytesMaxlength(t *testing.T) {
	a, b := newPipe(t, 0)
	a.SendBytes(bg, []byte("latin"))
	if _, err := b.RecvBytes(bg, make([]byte, 4)); !errors.Is(err, pipe.ErrTooShort) {
		t.Error(err)
	}
	if m, err := b.RecvBytes(soon(t), make([]byte, 5)); string(m) != "latin" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
}

// recv_bytes_into: into the caller's memory; BufferTooShort has the message, here the next call has it.
func TestPythonRecvBytesInto(t *testing.T) {
	a, b := newPipe(t, 0)
	buf := make([]byte, 40)
	a.SendBytes(bg, []byte("longish"))
	if m, err := b.RecvBytes(soon(t), buf[3:]); string(m) != "longish" || string(buf[3:10]) != "longish" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
}

// test_poll: nothing, something, the end; it takes nothing and splits nothing. A timeout is a context, or a select.
func TestPythonPoll(t *testing.T) {
	a, b := newPipe(t, 0)
	ready := make(chan struct{}, 1)
	defer b.Notify(ready)()
	poll := func(d time.Duration) bool {
		select {
		case <-ready:
			return true
		case <-time.After(d):
			return false
		}
	}
	if poll(10 * time.Millisecond) {
		t.Error("ready, and there is nothing")
	}
	a.SendBytes(bg, []byte("whole"))
	if !poll(20 * time.Second) {
		t.Error("not ready")
	}
	if m, err := b.TryRecvBytes(nil); string(m) != "whole" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
	if _, err := b.TryRecvBytes(nil); err != pipe.ErrEmpty {
		t.Error(err)
	}
	a.Close()
	if !poll(20 * time.Second) {
		t.Error("not ready at the end")
	}
	ctx, cancel := context.WithTimeout(bg, time.Millisecond)
	defer cancel()
	c, _ := newPipe(t, 0)
	if _, err := c.RecvBytes(ctx, nil); err != context.DeadlineExceeded {
		t.Error(err)
	}
}

// close: Python's is idempotent; here the second one says that it is the second. fileno: there is none.
func TestPythonClose(t *testing.T) {
	a, _ := newPipe(t, 0)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := a.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// test_pickling, test_access: connections are sent over connections, and keep their direction.
func TestPythonPickling(t *testing.T) {
	a, p := withChild(t, 0)
	p.Send("echo")
	r, w, err := pipe.NewOneWay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	x, y := newPipe(t, 0)
	if err := x.Send(bg, w); err != nil {
		t.Fatal(err)
	}
	got := new(pipe.Conn)
	if err := y.Recv(soon(t), got); err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	w.Close()
	if err := got.Recv(bg, new(any)); !errors.Is(err, pipe.ErrDirection) {
		t.Error(err)
	}
	if err := got.Send(bg, "hi"); err != nil {
		t.Error(err)
	}
	var v string
	if err := r.Recv(soon(t), &v); v != "hi" || err != nil {
		t.Error(v, err)
	}
	_ = a
}

// connection.wait: all that are ready, in one select, with what else a program waits for.
func TestPythonWait(t *testing.T) {
	a, b := newPipe(t, 0)
	c, d := newPipe(t, 0)
	one, two := make(chan struct{}, 1), make(chan struct{}, 1)
	defer b.Notify(one)()
	defer d.Notify(two)()
	a.Send(bg, 1)
	c.Send(bg, 2)
	sum, n := 0, 0
	for late := time.After(20 * time.Second); sum != 3; {
		select {
		case <-one:
			for b.TryRecv(&n) == nil {
				sum += n
			}
		case <-two:
			for d.TryRecv(&n) == nil {
				sum += n
			}
		case <-late:
			t.Fatal(sum)
		}
	}
}

// test_multiple_bind, test_context, unlink at close; and accept has a timeout here.
func TestPythonListener(t *testing.T) {
	l := listen(t, "py")
	if _, err := pipe.Listen("py"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(bg, time.Millisecond)
	defer cancel()
	if _, err := l.AcceptContext(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := pipe.Dial(bg, "py"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// test_listener_client, test_issue14725: who connects before anybody accepts, sends and closes is accepted all the same, and
// heard. The client here waits for accept, so it cannot be gone.
func TestPythonListenerClient(t *testing.T) {
	l := listen(t, "pyclient")
	go func() {
		if c, err := pipe.Dial(soon(t), "pyclient"); err == nil {
			c.Send(bg, "hello")
			c.Close()
		}
	}()
	time.Sleep(10 * time.Millisecond)
	c, err := l.AcceptContext(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var v string
	if err := c.Recv(soon(t), &v); v != "hello" || err != nil {
		t.Error(v, err)
	}
	if err := c.Recv(soon(t), &v); err != io.EOF {
		t.Error(err)
	}
}

// Pains of Python's, which are none here: a reader behind a writer that was killed in the midst of a message waits for ever
// (TestDeathInALongMessage); a poll that says yes, and a recv that then blocks on half a message; a stuck client blocks accept
// (TestStuckDialer); a port probe ends the accept loop (TestDialerGone); there is no key to disagree about: the file's
// mode says who may connect.
func TestPythonPainHalfAMessage(t *testing.T) {
	a, p := withChild(t, 4096)
	p.Send("long 1000000")
	p.Expect("long")
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	if _, err := a.TryRecvBytes(nil); err != pipe.ErrEmpty {
		t.Error(err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Error("a call that does not wait took", d)
	}
	p.Kill()
	if _, err := a.RecvBytes(soon(t), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
