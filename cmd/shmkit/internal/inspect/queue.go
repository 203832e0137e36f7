package inspect

import (
	"bytes"
	"fmt"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// rack is a queue that has its items in cells.
type rack struct{ abi.CellMap }

// rackOf believes nothing of a header that contradicts itself.
func rackOf(h abi.Header) (r rack, ok bool) {
	r.CellMap, ok = abi.NewCellMap(h.Kind, h.Shape)
	return r, ok && r.Size == h.Size
}

// stock is what is in the cells.
type stock struct {
	ready, returned uint64
	writing, leased []claim
}

// depth is how many items wait to be taken.
func (s stock) depth() uint64 { return s.ready + s.returned }

// census looks at every cell, in place.
func (r rack) census(o Object) (s stock, err error) {
	err = o.inPlace(func(p []byte) {
		for c := range r.N {
			at := r.CellsAt + c*r.Stride
			if at+8 > uint64(len(p)) {
				return
			}
			switch w := loadWord(p, at); w & abi.CellState {
			case abi.CellReady:
				s.ready++
			case abi.CellReturned:
				s.returned++
			case abi.CellWriting:
				s.writing = append(s.writing, claim{id: uint32(w) >> abi.CellShift})
			case abi.CellLeased:
				s.leased = append(s.leased, claim{id: uint32(w) >> abi.CellShift})
			}
		}
	})
	return s, err
}

// printQueue prints a queue. One of plain data is a ring of many.
func printQueue(w io.Writer, o Object) {
	if o.Header.Shape[abi.ShapeForm] != abi.FormCells {
		printMPMC(w, o)
		return
	}
	r, ok := rackOf(o.Header)
	order := overlay[abi.MPMC](o.Payload)
	ctl := overlay[abi.Rack](o.bytes(r.RackAt, abi.RackSize))
	if !ok || order == nil || ctl == nil {
		line(w, "control block", "corrupt: its capacity contradicts its size")
		return
	}
	s, err := r.census(o)
	if err != nil {
		line(w, "in the queue", err)
		return
	}
	line(w, "capacity", fmt.Sprintf("%s, of which %d bytes each lie in the queue's own memory", count(int(r.Capacity), "item", "items"), r.Inline))
	line(w, "in the queue", fmt.Sprintf("%d, of which %d had been taken before", s.depth(), s.returned))
	who := primitive{who: o.Users}
	for _, l := range who.each(s.writing, once, "item", "items") {
		line(w, "being put", l)
	}
	if o.Header.Kind == abi.KindJoinableQueue {
		line(w, "unfinished", s.depth()+uint64(len(s.leased)))
		for _, l := range who.each(s.leased, once, "task", "tasks") {
			line(w, "leased", l)
		}
		line(w, "failed", ctl.Failed)
		printDead(w, r, ctl)
	} else {
		for _, l := range who.each(s.leased, once, "item", "items") {
			line(w, "being got", l)
		}
	}
	if order.Shut != 0 {
		line(w, "shut down", "no more items will come")
	}
	line(w, "found it full, slept", fmt.Sprintf("%d, %d", order.Puts.Waits, order.Puts.Parks))
	line(w, "found it empty, slept", fmt.Sprintf("%d, %d", order.Gets.Waits, order.Gets.Parks))
	line(w, "delivered once more", ctl.Redelivered)
	line(w, "could not be read", ctl.Garbled)
}

// printDead prints what becomes of tasks that are given up.
func printDead(w io.Writer, r rack, ctl *abi.Rack) {
	if r.Attempts == 0 {
		line(w, "given up", "none: there is no limit of attempts")
		return
	}
	raw, _, _ := bytes.Cut(ctl.Dead[:], []byte{0})
	name := string(raw)
	text := fmt.Sprintf("%d, after %s, to %q", ctl.Buried, count(int(r.Attempts), "attempt", "attempts"), name)
	if n, err := depthOf(name); err != nil {
		text += fmt.Sprintf(": %v", err)
	} else {
		text += fmt.Sprintf(", where %d are", n)
	}
	line(w, "dead letters", text)
}

// depthOf is how many items are in the queue of that name.
func depthOf(name string) (uint64, error) {
	v, err := segment.Inspect(name, segment.Mem{})
	if err != nil {
		return 0, err
	}
	defer v.Close()
	o := Object{Header: v.Header(), inPlace: v.Read}
	if r, ok := rackOf(o.Header); ok && o.Header.Shape[abi.ShapeForm] == abi.FormCells {
		s, err := r.census(o)
		return s.depth(), err
	}
	return ready(o)
}

// ready is how many items are in a ring of many.
func ready(o Object) (n uint64, err error) {
	h := o.Header
	if h.Kind != abi.KindQueue || h.Shape[abi.ShapeStride] < abi.SlotWord || h.Shape[abi.ShapeStride]%abi.SlotWord != 0 {
		return 0, fmt.Errorf("it is a %v", h.Kind)
	}
	err = o.inPlace(func(p []byte) {
		for i := range h.Shape[abi.ShapeCap] {
			at := abi.MPMCSize + i*h.Shape[abi.ShapeStride]
			if at+abi.SlotWord > uint64(len(p)) || at < abi.MPMCSize {
				return
			}
			if loadWord(p, at)&abi.SlotState == abi.SlotReady {
				n++
			}
		}
	})
	return n, err
}
