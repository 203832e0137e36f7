package inspect

import (
	"fmt"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
)

// printBroadcast prints a ring that every subscriber reads whole.
func printBroadcast(w io.Writer, o Object) {
	r := overlay[abi.Broadcast](o.Payload)
	if r == nil {
		line(w, "control block", "too short")
		return
	}
	unit := "items"
	if o.Header.Shape[abi.ShapeForm] == abi.FormBytes {
		unit = "bytes of messages"
	}
	line(w, "capacity", fmt.Sprintf("%d %s", o.Header.Shape[abi.ShapeCap], unit))
	if o.Header.Shape[abi.ShapeMode] == abi.ModeOverrun {
		line(w, "slow subscribers", fmt.Sprintf("are overrun; missed %d", r.Missed))
	} else {
		line(w, "slow subscribers", "are waited for")
	}
	line(w, "still there", fmt.Sprintf("%d places", r.Tail-r.Oldest))
	line(w, "publisher", o.end(r.Producer))
	for i := range r.Places {
		p := &r.Places[i]
		if p.Word&abi.PlaceActive != 0 {
			line(w, fmt.Sprintf("subscriber %d", i), fmt.Sprintf("%s, %d %s behind", o.Users.holder(p.Word>>3), r.Tail-p.Pos, unit))
		}
	}
	if r.Shut != 0 {
		line(w, "shut down", "no more items will come")
	}
	line(w, "found it full, slept", fmt.Sprintf("%d, %d", r.PutWaits, r.PutParks))
	line(w, "found it empty, slept", fmt.Sprintf("%d, %d", r.GetWaits, r.GetParks))
	line(w, "taken over from the dead", uint64(r.Takeovers)+r.Buried)
}
