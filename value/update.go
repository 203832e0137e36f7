package value

import (
	"context"
	"fmt"
	"runtime"
)

// Update changes the value by f, which works on a copy: the value is what it was until f has returned, and then, in one
// step, what f has made of the copy. If f panics, calls runtime.Goexit, or its process dies, nothing has changed.
//
// Only one Update at a time runs its f, among all processes; so f must not change the same value, for which it would
// wait for itself. It may load it. The copy is f's for the duration of the call only. A T of up to eight bytes is also changed by Store,
// Swap, Add and CompareAndSwap without a lock: if one of them comes in between, f runs again, on the
// new value.
func (v *Value[T]) Update(f func(*T)) {
	c := v.must("Update")
	if err := c.update(context.Background(), f); err != nil {
		panic(fmt.Errorf("value: Update of %s: %w", c.label(), err))
	}
	runtime.KeepAlive(c)
}

// UpdateContext is Update, unless ctx ends before it is this call's turn: then it returns ctx's error, and f has not run,
// or not been heeded. A context that has ended already does not fail a call that need not wait.
func (v *Value[T]) UpdateContext(ctx context.Context, f func(*T)) error {
	c, err := v.open()
	if err != nil {
		return err
	}
	err = c.update(ctx, f)
	runtime.KeepAlive(c)
	return err
}

func (c *core[T]) update(ctx context.Context, f func(*T)) error {
	if c.guard {
		return c.updateGuarded(ctx, f)
	}
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	if c.copies == 0 {
		return c.rework(ctx, f)
	}
	c.fetch(&c.buf)
	f(&c.buf)
	c.commit(&c.buf)
	return nil
}

// again is how often f of a word runs before the context is looked at.
const again = 64

// rework changes the word by f, once more whenever somebody has changed it without the lock.
func (c *core[T]) rework(ctx context.Context, f func(*T)) error {
	for n := 1; ; n++ {
		w := c.raw()
		c.acquire()
		c.buf = decode[T](w)
		f(&c.buf)
		if c.exchange(w, encode(&c.buf)) {
			return nil
		}
		if n%again == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// updateGuarded arms the fault guard around its own steps, not around f: a fault there is the user's.
func (c *core[T]) updateGuarded(ctx context.Context, f func(*T)) (err error) {
	step := func(do func()) bool {
		if gone := c.protect(do); gone != nil {
			err = gone
		}
		return err == nil
	}
	if !step(func() { err = c.lock(ctx) }) {
		return err
	}
	defer step(func() { c.unlock() })
	for n := 1; ; n++ {
		var w uint64
		if !step(func() { w = c.snapshot() }) {
			return err
		}
		f(&c.buf)
		done := false
		if !step(func() { done = c.settle(w) }) || done {
			return err
		}
		if n%again == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// snapshot brings the value into the copy for f, and returns the word it was in.
func (c *core[T]) snapshot() (w uint64) {
	if c.copies != 0 {
		c.fetch(&c.buf)
		return 0
	}
	w = c.raw()
	c.acquire()
	c.buf = decode[T](w)
	return w
}

// settle makes f's copy the value, unless the word w has changed since.
func (c *core[T]) settle(w uint64) bool {
	if c.copies != 0 {
		c.commit(&c.buf)
		return true
	}
	return c.exchange(w, encode(&c.buf))
}
