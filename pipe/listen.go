package pipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// Listen listens at a name for pipes that Dial asks for. It is a *Listener. If somebody who lives listens there already the
// error is syscall.EADDRINUSE; a name whose listener is dead is taken over, with who asks there; but
// if its file has another mode than this one is to have it is removed, and who asks there is refused.
//
// Who may write to the name's file may ask: its mode is 0600, or Config.Mem.Perm. The pipe itself is a file of who dials, which the
// listener opens, so it must be the same user's: a request of another user's process is refused.
func Listen(name string) (net.Listener, error) {
	l, err := Config{}.Listen(name)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Listen is the function Listen with this configuration.
func (c Config) Listen(name string) (*Listener, error) {
	for range tries {
		d, err := openDesk(name, c.Mem, segment.OpenOrCreate)
		if err != nil {
			return nil, err
		}
		if err := d.occupy(); err != nil {
			_ = d.close()
			return nil, err
		}
		ours, err := c.settled(d, name)
		if ours {
			return newListener(d, name), nil
		}
		d.vacate()
		_ = d.close()
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("pipe: listen at %q: the name came and went %d times: %w", name, tries, syscall.EADDRINUSE)
}

// settled reports whether the desk, which this process has occupied, is the one to listen at.
func (c Config) settled(d *desk, name string) (bool, error) {
	// A dead listener's file may be open to others than this one's, or open in them already: it cannot be made good.
	if same, err := d.seg.PermIs(segment.Mem(c.Mem)); err != nil || !same {
		if err == nil {
			err = d.seg.Unlink()
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	// The listener before may have removed the name behind our back: then nobody would find us here.
	again, err := openDesk(name, c.Mem, segment.Open)
	if err != nil {
		return false, nil
	}
	defer again.close()
	return again.ctl == d.ctl, nil
}

// Dial makes a pipe to whoever listens at the name, and waits until it is accepted, or ctx ends. If nobody listens there, or
// the listener dies or closes meanwhile, it is syscall.ECONNREFUSED; if there is no such name, fs.ErrNotExist.
func Dial(ctx context.Context, name string) (*Conn, error) { return Config{}.Dial(ctx, name) }

// Dial is the function Dial with this configuration, in which Cap is the pipe's.
func (c Config) Dial(ctx context.Context, name string) (*Conn, error) {
	d, err := openDesk(name, c.Mem, segment.Open)
	if err != nil {
		return nil, err
	}
	defer d.close()
	conn, err := c.ask(ctx, d)
	if err != nil && err != ctx.Err() {
		err = fmt.Errorf("pipe: dial %q: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	conn.at.Load().addr = Addr(name)
	return conn, nil
}

// ask asks with a new pipe, whose near end is claimed before, and whose far end nobody else can have.
func (c Config) ask(ctx context.Context, d *desk) (*Conn, error) {
	near, far, err := c.New()
	if err != nil {
		return nil, err
	}
	e := near.at.Load()
	text, err := far.MarshalText()
	if err == nil {
		err = e.claim()
	}
	if err == nil {
		err = d.protect(func() error { return d.request(ctx, text, func() bool { return e.farKnown() }) })
	}
	_ = far.Close() // the listener has it, or nobody will
	if err != nil {
		_ = near.Close()
		return nil, err
	}
	return near, nil
}

// claimDialed claims the end that was sent here, if it is what Dial sends.
func (e *end) claimDialed() error {
	if e.n != 1 || e.in.buf == nil || e.out.buf == nil {
		return fmt.Errorf("pipe: what was sent is not end 1 of a two-way pipe: %w", fs.ErrInvalid)
	}
	return e.claim()
}

// farKnown reports whether the far end is claimed, and says whose it is, for PeerCred. Who is killed in between has not accepted.
func (e *end) farKnown() bool {
	return atomic.LoadUint32(&e.far.Word) != 0 && atomic.LoadUint32(&e.far.PID) != 0
}

// Listener listens at a name. Its methods may be called from any goroutine.
type Listener struct {
	d      *desk
	name   string
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex // closing waits for calls to leave
	closed  bool
	calls   sync.WaitGroup
	watched park.Watches
}

func newListener(d *desk, name string) *Listener {
	l := &Listener{d: d, name: name}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Accept waits for the next who dials and returns the pipe to it. Who has died or given up meanwhile is passed over, and nobody
// who is stopped holds up others. After Close it is an error that is net.ErrClosed and os.ErrClosed. If this process is short of
// descriptors or memory it is a net.Error that is Temporary; of descriptors: who dials goes on waiting for a later Accept.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptContext(context.Background())
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptContext is Accept that ends when ctx does, with its error.
func (l *Listener) AcceptContext(ctx context.Context) (*Conn, error) {
	if !l.enter() {
		return nil, errClosed
	}
	defer l.calls.Done()
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	c, err := l.accept(both)
	switch {
	case err == nil:
		return c, nil
	case l.ctx.Err() != nil:
		return nil, errClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	short := isShortage(err)
	err = fmt.Errorf("pipe: accept at %q: %w", l.name, err)
	if short {
		err = shortage{err}
	}
	return nil, err
}

// isShortage tells our own trouble from theirs.
func isShortage(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

func (l *Listener) accept(ctx context.Context) (c *Conn, err error) {
	err = l.d.protect(func() error {
		for {
			t, err := l.d.next(ctx)
			if err != nil {
				return err
			}
			conn := new(Conn)
			err = conn.UnmarshalText(t.text)
			if err == nil {
				err = conn.at.Load().claimDialed()
			}
			switch {
			case err == nil:
				l.d.answer(t, abi.RequestFree)
				c = conn
				c.at.Load().addr = Addr(l.name)
				return nil
			case isShortage(err) && !errors.Is(err, syscall.ENOMEM): // that may be the pipe's size, which does not pass
				l.d.answer(t, abi.RequestAsked)
			default:
				l.d.answer(t, abi.RequestRefused)
			}
			_ = conn.Close()
			if isShortage(err) {
				return err
			}
		}
	})
	return c, err
}

func (l *Listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.calls.Add(1)
	}
	return !l.closed
}

// Notify joins the listener to a Go select: until stop is called, ch receives a token, sent as signal.Notify does, when
// somebody may be asking. Accept with a context that has ended then, until that is the error.
func (l *Listener) Notify(ch chan<- struct{}) (stop func()) {
	return l.watched.Add(func() func() { return l.d.asked().Notify(ch, (*asking)(l.d), l.d.anybody) },
		func() bool { return l.ctx.Err() != nil })
}

// Addr is an Addr: the name.
func (l *Listener) Addr() net.Addr { return Addr(l.name) }

// Close ends Accept and removes the name, as net.UnixListener does. Pipes that have been accepted go on; who still asks
// is refused.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errClosed
	}
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.watched.End()
	l.calls.Wait()
	_ = l.d.seg.Unlink() // before others may listen here: they would lose the name that they have just made theirs
	l.d.vacate()
	return l.d.close()
}
