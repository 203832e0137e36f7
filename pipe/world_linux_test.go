package pipe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/pipe"
)

// Two processes. The child opens the end that it is given and does as it is told, line by line.
var _ = proctest.Register("pipe child", func(args []string) int {
	c := new(pipe.Conn)
	if err := c.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	proctest.Say("open")
	for {
		word, rest, _ := strings.Cut(proctest.Hear(), " ")
		n, _ := strconv.Atoi(rest)
		var err error
		switch word {
		case "send":
			err = c.SendBytes(bg, noise(n))
		case "echo": // until the end
			var m []byte
			for err == nil {
				if m, err = c.RecvBytes(bg, nil); err == nil {
					err = c.SendBytes(bg, m)
				}
			}
		case "long": // never comes to its end
			proctest.Say("long")
			err = c.SendBytes(bg, noise(n))
		case "recv":
			var m []byte
			m, err = c.RecvBytes(bg, nil)
			if err == nil && !bytes.Equal(m, noise(n)) {
				err = fmt.Errorf("%d bytes, not %d", len(m), n)
			}
		case "cred":
			var cred pipe.Cred
			if cred, err = c.PeerCred(); err == nil {
				err = fmt.Errorf("%v", cred.PID)
			}
		case "close":
			err = c.Close()
		case "end":
			return 0
		}
		proctest.Say(fmt.Sprint(err))
	}
})

// withChild makes a pipe whose far end a child has.
func withChild(t *testing.T, capacity int) (*pipe.Conn, *proctest.Proc) {
	a, b := newPipe(t, capacity)
	text, err := b.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	p := proctest.Start(t, "pipe child", string(text))
	p.Expect("open")
	b.Close()
	return a, p
}

func TestTwoProcesses(t *testing.T) {
	a, p := withChild(t, 4096)
	p.Send("echo")
	for _, n := range []int{0, 1, 100, 2040, 2041, 4096, 100_000} {
		go a.SendBytes(bg, noise(n))
		if m, err := a.RecvBytes(soon(t), nil); err != nil || !bytes.Equal(m, noise(n)) {
			t.Fatal(n, len(m), err)
		}
	}
	a.Close()
	p.Expect("EOF")
}

// Everything that the dead have sent is received, and then the end.
func TestDeathIsClose(t *testing.T) {
	a, p := withChild(t, 0)
	for n := range 5 {
		p.Send("send " + fmt.Sprint(n))
		p.Expect("<nil>")
	}
	p.Kill()
	for n := range 5 {
		if m, err := a.RecvBytes(soon(t), nil); err != nil || !bytes.Equal(m, noise(n)) {
			t.Fatal(n, err)
		}
	}
	if _, err := a.RecvBytes(soon(t), nil); err != io.EOF {
		t.Error(err)
	}
	if err := a.SendBytes(bg, nil); !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
}

// The same for one who waits already, sending or receiving, and for one who never waits.
func TestDeathIsNoticed(t *testing.T) {
	a, p := withChild(t, 4096)
	p.Send("send 3")
	p.Expect("<nil>")
	a.RecvBytes(bg, nil)
	received, sent := make(chan error, 1), make(chan error, 1)
	go func() { _, err := a.RecvBytes(soon(t), nil); received <- err }()
	go func() {
		var err error
		for err == nil {
			err = a.SendBytes(soon(t), make([]byte, 1000))
		}
		sent <- err
	}()
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	p.Kill()
	if err := <-received; err != io.EOF {
		t.Error(err)
	}
	if err := <-sent; !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
	t.Logf("noticed after %v", time.Since(start))
}

func TestDeathWithoutWaiting(t *testing.T) {
	n := 0
	for before := range 2 { // the second time it dies just behind a look
		a, p := withChild(t, 0)
		p.Send("send 3")
		p.Expect("<nil>")
		for range before {
			a.SendBytes(bg, noise(1))
			p.Send("recv 1")
			p.Expect("<nil>")
		}
		p.Kill()
		for n = 0; a.SendBytes(bg, []byte("x")) == nil; n++ {
		}
		if n >= 128 {
			t.Errorf("%d messages to the dead", n)
		}
	}
	b, q := withChild(t, 0)
	q.Send("send 3")
	q.Expect("<nil>")
	b.RecvBytes(bg, nil)
	q.Kill()
	n = 0
	for err := error(nil); err != io.EOF; n++ {
		if _, err = b.TryRecvBytes(nil); err != nil && err != pipe.ErrEmpty && err != io.EOF {
			t.Fatal(err)
		}
	}
	if n > 129 {
		t.Errorf("looked %d times for what the dead may send", n)
	}
}

// One who dies in the midst of a long message: never half of it as if it were whole.
func TestDeathInALongMessage(t *testing.T) {
	for _, started := range []bool{false, true} {
		a, p := withChild(t, 4096)
		p.Send("long 100000")
		p.Expect("long")
		time.Sleep(20 * time.Millisecond)
		if started { // the receiver has begun with it
			if _, err := a.TryRecvBytes(make([]byte, 100_000)); err != pipe.ErrEmpty && err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		p.Kill()
		if m, err := a.RecvBytes(soon(t), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes, %v", len(m), err)
		}
		if _, err := a.RecvBytes(soon(t), nil); err != io.EOF {
			t.Error(err)
		}
	}
}

// A process that dies before it has used its end has closed it too; one that is stopped has not.
func TestDeathBeforeUse(t *testing.T) {
	a, p := withChild(t, 0)
	p.Stop()
	if err := a.SendBytes(bg, noise(9)); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := a.TryRecvBytes(nil); err != pipe.ErrEmpty {
			t.Fatal("of a process that is stopped:", err)
		}
	}
	p.Kill()
	if _, err := a.RecvBytes(soon(t), nil); err != io.EOF {
		t.Error(err)
	}
}

func TestPeerCred(t *testing.T) {
	a, p := withChild(t, 0)
	if _, err := a.PeerCred(); err != pipe.ErrEmpty {
		t.Error("before its first use:", err)
	}
	a.SendBytes(bg, noise(5))
	p.Send("recv 5")
	p.Expect("<nil>")
	cred, err := a.PeerCred()
	if want := (pipe.Cred{PID: p.PID(), UID: os.Getuid(), GID: os.Getgid()}); err != nil || cred != want {
		t.Errorf("%+v, %v; want %+v", cred, err, want)
	}
	p.Send("cred")
	p.Expect(fmt.Sprint(os.Getpid()))
	// What the peer writes is not believed: this is where its word says who it is.
	store32(pipe.Payload(a), atEnd1+4, uint32(os.Getppid()))
	if cred, err := a.PeerCred(); err == nil {
		t.Errorf("believed %+v", cred)
	}
	p.Kill()
	store32(pipe.Payload(a), atEnd1+4, uint32(p.PID()))
	if cred, err := a.PeerCred(); err == nil {
		t.Errorf("of the dead: %+v", cred)
	}
}

// The list of who holds an end is finite, and what does not fit errs to the side of waiting.
func TestManyHolders(t *testing.T) {
	a, b := newPipe(t, 0)
	mem := pipe.Payload(a)
	for i := range 26 { // of processes that do not exist
		store32(mem, atEnd1+20+4*i, uint32(1000+i))
	}
	text, _ := b.MarshalText()
	p := proctest.Start(t, "pipe child", string(text)) // takes the place of a dead one
	p.Expect("open")
	b.Close()
	if _, err := a.TryRecvBytes(nil); err != pipe.ErrEmpty {
		t.Fatal(err)
	}
	p.Kill()
	if _, err := a.RecvBytes(soon(t), nil); err != io.EOF {
		t.Error(err)
	}
}
