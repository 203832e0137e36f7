package pipe_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/shm"
)

// A file that has a name can be cut short under whoever has it mapped: it is taken for a pipe nowhere.
func TestNamedIsNoPipe(t *testing.T) {
	text, s, err := pipe.NamedPipe("named.pipe")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	defer s.Unlink()
	if err := new(pipe.Conn).UnmarshalText(text); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("UnmarshalText: %v", err)
	}
	a, b := newPipe(t, 0)
	if err := a.SendBytes(bg, text); err != nil {
		t.Fatal(err)
	}
	if err := a.Send(bg, string(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RecvBytes(bg, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Recv(bg, new(pipe.Conn)); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Recv: %v", err)
	}
	acceptNone(t, listen(t, "named.desk"), text)
}

// Who listens with another mode, and is killed.
var _ = proctest.Register("open listener", func([]string) int {
	if _, err := (pipe.Config{Mem: shm.Mem{Perm: 0o666}}).Listen("wide.open"); err != nil {
		proctest.Say(err.Error())
		return 1
	}
	proctest.Say("listens")
	proctest.Hear()
	return 0
})

// The file of a listener that is dead is not taken over with its mode.
func TestListenModeOfTheDead(t *testing.T) {
	p := proctest.Start(t, "open listener")
	p.Expect("listens")
	if l, err := (pipe.Config{}).Listen("wide.open"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error("listened beside it:", l, err)
	}
	p.Kill()
	l := listen(t, "wide.open")
	if st, err := os.Stat(filepath.Join(os.Getenv("SHMKIT_DIR"), "wide.open")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}()
	c, err := pipe.Dial(soon(t), "wide.open")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// acceptNone asks with a text that is to be refused.
func acceptNone(t *testing.T, l *pipe.Listener, text []byte) {
	t.Helper()
	state := pipe.AskWith(l, text)
	ctx, cancel := context.WithTimeout(bg, time.Minute)
	defer cancel()
	go func() {
		for state() != abi.RequestRefused && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	c, err := l.AcceptContext(ctx)
	if err == nil {
		c.Close()
		t.Errorf("%q was accepted", text)
	}
	if state() != abi.RequestRefused {
		t.Errorf("%q was not refused, but is %d", text, state())
	}
}

// A part of the stream that has no bytes.
func TestStreamOfNothing(t *testing.T) {
	a, b := newPipe(t, 4096)
	if _, err := b.Write([]byte("12345678")); err != nil {
		t.Fatal(err)
	}
	const first = atBytes + 4096 + 4096 - 1<<10
	mem := pipe.Payload(a)
	if load64(mem, first) != kindAndLength(abi.FrameStream, 8) {
		t.Fatalf("%#x", load64(mem, first))
	}
	store64(mem, first, kindAndLength(abi.FrameStream, 0))
	store64(mem, first+8, kindAndLength(abi.FrameStream, 0))
	a.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := a.Read(make([]byte, 9)); !errors.Is(err, shm.ErrCorrupt) {
		t.Error(err)
	}
}
