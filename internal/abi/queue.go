package abi

// A queue of plain data is a ring of many by another kind. Every other queue has its items in cells; its payload is
//
//	0   | MPMC, slots of 16 bytes      |  the order: a ring of many of uint64, each cell | generation<<32
//	128o| Rack                         |  at the next multiple of 128
//	    | bits                         |  one for each cell, in words of 64: it may be Returned
//	128c| cells …                      |  at the next multiple of 128
//
// and behind the payload, not mapped, from TailBase on, TailStride bytes of the file for each cell: see Cell.Len.

// Rack is the control block of the cells.
type Rack struct {
	Returns uint64 // how often a cell was returned; moves behind the bit
	NoCell  Event  // who puts sleeps on it for want of a free cell
	Idle    Event  // who joins sleeps on it
	Watch   uint64 // the cell that somebody who joins has seen unfinished
	_       [96]byte

	Redelivered uint64 // items that a dead process had in hand, returned
	Failed      uint64 // tasks that were failed
	Buried      uint64 // tasks that went to the dead-letter queue
	Garbled     uint64 // messages that could not be decoded, and were dropped

	Warm [WarmCells]uint64 // cells whose part of the tail may keep up to WarmSize bytes of memory while nothing is in it, plus one; 0: none yet
	_    [32]byte

	Dead [256]byte // name of the dead-letter queue, padded with zero bytes
}

// Cell is the head of a cell; the message follows it. Cells begin at multiples of CellAlign.
type Cell struct {
	Word     uint64 // see below
	Pos      uint64 // the position in the order that its entry was put at
	Len      uint64 // of the message, in bytes: one longer than the cell has room for lies in the cell's part of the tail
	Attempts uint32 // how often it was handed out as a task
	_        uint32
}

// A cell's word says what has become of it, and whose it is:
//
//	63                             32 31             3 2     0
//	+--------------------------------+-----------------+-------+
//	|          generation            |      owner      | state |    owner: 0 unless Writing or Leased
//	+--------------------------------+-----------------+-------+
//
//	Free(g)       → Writing(me,g)    claim          a put
//	Writing(o,g)  → Ready(g)                        by o; or, if o is dead or gives up: Free(g+1)
//	Ready(g)      → Leased(me,g)     take           by who has its entry; or, if that has been passed: Returned(g+1)
//	Leased(o,g)   → Free(g+1)        done           by o; with something in the tail first Writing(o,g+1)
//	Leased(o,g)   → Returned(g+1)    fail           by o, or if o is dead
//	Returned(g)   → Leased(me,g)     take
const (
	CellFree = iota
	CellWriting
	CellReady
	CellLeased
	CellReturned

	CellState    = 7  // selects the state
	CellShift    = 3  // of the owner
	CellGenShift = 32 // of the generation
	CellHead     = 32 // bytes of Cell
	CellAlign    = 64
	RackAlign    = 128
	RackSize     = 512
	OrderSlot    = 16 // bytes of a slot of the order: its word and an entry
)

// The tail.
const (
	TailBase   = 1 << 41 // behind the liveness bytes
	TailShift  = 36
	TailStride = 1 << TailShift // 64 GiB: the longest message
	MaxCells   = 1 << 26

	WarmCells = 8
	WarmSize  = 2 << 20
)

// The shape of a queue with cells; its ShapeCap and ShapeForm are as in a ring.
const (
	ShapeAttempts = 1 // of a joinable queue: how often a task is handed out at most; 0: without end
	ShapeInline   = 3 // bytes of a message that lie in the cell itself

	FormCells = 3
)

// Slack is how many cells a queue has beside its capacity: for what is being put or taken, and for tasks that are handed out.
func Slack(k Kind, capacity uint64) uint64 {
	const least = 64
	if k == KindJoinableQueue {
		return max(capacity, least)
	}
	return least
}
