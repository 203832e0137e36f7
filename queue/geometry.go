package queue

import (
	"io/fs"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
)

var errInvalid = fs.ErrInvalid

// geometry is what follows from the shape of a queue with cells: where what lies in the payload.
type geometry struct {
	capacity uint64
	attempts uint32
	inline   uint64
	n        uint64 // cells
	stride   uint64 // bytes of a cell
	ctlAt    uint64
	bitsAt   uint64
	cellsAt  uint64
	size     uint64
}

const (
	maxCap    = 1 << 24
	maxInline = 1 << 30
	bulk      = 4096 // bytes from which a copy is worth the fault guard
)

// newGeometry checks a shape that may come from a hostile header.
func newGeometry(k abi.Kind, s [4]uint64) (g geometry, ok bool) {
	g = geometry{capacity: s[abi.ShapeCap], attempts: uint32(s[abi.ShapeAttempts]), inline: s[abi.ShapeInline]}
	switch {
	case g.capacity == 0 || g.capacity > maxCap, g.inline == 0 || g.inline > maxInline, s[abi.ShapeForm] != abi.FormCells,
		uint64(g.attempts) != s[abi.ShapeAttempts], g.attempts != 0 && k != abi.KindJoinableQueue:
		return g, false
	}
	g.n = g.capacity + abi.Slack(k, g.capacity)
	g.stride = align(abi.CellHead+g.inline, abi.CellAlign)
	g.ctlAt = align(annex.Orders.Size(g.capacity), abi.RackAlign)
	g.bitsAt = g.ctlAt + 512
	g.cellsAt = align(g.bitsAt+(g.n+63)/64*8, abi.RackAlign)
	g.size = g.cellsAt + g.n*g.stride
	return g, g.size <= abi.MaxSize
}

func align(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }
