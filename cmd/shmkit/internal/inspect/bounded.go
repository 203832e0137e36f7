package inspect

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
)

// The permits of a semaphore of many, behind its control block.
const (
	boundedCells = 128
	cellSize     = 8
)

// printBounded prints a semaphore of many permits. They are copied in parts, one after the other.
func printBounded(w io.Writer, o Object) {
	b := overlay[abi.Bounded](o.Payload)
	n := o.Header.Shape[abi.ShapePermits]
	if b == nil || abi.BoundedSize(o.Header.Shape) != int64(o.Header.Size) {
		line(w, "permits", fmt.Sprintf("corrupt: it says that it has %d, in %d bytes", n, o.Header.Size))
		return
	}
	var cells []uint64
	const part = most / cellSize
	for i := uint64(0); i < n; i += part {
		some := o.bytes(boundedCells+i*cellSize, min(part, n-i)*cellSize)
		if some == nil {
			line(w, "permits", "its memory is gone")
			return
		}
		for ; len(some) > 0; some = some[cellSize:] {
			cells = append(cells, binary.NativeEndian.Uint64(some))
		}
	}
	taken := claims(cells)
	line(w, "permits", fmt.Sprintf("%d of %d free", int(n)-len(taken), n)+waits(b.Bell&bitWaiting != 0))
	for _, l := range (primitive{who: o.Users}).each(taken, once, "permit", "permits") {
		line(w, "taken", l)
	}
}
