package pipe

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// align is n filled up to whole words.
func align(n uint64) uint64 { return (n + abi.FrameWord - 1) &^ (abi.FrameWord - 1) }

// frame is what n bytes take in the ring, with their word.
func frame(n uint64) uint64 { return abi.FrameWord + align(n) }

// most is the longest message that is sent by one store: half the ring, so that the sender need not wait until the ring
// is drained.
func (l *lane) most() uint64 { return l.size/2 - abi.FrameWord }

// free is how many bytes there are behind pos. The receiver hands space back lazily, on a line of its own that the sender
// may poll; before it is said for good that there are fewer than need, the exact word is read.
func (l *lane) free(pos, need uint64, exact bool) (uint64, error) {
	n := atomic.LoadUint64(&l.ctl.Limit) - pos
	switch {
	case int64(n) >= int64(need):
	case exact:
		n = atomic.LoadUint64(&l.ctl.Head) + l.size - pos
	case int64(n) < 0:
		n = 0
	}
	if n > l.size {
		return 0, corrupt("the free space", n, l.size)
	}
	raceAcquire(&l.ctl.Head)
	return n, nil
}

// apart is how many pauses lie between two looks of one who spins and leaves the line alone meanwhile.
const apart = 8
