package pipe

import (
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

const deskSize = int64(unsafe.Sizeof(abi.Listener{}))

func newDesk(s *segment.Segment) *desk {
	return &desk{s, (*abi.Listener)(unsafe.Pointer(unsafe.SliceData(s.Payload())))}
}

// occupied makes this process the listener of a new desk: so there is no name at which nobody listens yet.
func occupied(payload []byte) error {
	(*abi.Listener)(unsafe.Pointer(unsafe.SliceData(payload))).Owner = owner.Word
	return nil
}

func (d *desk) asked() *park.Event {
	return (*park.Event)(unsafe.Add(unsafe.Pointer(d.ctl), unsafe.Offsetof(d.ctl.Asked)))
}

func (d *desk) answered() *park.Event {
	return (*park.Event)(unsafe.Add(unsafe.Pointer(d.ctl), unsafe.Offsetof(d.ctl.Answered)))
}

// dead reports whether the process id, found in a word of the desk, is. t may be nil: outside of a tick.
func (d *desk) dead(t *park.Tick, id uint32) bool {
	if t != nil {
		return t.Dead(unsafe.Pointer(d.ctl), id)
	}
	return id != 0 && !owner.Alive(unsafe.Pointer(d.ctl), id)
}

// requestOffset names a request in the process's own list of claims.
func requestOffset(i int) uintptr {
	return unsafe.Offsetof(abi.Listener{}.Requests) + uintptr(i)*unsafe.Sizeof(abi.Request{})
}
