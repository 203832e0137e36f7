package pipe

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
)

const ctlSize = uint64(unsafe.Sizeof(abi.Pipe{}))

// pair is a mapped pipe, as one handle sees it. The memory is a sealed memfd's, so it cannot go away. Geometry is copied
// here when it is opened, and never read from shared memory again.
type pair struct {
	seg   *segment.Segment
	ctl   *abi.Pipe
	lanes [2]lane
}

// lane is one direction, as both sides see it.
type lane struct {
	ctl  *abi.SPSC
	buf  []byte // nil: a one-way pipe does not go there
	size uint64
	mask uint64
}

// start is the first position of every ring: just below the wrap-around, so that each passes it early.
const start = uint64(1<<64 - 1<<10)

func initialise(payload []byte, room uint64) error {
	c := (*abi.Pipe)(unsafe.Pointer(unsafe.SliceData(payload)))
	for i := range c.Rings {
		c.Rings[i].Tail, c.Rings[i].Head, c.Rings[i].Limit = start, start, start+room
	}
	return nil
}

func newPair(s *segment.Segment) *pair {
	fence.Register()
	mem, shape := s.Payload(), s.Shape()
	p := &pair{seg: s, ctl: (*abi.Pipe)(unsafe.Pointer(unsafe.SliceData(mem)))}
	room := shape[abi.ShapeSlots]
	mem = mem[ctlSize:]
	for i := range p.lanes {
		l := lane{ctl: &p.ctl.Rings[i], size: room, mask: room - 1}
		if i == 1 || shape[abi.ShapeForm] == abi.FormTwoWay {
			l.buf, mem = mem[:room:room], mem[room:]
		}
		p.lanes[i] = l
	}
	return p
}

func (l *lane) notEmpty() *park.Event { return (*park.Event)(unsafe.Pointer(&l.ctl.NotEmpty)) }
func (l *lane) notFull() *park.Event  { return (*park.Event)(unsafe.Pointer(&l.ctl.NotFull)) }

// word is the word of a frame.
func (l *lane) word(pos uint64) *uint64 {
	return (*uint64)(unsafe.Pointer(&l.buf[pos&l.mask&^(abi.FrameWord-1)]))
}

// put copies p to the place of pos, around the end of the ring if need be.
func (l *lane) put(pos uint64, p []byte) {
	at := pos & l.mask
	n := copy(l.buf[at:], p)
	copy(l.buf, p[n:])
}

// get copies what is at pos to p. A peer may be writing there: it spoils its own message.
func (l *lane) get(p []byte, pos uint64) {
	at := pos & l.mask
	n := copy(p, l.buf[at:])
	copy(p[n:], l.buf)
}

func (l *lane) isShut() bool { return atomic.LoadUint32(&l.ctl.Shut) != 0 }

// The race detector does not see what the words order; see package race.

func raceRelease(position *uint64) {
	if race.Enabled {
		race.Release(unsafe.Pointer(position))
	}
}

func raceAcquire(position *uint64) {
	if race.Enabled {
		race.Acquire(unsafe.Pointer(position))
	}
}

// dead reports whether the process id, found in a word of the pipe, is. t may be nil: outside of a tick.
func (p *pair) dead(t *park.Tick, id uint32) bool {
	at := unsafe.Pointer(p.ctl)
	if t != nil {
		return t.Dead(at, id)
	}
	return !owner.Alive(at, id)
}

// endOffset names an end in the process's own list of claims.
func endOffset(n int) uintptr { return uintptr(n) * unsafe.Sizeof(abi.PipeEnd{}) }
