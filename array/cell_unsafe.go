package array

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/fence"
)

// A cell is an element of 1, 2, 4 or 8 bytes, at a multiple of its size. It is loaded and stored in one step. Those of
// 1 and 2 bytes are exchanged with the aligned word of 4 around them, for there are no atomic operations on less; beside it the
// neighbours may be stored plainly, for a store of one byte and a compare-and-swap of its word exclude each other in the
// cache. A cell is passed about in the first bytes of a word of 8.

// cellOf is x as a cell. Called with a larger T it does nothing.
func cellOf[T any](x *T) (w uint64) {
	if unsafe.Sizeof(*x) <= 8 {
		*(*T)(unsafe.Pointer(&w)) = *x
	}
	return w
}

func loadCell(p unsafe.Pointer, size uintptr) (w uint64) {
	switch size {
	case 8:
		return atomic.LoadUint64((*uint64)(p))
	case 4:
		*(*uint32)(unsafe.Pointer(&w)) = atomic.LoadUint32((*uint32)(p))
		return w
	}
	around, skip := aroundCell(p)
	half := atomic.LoadUint32(around)
	copyCell(unsafe.Pointer(&w), unsafe.Add(unsafe.Pointer(&half), skip), size)
	return w
}

func storeCell(p unsafe.Pointer, size uintptr, w uint64) {
	switch size {
	case 8:
		fence.Publish((*uint64)(p), w)
	case 4:
		atomic.StoreUint32((*uint32)(p), *(*uint32)(unsafe.Pointer(&w)))
	default:
		for !swapCell(p, size, loadCell(p, size), w) {
		}
	}
}

// swapCell is a compare-and-swap of a cell. Of a small one it may fail because of a neighbour.
func swapCell(p unsafe.Pointer, size uintptr, old, new uint64) bool {
	switch size {
	case 8:
		return atomic.CompareAndSwapUint64((*uint64)(p), old, new)
	case 4:
		return atomic.CompareAndSwapUint32((*uint32)(p), *(*uint32)(unsafe.Pointer(&old)), *(*uint32)(unsafe.Pointer(&new)))
	}
	around, skip := aroundCell(p)
	was := atomic.LoadUint32(around)
	to := was
	copyCell(unsafe.Add(unsafe.Pointer(&was), skip), unsafe.Pointer(&old), size) // as it is, if nobody else has changed it
	copyCell(unsafe.Add(unsafe.Pointer(&to), skip), unsafe.Pointer(&new), size)
	return atomic.CompareAndSwapUint32(around, was, to)
}

// aroundCell is the aligned word of 4 bytes around a cell of 1 or 2, and where the cell is in it.
func aroundCell(p unsafe.Pointer) (*uint32, uintptr) {
	skip := uintptr(p) % 4
	return (*uint32)(unsafe.Add(p, -int(skip))), skip
}

func copyCell(to, from unsafe.Pointer, size uintptr) {
	if size == 1 {
		*(*uint8)(to) = *(*uint8)(from)
	} else {
		*(*uint16)(to) = *(*uint16)(from)
	}
}

// loadCells copies n cells, each by one load. Only where loads stay in order.
func loadCells(to, from unsafe.Pointer, size uintptr, n int) {
	switch size {
	case 8:
		copyCells[uint64](to, from, n)
	case 4:
		copyCells[uint32](to, from, n)
	case 2:
		copyCells[uint16](to, from, n)
	case 1:
		copy(unsafe.Slice((*uint8)(to), n), unsafe.Slice((*uint8)(from), n))
	}
}

func copyCells[C uint16 | uint32 | uint64](to, from unsafe.Pointer, n int) {
	dst, src := unsafe.Slice((*C)(to), n), unsafe.Slice((*C)(from), n)
	for i := range src {
		dst[i] = src[i]
	}
}

// storePiece copies the next bytes of a range to aligned memory in one step, as many as one store can of what is left and
// aligned, and returns how many. size is that of a cell: no cell is cut.
func storePiece(to, from unsafe.Pointer, size, left uintptr) uintptr {
	piece := uintptr(8)
	for piece > size && (piece > left || uintptr(to)%piece != 0) {
		piece /= 2
	}
	var w uint64
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&w)), piece), unsafe.Slice((*byte)(from), piece))
	storeCell(to, piece, w)
	return piece
}
