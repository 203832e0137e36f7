package value

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/race"
)

// Number is what can be added to.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Add adds d to the value, in one step, and returns the sum: what Python's += is not. Integers wrap around.
func Add[T Number](v *Value[T], d T) T {
	c := v.at.Load()
	if c == nil || c.word == nil || !isLong[T]() {
		return add(v, d)
	}
	if race.Enabled {
		c.release()
		defer c.acquire()
	}
	sum := atomic.AddUint64(&c.word.Word, uint64(d))
	if atomic.LoadUint32(&c.word.Changed)&awaited != 0 { // changed, by one load less
		c.bell.swing()
	}
	runtime.KeepAlive(c)
	return T(sum)
}

// isLong says that T is an integer of eight bytes, which fills the word. The compiler knows the answer.
func isLong[T Number]() bool {
	one, two := T(1), T(2)
	return one/two == 0 && full[T]()
}

// add is Add where the machine has no instruction for it, or the fault guard is wanted.
//
//go:noinline
func add[T Number](v *Value[T], d T) (sum T) {
	c := v.must("Add")
	c.enter("Add", func() {
		for {
			w := c.raw()
			sum = decode[T](w) + d
			if c.exchange(w, encode(&sum)) {
				return
			}
		}
	})
	runtime.KeepAlive(c)
	return sum
}

// CompareAndSwap makes new the value if it is equal to old, in one step, and reports whether it has. Equal is what == says:
// padding does not count, -0 is 0, and a NaN is equal to nothing.
func CompareAndSwap[T comparable](v *Value[T], old, new T) (swapped bool) {
	c := v.must("CompareAndSwap")
	c.enter("CompareAndSwap", func() {
		if small[T]() {
			swapped = casWord(c, old, new)
		} else {
			swapped = casCopy(c, old, new)
		}
	})
	runtime.KeepAlive(c)
	return swapped
}

// casWord exchanges the very word whose value was equal: it may hold another pattern than old does.
func casWord[T comparable](c *core[T], old, new T) bool {
	for {
		w := c.raw()
		if decode[T](w) != old {
			return false
		}
		if c.exchange(w, encode(&new)) {
			return true
		}
	}
}

func casCopy[T comparable](c *core[T], old, new T) bool {
	_ = c.lock(context.Background())
	c.fetch(&c.buf)
	equal := c.buf == old
	if equal {
		c.commit(&new)
	}
	c.unlock()
	return equal
}
