package array

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/value"
)

// Update changes the element i by f, which works on a copy: the element is what it was until f has returned, and then what f
// has made of the copy. If f panics, calls runtime.Goexit, or its process dies, nothing has changed.
//
// Only one Update at a time runs its f in a stripe, among all processes; so f must not call anything of this array that locks, in
// whichever stripe: Update, WriteAt, SetString, Lock, or Store of an element that is not of 1, 2, 4 or 8 bytes. It would wait for
// itself, or for one who waits for it. It may Load any element, and ReadAt. The copy is f's for the duration of the call only. An
// element of 1, 2, 4 or 8 bytes is also changed by Store and Add without a lock: if one of them comes in between, f runs again, on
// the new element.
func (a *Array[T]) Update(i int, f func(*T)) {
	c := a.element("Update", i)
	if c.guard {
		if err := c.updateGuarded(i, f); err != nil {
			panic(fmt.Errorf("array: Update of %s: %w", c.label(), err))
		}
	} else {
		c.update(i, f)
	}
	runtime.KeepAlive(c)
}

func (c *core[T]) update(i int, f func(*T)) {
	s := c.stripe(i)
	c.lock(s, s)
	defer c.unlock(s, s)
	x := &c.bufs[s]
	for {
		w := c.snapshot(i, x)
		f(x)
		if c.settle(i, x, w) {
			return
		}
	}
}

// updateGuarded arms the fault guard around its own steps, not around f: a fault there is the user's.
func (c *core[T]) updateGuarded(i int, f func(*T)) (err error) {
	step := func(do func()) bool {
		if gone := c.seg.Protect(do); gone != nil {
			err = gone
		}
		return err == nil
	}
	s := c.stripe(i)
	if !step(func() { c.lock(s, s) }) {
		return err
	}
	defer step(func() { c.unlock(s, s) })
	for x := &c.bufs[s]; ; {
		var w uint64
		if !step(func() { w = c.snapshot(i, x) }) {
			return err
		}
		f(x)
		done := false
		if !step(func() { done = c.settle(i, x, w) }) || done {
			return err
		}
	}
}

// snapshot copies the element i, whose stripe is locked, and returns the cell it was.
func (c *core[T]) snapshot(i int, x *T) (w uint64) {
	if !c.celled() {
		c.fetch(unsafe.Pointer(x), i, i+1)
		return 0
	}
	w = loadCell(c.at(i), c.size())
	c.acquire()
	*x = *(*T)(unsafe.Pointer(&w))
	return w
}

// settle makes x the element i, unless the cell w has changed since.
func (c *core[T]) settle(i int, x *T, w uint64) bool {
	if !c.celled() {
		c.write(unsafe.Pointer(x), i, i+1)
		return true
	}
	return c.exchange(i, w, cellOf(x))
}

// exchange changes the cell i from old to new, whoever else changes it, and reports whether it has.
func (c *core[T]) exchange(i int, old, new uint64) bool {
	c.release()
	for !swapCell(c.at(i), c.size(), old, new) {
		if loadCell(c.at(i), c.size()) != old {
			return false
		}
	}
	c.acquire()
	return true
}

// Add adds d to the element i, in one step, and returns the sum: what Python's += is not. Integers wrap around.
func Add[T value.Number](a *Array[T], i int, d T) T {
	c := a.at.Load()
	one, two := T(1), T(2)
	if c == nil || uint(i) >= uint(c.cells.n) || one/two != 0 || unsafe.Sizeof(d) < 4 {
		return add(a, i, d)
	}
	c.release()
	var sum T
	if unsafe.Sizeof(d) == 8 {
		sum = T(atomic.AddUint64((*uint64)(unsafe.Pointer(&c.elems[i])), uint64(d)))
	} else {
		sum = T(atomic.AddUint32((*uint32)(unsafe.Pointer(&c.elems[i])), uint32(d)))
	}
	runtime.KeepAlive(c)
	return sum
}

// add is Add where the machine has no instruction for it, or the fault guard is wanted.
//
//go:noinline
func add[T value.Number](a *Array[T], i int, d T) (sum T) {
	c := a.element("Add", i)
	c.enter("Add", func() {
		for {
			w := loadCell(c.at(i), c.size())
			sum = *(*T)(unsafe.Pointer(&w)) + d
			if c.exchange(i, w, cellOf(&sum)) {
				return
			}
		}
	})
	runtime.KeepAlive(c)
	return sum
}
