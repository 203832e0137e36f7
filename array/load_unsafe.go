package array

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// cells is what Load and Store need. It is a part of core, so who keeps it alive keeps the memory mapped.
type cells struct {
	first unsafe.Pointer // the elements, where T is one number that the machine loads and stores in one step, in order
	n     int            // how many; 0 where T is another
	load  func(i int, x unsafe.Pointer)
	store func(i int, x unsafe.Pointer)
}

// Load returns the element i.
//
// It and Store are inlined where they are called, which takes most of the inliner's 80: so cells is not generic and comes first in
// Array, and what is not inlined is called by a parameter, which costs 17 instead of 57.
func (a *Array[T]) Load(i int) (x T) {
	c := a.cells.Load()
	if c == nil || uint(i) >= uint(c.n) {
		var slow T
		by(loadSlow, c, i, unsafe.Pointer(&slow))
		return slow
	}
	x = *(*T)(unsafe.Add(c.first, uintptr(i)*unsafe.Sizeof(x))) // one load
	runtime.KeepAlive(c)
	return
}

// Store makes x the element i.
func (a *Array[T]) Store(i int, x T) {
	c := a.cells.Load()
	if c == nil || uint(i) >= uint(c.n) {
		slow := x
		by(storeSlow, c, i, unsafe.Pointer(&slow))
		return
	}
	*(*T)(unsafe.Add(c.first, uintptr(i)*unsafe.Sizeof(x))) = x // one store
	runtime.KeepAlive(c)
}

func by(f func(*cells, int, unsafe.Pointer), c *cells, i int, x unsafe.Pointer) { f(c, i, x) }

//go:noinline
func loadSlow(c *cells, i int, x unsafe.Pointer) {
	if c == nil {
		panic(closed("Load"))
	}
	c.load(i, hide(x))
}

//go:noinline
func storeSlow(c *cells, i int, x unsafe.Pointer) {
	if c == nil {
		panic(closed("Store"))
	}
	c.store(i, hide(x))
}

// hide is p, but the compiler does not see it: an element goes to a function of core, which is called by a pointer, and would have
// to lie on the heap for that. None of them keeps it. While it is hidden the stack must not move: so nothing is called in between,
// neither by hide nor by what the race detector or checkptr would add to it.
//
//go:nosplit
//go:nocheckptr
//go:norace
func hide(p unsafe.Pointer) unsafe.Pointer {
	hidden := uintptr(p)
	return *(*unsafe.Pointer)(unsafe.Pointer(&hidden))
}

func closed(op string) error {
	return fmt.Errorf("array: %s of an array that is not open: %w", op, os.ErrClosed)
}

// slow gives cells what c does with elements that are not loaded and stored in one step.
func (c *core[T]) slow() {
	c.cells.load = func(i int, x unsafe.Pointer) {
		c.check("Load", i)
		c.enter("Load", func() { c.load(i, (*T)(x)) })
		runtime.KeepAlive(c)
	}
	c.cells.store = func(i int, x unsafe.Pointer) {
		c.check("Store", i)
		c.enter("Store", func() { c.store(i, (*T)(x)) })
		runtime.KeepAlive(c)
	}
}

// check panics if there is no element i.
func (c *core[T]) check(op string, i int) {
	if uint(i) >= uint(c.n) {
		panic(fmt.Sprintf("array: %s of element %d of %s, which has %d", op, i, c.label(), c.n))
	}
}
