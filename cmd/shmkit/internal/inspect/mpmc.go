package inspect

import (
	"fmt"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
)

// printMPMC prints a ring of many. It sees the first slots only, of a large one.
func printMPMC(w io.Writer, o Object) {
	r := overlay[abi.MPMC](o.Payload)
	if r == nil {
		line(w, "control block", "too short")
		return
	}
	stride, slots := o.Header.Shape[abi.ShapeStride], o.Header.Shape[abi.ShapeCap]
	if o.Header.Shape[abi.ShapeForm] == abi.FormBytes {
		capacity, longest := slots, o.Header.Shape[abi.ShapeLimit]
		slots = abi.MessageSlots(capacity, longest)
		line(w, "capacity", fmt.Sprintf("%d bytes of messages, of at most %d", capacity, longest))
		line(w, "slots", slots)
	} else {
		line(w, "capacity", fmt.Sprintf("%d items", slots))
	}
	var states [abi.SlotState + 1]int
	seen := uint64(0)
	for rest := o.Payload[abi.MPMCSize:]; seen < slots && stride >= abi.SlotWord && uint64(len(rest)) >= stride; rest = rest[stride:] {
		word := *overlay[uint64](rest)
		states[word&abi.SlotState]++
		seen++
		switch word & abi.SlotState {
		case abi.SlotWriting:
			line(w, "being put, or reserved", o.Users.holder(uint32(word)>>abi.SlotShift))
		case abi.SlotReading:
			line(w, "read in place", o.Users.holder(uint32(word)>>abi.SlotShift))
		}
	}
	what := "in the ring"
	if seen < slots {
		what = fmt.Sprintf("in the first %d slots", seen)
	}
	line(w, what, states[abi.SlotReady])
	if r.Shut != 0 {
		line(w, "shut down", "no more items will come")
	}
	line(w, "found it full, slept", fmt.Sprintf("%d, %d", r.Puts.Waits, r.Puts.Parks))
	line(w, "found it empty, slept", fmt.Sprintf("%d, %d", r.Gets.Waits, r.Gets.Parks))
	line(w, "skipped, delivered once more", fmt.Sprintf("%d, %d", r.Puts.Healed, r.Gets.Healed))
}
