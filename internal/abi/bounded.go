package abi

// Bounded is the control block at the beginning of the payload of a semaphore of many permits; the permits
// follow it, a cell of eight bytes each. Their number is in the shape, and nowhere else.
//
//	  0 | bell | freed |  who waits sleeps on the bell; freed is a hint, written by who rings it
//	128 | permits …
type Bounded struct {
	Bell  uint32 // seq | W: rung when a permit becomes free
	Freed uint32 // a permit that has become free while somebody waited: where to look first
	_     [120]byte
}

const (
	ShapePermits = 0       // of a semaphore's shape: how many permits it has
	MaxBounded   = 1 << 16 // permits

	boundedCtl  = 128
	boundedCell = 8
)

// BoundedSize is the payload of a semaphore of such a shape in bytes, −1 if there can be none.
func BoundedSize(shape [4]uint64) int64 {
	n := shape[ShapePermits]
	if n == 0 || n > MaxBounded || shape != [4]uint64{ShapePermits: n} {
		return -1
	}
	return boundedCtl + boundedCell*int64(n)
}
