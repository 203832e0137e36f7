package pipe

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/segment"
)

// Conn is one end of a pipe, and a handle on it. The zero Conn is a closed handle, which UnmarshalText opens. Its methods
// may be called from any goroutine: of several that send, or receive, each message is one's. A Conn must not be copied.
type Conn struct{ at atomic.Pointer[end] }

var _ net.Conn = (*Conn)(nil)

func newConn(s *segment.Segment, n int) *Conn {
	c := new(Conn)
	c.at.Store(newEnd(newPair(s), n))
	return c
}

// Read reads bytes that Write has sent, at least one, and waits for them until the read deadline: then
// os.ErrDeadlineExceeded, which is a net.Error. It is io.EOF when the far end is closed, or its process dead, and all has
// been read.
func (c *Conn) Read(p []byte) (n int, err error) {
	e := c.at.Load()
	if e == nil {
		return 0, errClosed
	}
	return e.in.read(p)
}

// Write sends p as part of the stream, and waits while there is no room, until the write deadline. With an error n says
// how much of p was sent. When the far end is closed, or its process dead, the error is syscall.EPIPE and io.ErrClosedPipe.
func (c *Conn) Write(p []byte) (n int, err error) {
	e := c.at.Load()
	if e == nil {
		return 0, errClosed
	}
	return e.out.write(p)
}

// CloseWrite ends what this end sends, for ever: the far end receives what was sent and then io.EOF, and can still send.
func (c *Conn) CloseWrite() error {
	e := c.at.Load()
	if e == nil {
		return errClosed
	}
	return e.out.shutdown()
}

// LocalAddr is an Addr: the name that was listened at, or "pipe".
func (c *Conn) LocalAddr() net.Addr { return c.address() }

// RemoteAddr is the same, for both ends lie in the same memory. PeerCred says who is there.
func (c *Conn) RemoteAddr() net.Addr { return c.address() }

func (c *Conn) address() Addr {
	if e := c.at.Load(); e != nil && e.addr != "" {
		return e.addr
	}
	return "pipe"
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline is when a Read, also one under way, ends at the latest; zero: never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.deadline(t, func(e *end) *deadline { return &e.reads })
}

// SetWriteDeadline is when a Write, also one under way, ends at the latest; zero: never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.deadline(t, func(e *end) *deadline { return &e.writes })
}

func (c *Conn) deadline(t time.Time, of func(*end) *deadline) error {
	e := c.at.Load()
	if e == nil {
		return errClosed
	}
	of(e).set(t)
	if e.closed.Load() { // Close may have come before the timer
		of(e).stop()
	}
	return nil
}

// Notify joins the connection to a Go select: until stop is called, ch receives a token, sent as signal.Notify does, when
// there may be something to receive: something has come, or the end. Receive until ErrEmpty then. It claims the end, as
// receiving does; on a closed Conn, or one that is not this process's, it does nothing.
func (c *Conn) Notify(ch chan<- struct{}) (stop func()) {
	nothing := func() {}
	e := c.at.Load()
	if e == nil || e.in.buf == nil || e.claim() != nil {
		return nothing
	}
	return e.watch.Add(func() func() { return e.in.notEmpty().Notify(ch, &e.in, e.in.ready) }, e.closed.Load)
}

// Name is the empty string: no pipe has a name. One that was dialed has met its other end under a name, see LocalAddr.
func (c *Conn) Name() string { return "" }

// Unlink is an error that is fs.ErrNotExist: there is no name to remove.
func (c *Conn) Unlink() error {
	e := c.at.Load()
	if e == nil {
		return errClosed
	}
	return e.p.seg.Unlink()
}

// MarshalText returns the handle as text, for another process of this user to open while this one has the end open. It
// says which end it is. It claims nothing.
func (c *Conn) MarshalText() ([]byte, error) {
	e := c.at.Load()
	if e == nil {
		return nil, errClosed
	}
	text, err := e.p.seg.Text()
	if err != nil {
		return nil, err
	}
	return append(text, suffixes[e.n]...), nil
}

// suffixes tell the ends apart in a handle's text.
var suffixes = [2]string{"/0", "/1"}

// UnmarshalText opens the end that a handle text stands for, and claims nothing. c must be zero or closed.
func (c *Conn) UnmarshalText(text []byte) error {
	sp, err := spec(0, 0)
	if err != nil {
		return err
	}
	if c.at.Load() != nil {
		return fmt.Errorf("pipe: unmarshal into a handle that is open: close it first: %w", fs.ErrInvalid)
	}
	n := len(text) - len(suffixes[0])
	which := 0
	if n < 0 || string(text[n:]) != suffixes[0] {
		which = 1
	}
	if n < 0 || string(text[n:]) != suffixes[which] {
		return fmt.Errorf("pipe: bad handle text: it does not end in %s or %s: %w", suffixes[0], suffixes[1], fs.ErrInvalid)
	}
	// A file that has a name can be cut short by whoever may write to it, and nothing here is guarded against that.
	if !bytes.HasPrefix(text, []byte("/proc/")) {
		return errNamed
	}
	s, err := segment.FromText(text[:n], sp)
	if err != nil {
		return err
	}
	if !s.Sealed() {
		_ = s.Close()
		return errNamed
	}
	e := newEnd(newPair(s), which)
	if !c.at.CompareAndSwap(nil, e) {
		e.close()
		return fmt.Errorf("pipe: unmarshal into a handle that is being opened by another goroutine: %w", fs.ErrInvalid)
	}
	return nil
}

// Close closes the handle, and if the end is this handle's, the end, for ever: the far end receives what was sent, and
// then io.EOF. Calls under way end with an error that is os.ErrClosed and net.ErrClosed, as a second Close does; what one of
// them sends all the same comes before the io.EOF.
func (c *Conn) Close() error {
	e := c.at.Swap(nil)
	if e == nil {
		return errClosed
	}
	e.close()
	return nil
}

// Addr is where a pipe leads to: the name that it was dialed by.
type Addr string

// Network is "shm".
func (Addr) Network() string { return "shm" }

// String is the name.
func (a Addr) String() string { return string(a) }
