package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/shm"
)

// Others at a name.
var _ = proctest.Register("desk other", func(args []string) int {
	var err error
	switch args[0] {
	case "listen":
		var l *pipe.Listener
		if l, err = (pipe.Config{}).Listen(args[1]); err == nil {
			proctest.Say("listens")
			for range 10 {
				if proctest.Hear() == "accept" {
					_, err = l.AcceptContext(bg)
					proctest.Say(fmt.Sprint(err))
				}
			}
		}
	case "dial":
		proctest.Say("dials")
		var c *pipe.Conn
		if c, err = pipe.Dial(bg, args[1]); err == nil {
			proctest.Say("has")
			proctest.Hear()
			c.Close()
		}
	}
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	return 0
})

// listen listens here.
func listen(t *testing.T, name string) *pipe.Listener {
	t.Helper()
	l, err := pipe.Config{}.Listen(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A listener that dies with a pipe that it has accepted.
func TestListenerDies(t *testing.T) {
	for range 3 {
		p := proctest.Start(t, "desk other", "listen", "dies")
		p.Expect("listens")
		p.Send("accept")
		c, err := pipe.Dial(soon(t), "dies")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		done := make(chan error, 1)
		go func() { _, err := c.RecvBytes(soon(t), nil); done <- err }()
		p.Expect("<nil>")
		p.Kill()
		if err := <-done; err != io.EOF {
			t.Fatal(err)
		}
		if c, err := pipe.Dial(soon(t), "dies"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Error("dial the dead:", c, err)
		}
	}
	listen(t, "dies") // the name of the dead
}

// One who waits to be accepted when the listener dies is refused, or served by the next one.
func TestListenerDiesUnanswered(t *testing.T) {
	p := proctest.Start(t, "desk other", "listen", "unanswered")
	p.Expect("listens")
	done := make(chan error, 1)
	go func() {
		c, err := pipe.Dial(soon(t), "unanswered")
		if err == nil {
			c.Close()
		}
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	p.Kill()
	if err := <-done; !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
	l := listen(t, "unanswered")
	ctx, cancel := context.WithTimeout(bg, time.Millisecond)
	defer cancel()
	if c, err := l.AcceptContext(ctx); err != context.DeadlineExceeded {
		t.Error("who was refused is not accepted:", c, err)
	}
}

// Who dies, or gives up, before it is accepted is passed over.
func TestDialerGone(t *testing.T) {
	l := listen(t, "gone")
	p := proctest.Start(t, "desk other", "dial", "gone")
	p.Expect("dials")
	time.Sleep(50 * time.Millisecond)
	p.Kill()
	ctx, cancel := context.WithTimeout(bg, 20*time.Millisecond)
	defer cancel()
	if _, err := pipe.Dial(ctx, "gone"); err != context.DeadlineExceeded {
		t.Error(err)
	}
	ours := make(chan *pipe.Conn, 1)
	go func() { c, _ := pipe.Dial(soon(t), "gone"); ours <- c }()
	c, err := l.AcceptContext(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := <-ours
	defer d.Close()
	go d.SendBytes(bg, []byte("it is me"))
	if m, err := c.RecvBytes(soon(t), nil); string(m) != "it is me" {
		t.Errorf("%q, %v", m, err)
	}
}

// A client that is stopped, wherever, holds up nobody else.
func TestStuckDialer(t *testing.T) {
	l := listen(t, "stuck")
	p := proctest.Start(t, "desk other", "dial", "stuck")
	p.Expect("dials")
	time.Sleep(20 * time.Millisecond)
	p.Stop()
	go func() {
		if c, err := pipe.Dial(soon(t), "stuck"); err == nil {
			c.SendBytes(bg, []byte("x"))
			defer c.Close()
		}
	}()
	accepted := 0
	for {
		c, err := l.AcceptContext(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		accepted++
		ctx, cancel := context.WithTimeout(bg, 200*time.Millisecond)
		m, err := c.RecvBytes(ctx, nil)
		cancel()
		c.Close()
		if string(m) == "x" {
			break
		}
		if err != context.DeadlineExceeded {
			t.Error(err)
		}
	}
	p.Cont()
	if accepted == 1 { // it was stopped before it came to ask
		c, err := l.AcceptContext(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	p.Expect("has")
	p.Send("end")
}

func TestNames(t *testing.T) {
	if _, err := pipe.Dial(bg, "nobody"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	l := listen(t, "busy")
	if _, err := pipe.Listen("busy"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error(err)
	}
	p := proctest.Start(t, "desk other", "listen", "busy")
	if got := p.Recv(); p.Wait() != 1 {
		t.Error("another process:", got)
	}
	if l.Addr().String() != "busy" || l.Addr().Network() != "shm" {
		t.Error(l.Addr())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{l.Close(), second(l.Accept())} {
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
	if infos, err := shm.List(); err != nil || len(infos) != 0 {
		for _, i := range infos {
			if i.Name == "busy" {
				t.Error("it left its name")
			}
		}
	}
	listen(t, "busy").Close()
	v, err := shm.OpenOrCreate[int64]("other")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	defer v.Unlink()
	var mismatch *shm.MismatchError
	if _, err := pipe.Listen("other"); !errors.As(err, &mismatch) || mismatch.What != "kind" {
		t.Error(err)
	}
	if _, err := pipe.Dial(bg, "other"); !errors.As(err, &mismatch) {
		t.Error(err)
	}
}

// Close ends Accept; who asks at that moment is refused.
func TestListenerClose(t *testing.T) {
	l := listen(t, "close")
	done := make(chan error, 1)
	go func() { _, err := l.Accept(); done <- err }()
	time.Sleep(20 * time.Millisecond)
	l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	l = listen(t, "close")
	asked := make(chan error, 1)
	go func() { _, err := pipe.Dial(soon(t), "close"); asked <- err }()
	time.Sleep(20 * time.Millisecond)
	l.Close()
	if err := <-asked; !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
}

// More ask at once than there are places, and several accept; every one gets its own pipe.
func TestManyDialers(t *testing.T) {
	l := listen(t, "many")
	const n = 150
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			c, err := pipe.Dial(soon(t), "many")
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			var back int
			if err := errors.Join(c.Send(bg, i), c.Recv(soon(t), &back)); err != nil || back != -i {
				t.Error(i, back, err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	for range 3 {
		wait.Go(func() {
			for range n / 3 {
				c, err := l.AcceptContext(soon(t))
				if err != nil {
					t.Error(err)
					return
				}
				wait.Go(func() {
					defer c.Close()
					var i int
					if err := errors.Join(c.Recv(soon(t), &i), c.Send(bg, -i), c.Recv(soon(t), &i)); err != io.EOF && !errors.Is(err, io.EOF) {
						t.Error(err)
					}
				})
			}
		})
	}
	wait.Wait()
}

func TestListenerNotify(t *testing.T) {
	l := listen(t, "notify")
	ch := make(chan struct{}, 1)
	stop := l.Notify(ch)
	defer stop()
	go func() {
		if c, err := pipe.Dial(soon(t), "notify"); err == nil {
			c.Close()
		}
	}()
	select {
	case <-ch:
	case <-time.After(20 * time.Second):
		t.Fatal("no token")
	}
	done, cancel := context.WithCancel(bg)
	cancel()
	c, err := l.AcceptContext(done)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := l.AcceptContext(done); err != context.Canceled {
		t.Error(err)
	}
}

func TestListenPerm(t *testing.T) {
	l, err := pipe.Config{Mem: shm.Mem{Perm: 0o660}}.Listen("perm")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	st, err := os.Stat(os.Getenv("SHMKIT_DIR") + "/perm")
	if err != nil || st.Mode().Perm() != 0o660 {
		t.Error(st.Mode(), err)
	}
}

// Who has dialed knows whom.
func TestPeerCredBehindDial(t *testing.T) {
	l := listen(t, "whom")
	const n = 1000
	go func() {
		for range n {
			c, err := l.AcceptContext(bg)
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	for range n {
		c, err := pipe.Dial(soon(t), "whom")
		if err != nil {
			t.Fatal(err)
		}
		if cred, err := c.PeerCred(); err != nil || cred.PID != os.Getpid() {
			t.Fatal(cred, err)
		}
		c.Close()
	}
}
