package value

import (
	"context"
	"runtime"
	"unsafe"
)

// number is the value, where T is one number that the machine loads in one step, behind what was loaded before. It is a part
// of core, so who keeps it alive keeps the memory mapped.
type number struct{ at unsafe.Pointer }

// Load returns the value.
//
// It is inlined where it is called, which takes all but one of the inliner's 80: so number is not generic and comes first in
// Value, x is a result, and what is not inlined is called by a parameter, which costs 17 instead of 57.
func (v *Value[T]) Load() (x T) {
	n := v.number.Load()
	if n == nil {
		return by((*Value[T]).loadSlow, v)
	}
	x = *(*T)(n.at) // one load
	runtime.KeepAlive(n)
	return
}

func by[T any](f func(*Value[T]) T, v *Value[T]) T { return f(v) }

//go:noinline
func (v *Value[T]) loadSlow() (x T) {
	c := v.must("Load")
	c.enter("Load", func() { _ = c.load(context.Background(), &x) })
	runtime.KeepAlive(c)
	return x
}
