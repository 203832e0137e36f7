package ringbuf

import (
	"cmp"
	"fmt"
	"reflect"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// cast is what a broadcast has besides a ring: its control block goes on behind the ring's.
type cast struct {
	*ring
	all     *abi.Broadcast
	overrun bool   // slow subscribers miss items, else they are waited for
	window  uint64 // how many places the publisher asks for at a time, at least
}

const castCtl = unsafe.Sizeof(abi.Broadcast{})

// castSpec describes a broadcast of T; mode 0 at Open means: whatever is there.
func castSpec[T any](capacity int, overrun bool) (segment.Spec, error) {
	form, elem, t := uint64(abi.FormItems), uint64(0), abi.Type{}
	if isBytes[T]() {
		form, elem = abi.FormBytes, 1
	} else {
		var err error
		if t, err = abi.Copyable(reflect.TypeFor[T]()); err != nil {
			return segment.Spec{}, err
		}
		elem = t.Size
	}
	if capacity < 0 || uint64(capacity) > maxCap/elem {
		return segment.Spec{}, fmt.Errorf("ringbuf: a capacity of %d is not between 0 and %d", capacity, maxCap/elem)
	}
	made := cmp.Or(uint64(capacity), defaultCap(form))
	return segment.Spec{
		Kind:       abi.KindBroadcast,
		Type:       t,
		Shape:      castShape(uint64(capacity), form, overrun, 0),
		Default:    castShape(made, form, overrun, abi.ModeWait),
		ShapeNames: [4]string{"capacity", "slots", "form", "mode (1: waits for slow subscribers, 2: overruns them)"},
		Size:       func(s [4]uint64) int64 { return castSize(s, form, elem) },
		Init:       initCast,
	}, nil
}

func castShape(capacity, form uint64, overrun bool, mode uint64) [4]uint64 {
	s := shape(capacity, form)
	if s[abi.ShapeMode] = mode; overrun {
		s[abi.ShapeMode] = abi.ModeOverrun
	}
	return s
}

// castSize checks a shape that may come from a hostile header.
func castSize(s [4]uint64, form, elem uint64) int64 {
	if mode := s[abi.ShapeMode]; mode != abi.ModeWait && mode != abi.ModeOverrun {
		return -1
	}
	s[abi.ShapeMode] = 0
	n := size(s, form, elem)
	if n < 0 {
		return n
	}
	return n - int64(ctlSize) + int64(castCtl)
}

func initCast(payload []byte) error {
	c := (*abi.Broadcast)(unsafe.Pointer(unsafe.SliceData(payload)))
	c.Tail, c.Head, c.Limit, c.Oldest = start, start, start, start
	c.Last[0].At, c.First[0].At = start, start
	return nil
}

// newCast is the private view of an opened segment.
func newCast(s *segment.Segment) *ring {
	fence.Register()
	p, sh := s.Payload(), s.Shape()
	r := &ring{
		seg: s, ctl: control(p), buf: p[castCtl:],
		cap: sh[abi.ShapeCap], slots: sh[abi.ShapeSlots], bytes: sh[abi.ShapeForm] == abi.FormBytes,
	}
	r.elem, r.room = uint64(len(r.buf))/r.slots, room(sh)
	c := &cast{ring: r, all: (*abi.Broadcast)(unsafe.Pointer(r.ctl)), overrun: sh[abi.ShapeMode] == abi.ModeOverrun}
	c.window = max(1, min(turn, r.cap/8))
	if r.bytes {
		c.window = max(r.slots/16, abi.RecordAlign)
	}
	r.cast = c
	return r
}

// place is the claim on a subscriber's place. To compute it touches nothing; see ring.at.
func (c *cast) place(i uint64) end {
	off := unsafe.Offsetof(c.all.Places) + uintptr(i)*unsafe.Sizeof(abi.Place{})
	return c.end(off, fmt.Sprint("subscriber's place ", i))
}

// used is how many places may be claimed.
func (c *cast) used() uint64 { return min(atomic.LoadUint64(&c.all.Used), abi.Places) }

// deadPlace reports whether the process whose place it is has died. A tick remembers what it has asked; nil asks.
func deadPlace(p *abi.Place, word uint32, t *park.Tick) bool {
	id := word >> ownerShift
	if t != nil {
		return t.Dead(unsafe.Pointer(&p.Word), id)
	}
	return id != owner.ID() && !owner.Alive(unsafe.Pointer(&p.Word), id)
}

// loadsInOrder: a load is not passed by a later one, nor a store by a later one, whatever the instructions.
const loadsInOrder = runtime.GOARCH == "amd64"

// count is how many messages were published before what word says, and that. The marks are written before the word, in
// turn, so one of them fits; when it does not the word has moved on meanwhile.
func (c *cast) count(what string, word *uint64, marks *[2]abi.Mark) (at, n uint64, err error) {
	for range tries {
		at = atomic.LoadUint64(word)
		if !c.bytes {
			return at, at - start, nil
		}
		for i := range marks {
			if atomic.LoadUint64(&marks[i].At) != at {
				continue
			}
			n = atomic.LoadUint64(&marks[i].Count)
			if atomic.LoadUint64(word) == at {
				return at, n, nil
			}
		}
	}
	return 0, 0, c.misplaced(what, at)
}

func (c *cast) countLast() (at, n uint64, err error) {
	return c.count("its tail", &c.ctl.Tail, &c.all.Last)
}

func (c *cast) countOldest() (at, n uint64, err error) {
	return c.count("its oldest position", &c.all.Oldest, &c.all.First)
}

// beginning is where a subscriber from Oldest begins: of items, there may be more than the capacity.
func (c *cast) beginning() (at, n uint64, err error) {
	tail := atomic.LoadUint64(&c.ctl.Tail)
	if at, n, err = c.countOldest(); err == nil && !c.bytes && before(at, tail-c.cap) {
		at, n = tail-c.cap, tail-c.cap-start
	}
	return at, n, err
}
