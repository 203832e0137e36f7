package inspect

import (
	"fmt"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
)

// printListener prints who listens for pipes, and who asks for one.
func printListener(w io.Writer, o Object) {
	l := overlay[abi.Listener](o.Payload)
	if l == nil {
		line(w, "control block", "too short")
		return
	}
	line(w, "listener", o.Users.holder(l.Owner>>ownerShift))
	line(w, "asked for so far", l.Tickets)
	states := []string{"", "is about to ask", "waits to be accepted", "is being accepted", "was refused", "has given up"}
	for i := range l.Requests {
		r := l.Requests[i].Word
		if s := r & abi.RequestState; s != abi.RequestFree && s < uint64(len(states)) {
			line(w, fmt.Sprintf("place %d", i), o.Users.holder(uint32(r)>>ownerShift)+": "+states[s])
		}
	}
}
