package array

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
)

// Half begins a WriteAt and leaves it in one of the states that a death may leave: n says which.
func Half[T any](a *Array[T], xs []T, off, n int) {
	c := a.at.Load()
	lo, hi := c.stripe(off), c.stripe(off+len(xs)-1)
	c.lock(lo, hi)
	root := &c.stripes[lo]
	for j := lo + 1; j <= hi; j++ {
		c.stripes[j].Root = uint64(lo) + 1
	}
	from, to := uint64(off)*uint64(c.size()), uint64(off+len(xs))*uint64(c.size())
	copy(unsafe.Slice((*T)(unsafe.Add(c.log, from)), len(xs)), xs)
	root.From, root.To, root.Done = from, to, from
	if n%4 == 0 { // before commit
		return
	}
	atomic.StoreUint32(&root.State, abi.StripeCommitted)
	if n%4 == 1 {
		return
	}
	c.turn(lo, lo+n%3, 1) // some odd
	copy(c.elems[off:], xs[:len(xs)/2])
	if n%4 == 3 { // some even again
		root.Done = to
		copy(c.elems[off:], xs)
		c.turn(lo, lo, 0)
	}
}

// Words is the memory of the stripes and the elements.
func Words[T any](a *Array[T]) []byte {
	c := a.at.Load()
	p := unsafe.Pointer(unsafe.SliceData(c.stripes))
	end := unsafe.Add(unsafe.Pointer(unsafe.SliceData(c.elems)), uintptr(c.n)*c.size())
	return unsafe.Slice((*byte)(p), uintptr(end)-uintptr(p))
}
