package value

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/park"
)

// Wait waits until pred holds for the value, and returns that value. pred is called with one value after another, not
// necessarily with every one there was; it must be quick, and not call the value's methods. A context that ends first is
// the error. A context that has ended already does not fail a call that need not wait.
func (v *Value[T]) Wait(ctx context.Context, pred func(T) bool) (x T, err error) {
	c, err := v.open()
	if err != nil {
		return x, err
	}
	var late error
	if err = c.protect(func() { late = c.load(ctx, &x) }); err != nil {
		return x, err
	}
	if late != nil {
		return *new(T), late
	}
	if !pred(x) {
		x, err = c.wait(ctx, pred)
	}
	runtime.KeepAlive(c)
	return x, err
}

func (c *core[T]) wait(ctx context.Context, pred func(T) bool) (x T, err error) {
	w := wait[T]{c: c, pred: pred, ctx: ctx}
	if gone := c.park(func() { err = w.run() }); gone != nil {
		err = gone
	}
	if err != nil {
		return x, err
	}
	return w.x, nil
}

// Notify joins the value to a Go select: until stop is called, or the handle is closed, ch receives a token, sent as
// signal.Notify does, when the value may have changed since the last one. Load it then.
func (v *Value[T]) Notify(ch chan<- struct{}) (stop func()) {
	c, err := v.open()
	if err != nil {
		return func() {}
	}
	return c.ends.add(func() func() { return c.notify(ch) })
}

func (c *core[T]) notify(ch chan<- struct{}) (stop func()) {
	seen := &sight[T]{c: c}
	seen.word.Store(c.raw())
	last, _ := seen.changed(0)
	return park.Notify(ch, park.Watched{Word: &c.bell.word, Look: seen, Announce: c.bell.announce, Ready: func() (ready bool) {
		last, ready = seen.changed(last)
		return ready
	}})
}

// sight is what a waiter has seen of the value. It implements park.Looker.
type sight[T any] struct {
	c    *core[T]
	word atomic.Uint64
}

// Stale reports a change that nobody has rung for: who made it was killed, or knows no bells.
func (s *sight[T]) Stale(*park.Tick) bool { return s.c.raw() != s.word.Load() }

// changed reports whether there has been a change since the bell was last: of the word, or of a word and back.
func (s *sight[T]) changed(last uint32) (bell uint32, ready bool) {
	bell = atomic.LoadUint32(&s.c.bell.word) &^ awaited
	w := s.c.raw()
	return bell, s.word.Swap(w) != w || bell != last
}

// wait is one call of Wait.
type wait[T any] struct {
	c    *core[T]
	pred func(T) bool
	ctx  context.Context
	x    T
	seen moment
	sight[T]
}

// moment is when a waiter has looked: until the bell moves on, or a slice is over, there is nothing new to see.
type moment struct {
	looked bool
	bell   uint32
	ticks  uint64
}

func (w *wait[T]) run() error {
	if w.ready() || w.c.site.Spin(w.again) {
		return nil
	}
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	defer w.c.ends.add(func() func() { return func() { cancel(os.ErrClosed) } })()
	w.ctx, w.sight.c = ctx, w.c
	for {
		if done, err := w.once(); done || err != nil {
			return err
		}
	}
}

// ready looks at the value. What is seen before the value is loaded can only be older than it. It is not ready if the context
// ends meanwhile: the caller finds that out.
func (w *wait[T]) ready() bool {
	w.word.Store(w.c.raw())
	return w.c.load(w.ctx, &w.x) == nil && w.pred(w.x)
}

// again looks at the value if it is another one.
func (w *wait[T]) again() bool { return w.c.raw() != w.word.Load() && w.ready() }

// once is one stay in the lot. Others of this process may wait for other values, so who was woken in vain goes to the end
// of the queue, and who comes to its head sleeps only if it has looked at this moment.
func (w *wait[T]) once() (done bool, err error) {
	p := park.Join(w.ctx, &w.c.bell.word, &w.sight)
	defer p.Leave()
	if now := w.now(); now != w.seen {
		w.seen = now
		if w.ready() {
			return true, nil
		}
	}
	ended := !p.Lead()
	if !ended && w.now() == w.seen {
		ended = p.Sleep(w.seen.bell) == park.Done
	}
	switch {
	case !ended:
		return false, nil
	case w.ready(): // a change that came with the end of the context counts
		return true, nil
	}
	if cause := context.Cause(w.ctx); cause == os.ErrClosed {
		return false, cause
	}
	return false, w.ctx.Err()
}

func (w *wait[T]) now() moment { return moment{true, w.c.bell.announce(), park.Ticks()} }
