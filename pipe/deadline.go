package pipe

import (
	"context"
	"os"
	"sync"
	"time"
)

// deadline is one of a Conn's two. A call takes the moment that stands when it begins; a deadline that is moved
// keeps the moment and moves its timer, so that calls under way follow. Only one that is over is replaced.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	now   *moment
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.current()
	if d.timer != nil && !d.timer.Stop() {
		<-m.done // the timer's function is at it
	}
	d.timer = nil
	left := time.Until(t)
	if !t.IsZero() && left <= 0 {
		m.end()
		return
	}
	if m.ended() {
		d.now = newMoment()
	}
	if !t.IsZero() {
		d.timer = time.AfterFunc(left, d.now.end)
	}
}

// get is the context of a call that begins now.
func (d *deadline) get() *moment {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current()
}

func (d *deadline) current() *moment {
	if d.now == nil {
		d.now = newMoment()
	}
	return d.now
}

// stop drops the timer: a set that comes later, by one who has begun before the Close, must not wait for a moment that does
// not end any more.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// moment is a context that ends with os.ErrDeadlineExceeded, when its deadline says so.
type moment struct {
	done  chan struct{}
	mu    sync.Mutex
	after map[*func()]struct{}
}

func newMoment() *moment { return &moment{done: make(chan struct{})} }

func (m *moment) ended() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

func (m *moment) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended() {
		return
	}
	close(m.done)
	for f := range m.after {
		go (*f)()
	}
	m.after = nil
}

// Deadline implements context.Context. It may be moved, so there is none.
func (m *moment) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (m *moment) Done() <-chan struct{} { return m.done }

// Err implements context.Context.
func (m *moment) Err() error {
	if m.ended() {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Value implements context.Context.
func (m *moment) Value(any) any { return nil }

// AfterFunc spares context.AfterFunc a goroutine for each wait.
func (m *moment) AfterFunc(f func()) (stop func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended() {
		go f()
		return func() bool { return false }
	}
	if m.after == nil {
		m.after = map[*func()]struct{}{}
	}
	m.after[&f] = struct{}{}
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		_, waiting := m.after[&f]
		delete(m.after, &f)
		return waiting
	}
}

var _ context.Context = (*moment)(nil)
