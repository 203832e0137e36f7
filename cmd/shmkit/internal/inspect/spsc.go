package inspect

import (
	"fmt"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
)

// printSPSC prints a ring of one producer and one consumer. The control block
// is a stranger's: numbers that cannot be are shown as they are.
func printSPSC(w io.Writer, o Object) {
	r := overlay[abi.SPSC](o.Payload)
	if r == nil {
		line(w, "control block", "too short")
		return
	}
	unit := "items"
	if o.Header.Shape[abi.ShapeForm] == abi.FormBytes {
		unit = "bytes of messages"
	}
	line(w, "capacity", fmt.Sprintf("%d %s", o.Header.Shape[abi.ShapeCap], unit))
	if unit == "items" {
		line(w, "in the ring", r.Tail-r.Head)
	} else {
		line(w, "in the ring", r.Puts-r.Gets)
		line(w, "put, got", fmt.Sprintf("%d, %d", r.Puts, r.Gets))
	}
	line(w, "producer", o.end(r.Producer))
	line(w, "consumer", o.end(r.Consumer))
	if r.Shut != 0 {
		line(w, "shut down", "no more items will come")
	}
	line(w, "found it full, slept", fmt.Sprintf("%d, %d", r.PutWaits, r.PutParks))
	line(w, "found it empty, slept", fmt.Sprintf("%d, %d", r.GetWaits, r.GetParks))
	line(w, "taken over from the dead", r.Takeovers)
}

// end says who has an end of a ring.
func (o Object) end(word uint32) string {
	if id := word >> 3; id == 0 && word&abi.EndClosed != 0 {
		return "closed by its last holder"
	}
	return o.Users.holder(word >> 3)
}
