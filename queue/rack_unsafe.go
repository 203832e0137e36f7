package queue

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
)

// bulk is how many bytes make a copy worth the fault guard.
const bulk = 4096

// rack is the mapped cells of a queue, shared by a handle and its clones. Geometry is copied here when the queue is
// opened, and never read from shared memory again.
type rack struct {
	abi.CellMap
	seg   *segment.Segment
	ctl   *abi.Rack
	bits  unsafe.Pointer
	cells unsafe.Pointer
	bare  bool         // no operation needs the fault guard but those that wait
	swept atomic.Int64 // when the cells were last looked through, see now
	from  atomic.Uint64
}

func newRack(s *segment.Segment, g abi.CellMap) *rack {
	p := unsafe.Pointer(unsafe.SliceData(s.Payload()))
	return &rack{
		CellMap: g, seg: s, bare: s.Sealed() || !s.Guarded() && g.Inline < bulk,
		ctl: (*abi.Rack)(unsafe.Add(p, g.RackAt)), bits: unsafe.Add(p, g.BitsAt), cells: unsafe.Add(p, g.CellsAt),
	}
}

func (r *rack) cell(c uint64) *abi.Cell { return (*abi.Cell)(unsafe.Add(r.cells, c*r.Stride)) }

// inside is the first n bytes that lie in the cell itself, at most inline.
func (r *rack) inside(c, n uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(r.cells, c*r.Stride+abi.CellHead)), n)
}

func (r *rack) bit(c uint64) (word *uint64, mask uint64) {
	return (*uint64)(unsafe.Add(r.bits, c/64*8)), 1 << (c % 64)
}

func (r *rack) bitWord(i uint64) *uint64 { return (*uint64)(unsafe.Add(r.bits, i*8)) }

func (r *rack) noCell() *park.Event { return (*park.Event)(unsafe.Pointer(&r.ctl.NoCell)) }
func (r *rack) idle() *park.Event   { return (*park.Event)(unsafe.Pointer(&r.ctl.Idle)) }

// alive reports whether the process that a word names lives; nobody counts as dead.
func (r *rack) alive(t *park.Tick, w uint64) bool {
	id := uint32(w) >> abi.CellShift
	switch {
	case id == 0:
		return false
	case t != nil:
		return !t.Dead(r.cells, id)
	}
	return owner.Alive(r.cells, id)
}

// Race hints for what the word of a cell orders.
func acquire(word *uint64) {
	if race.Enabled {
		race.Acquire(unsafe.Pointer(word))
	}
}

func release(word *uint64) {
	if race.Enabled {
		race.Release(unsafe.Pointer(word))
	}
}

// setDead writes the name of the dead-letter queue to memory that nobody else sees yet.
func setDead(payload []byte, g abi.CellMap, name string) {
	copy((*abi.Rack)(unsafe.Pointer(&payload[g.RackAt])).Dead[:], name)
}

// deadName is the name of the dead-letter queue, or empty.
func (r *rack) deadName() (name string) {
	_ = r.protect(func() error {
		b := r.ctl.Dead
		n, _, _ := bytes.Cut(b[:], []byte{0})
		name = string(n)
		return nil
	})
	return name
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// spec describes the segment of a queue with cells.
func (p plan) spec(f look) (segment.Spec, error) {
	shape := [4]uint64{abi.ShapeCap: uint64(p.capacity), abi.ShapeAttempts: uint64(p.attempts), abi.ShapeForm: abi.FormCells, abi.ShapeInline: uint64(p.inline)}
	def := [4]uint64{abi.ShapeCap: 1024, abi.ShapeInline: f.inline}
	made := shape
	for i := range made {
		if made[i] == 0 {
			made[i] = def[i]
		}
	}
	g, ok := abi.NewCellMap(p.kind, made)
	if p.capacity < 0 || p.inline < 0 || p.attempts < 0 || !ok {
		return segment.Spec{}, fmt.Errorf("queue: a capacity of %d with %d bytes for each item: %w", p.capacity, p.inline, errInvalid)
	}
	return segment.Spec{
		Kind: p.kind, Type: f.typ, Codec: f.codec, Shape: shape, Default: def,
		ShapeNames: [4]string{"capacity", "attempts", "form", "inline"},
		Size: func(s [4]uint64) int64 {
			if g, ok := abi.NewCellMap(p.kind, s); ok && (f.typ.Size == 0 || s[abi.ShapeInline] == f.inline) {
				return int64(g.Size)
			}
			return -1
		},
		Tail: func(s [4]uint64) int64 {
			if f.typ.Size != 0 {
				return 0
			}
			g, _ := abi.NewCellMap(p.kind, s)
			return int64(g.N << abi.TailShift)
		},
		Init: func(payload []byte) error {
			annex.Orders.Init(payload, g.Capacity)
			setDead(payload, g, p.dead)
			return nil
		},
	}, nil
}
