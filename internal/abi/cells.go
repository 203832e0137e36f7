package abi

// CellMap says where what lies in the payload of a queue with cells. All of it follows from the shape.
type CellMap struct {
	Capacity uint64
	Attempts uint32
	Inline   uint64
	N        uint64 // cells
	Stride   uint64 // bytes of a cell
	RackAt   uint64
	BitsAt   uint64
	CellsAt  uint64
	Size     uint64 // of the payload
}

const (
	maxCellCap    = 1 << 24
	maxCellInline = 1 << 30
)

// NewCellMap checks a shape that may come from a hostile header.
func NewCellMap(k Kind, s [4]uint64) (m CellMap, ok bool) {
	m = CellMap{Capacity: s[ShapeCap], Attempts: uint32(s[ShapeAttempts]), Inline: s[ShapeInline]}
	switch {
	case m.Capacity == 0 || m.Capacity > maxCellCap, m.Inline == 0 || m.Inline > maxCellInline, s[ShapeForm] != FormCells,
		uint64(m.Attempts) != s[ShapeAttempts], m.Attempts != 0 && k != KindJoinableQueue:
		return m, false
	}
	up := func(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }
	m.N = m.Capacity + Slack(k, m.Capacity)
	m.Stride = up(CellHead+m.Inline, CellAlign)
	m.RackAt = up(MPMCSize+m.Capacity*OrderSlot, RackAlign)
	m.BitsAt = m.RackAt + RackSize
	m.CellsAt = up(m.BitsAt+(m.N+63)/64*8, RackAlign)
	m.Size = m.CellsAt + m.N*m.Stride
	return m, m.Size <= MaxSize
}
