package queue

import (
	"fmt"
	"os"
	"runtime"
)

// Task is a lease on one item of a JoinableQueue. Copies of it are the same lease.
type Task[T any] struct {
	Value   T
	Attempt int // 1 for who has it first, 2 for the one after that …

	d *desk
	l lease
}

// Done says that the task is finished. It is an error, and changes nothing, if it was done or failed before, or if the handle that it was got
// through is closed: then it belongs to somebody else by now.
func (t Task[T]) Done() error {
	if t.d == nil {
		return os.ErrClosed
	}
	ok := false
	err := t.d.guard(func() { ok = t.d.finish(&t.l) })
	runtime.KeepAlive(t.d)
	if err == nil && !ok {
		err = fmt.Errorf("queue: Done of a task of %s that was done or failed before, or whose handle is closed: %w", t.d.r.label(), errInvalid)
	}
	return err
}

// Fail gives the task back, for somebody else to try, at once. After Done it does nothing, so it may be deferred: then it covers a panic too.
func (t Task[T]) Fail() {
	if t.d == nil {
		return
	}
	_ = t.d.guard(func() { t.d.fail(&t.l) })
	runtime.KeepAlive(t.d)
}

// guard runs f, with the fault guard armed where each operation needs it.
func (d *desk) guard(f func()) error {
	if d.r.bare {
		f()
		return nil
	}
	return d.r.seg.Protect(f)
}
