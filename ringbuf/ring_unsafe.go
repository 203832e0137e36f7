package ringbuf

import (
	"cmp"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// ring is one mapped ring, shared by the handle and its ends. Geometry is copied here when the ring is
// opened, and never read from shared memory again.
type ring struct {
	seg   *segment.Segment
	ctl   *abi.SPSC
	buf   []byte // the slots' memory
	cap   uint64 // as asked for: items, or bytes of messages
	slots uint64 // places, a power of two: a position modulo it is a place
	elem  uint64 // bytes of a place
	room  uint64 // how many places may be in use at once
	bytes bool   // messages, not items
	cast  *cast  // of a broadcast: what it has besides
}

const ctlSize = unsafe.Sizeof(abi.SPSC{})

func (r *ring) label() string {
	if n := r.seg.Name(); n != "" {
		return fmt.Sprintf("%q", n)
	}
	return "an unnamed ring"
}

// notEmpty and notFull are the event words.
func (r *ring) notEmpty() *park.Event { return (*park.Event)(r.at(unsafe.Offsetof(r.ctl.NotEmpty))) }
func (r *ring) notFull() *park.Event  { return (*park.Event)(r.at(unsafe.Offsetof(r.ctl.NotFull))) }

// at is an address in the control block. To compute it touches nothing; &r.ctl.Field would, since the
// compiler makes sure that ctl is not nil by a load, and outside of protect the memory may be gone.
func (r *ring) at(off uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(r.ctl), off) }

// maxCap bounds the capacity, so that sizes computed from it do not overflow.
const maxCap = 1 << 38

// spec describes a ring of T with the given capacity; zero means 1024 items, or 64 KiB of messages.
func spec[T any](capacity int) (segment.Spec, error) {
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
		Kind:       abi.KindSPSC,
		Type:       t,
		Shape:      shape(uint64(capacity), form),
		Default:    shape(made, form),
		ShapeNames: [4]string{"capacity", "slots", "form"},
		Size:       func(s [4]uint64) int64 { return size(s, form, elem) },
		Init:       func(payload []byte) error { return initialise(payload, room(shape(made, form))) },
	}, nil
}

func defaultCap(form uint64) uint64 {
	if form == abi.FormBytes {
		return 64 << 10
	}
	return 1024
}

func isBytes[T any]() bool {
	_, ok := any((*T)(nil)).(*[]byte)
	return ok
}

// shape fills in what follows from the capacity. Zero stays zero: at Open it means whatever is there.
func shape(capacity, form uint64) [4]uint64 {
	s := [4]uint64{abi.ShapeCap: capacity, abi.ShapeForm: form}
	if capacity != 0 {
		s[abi.ShapeSlots] = slotsFor(capacity, form)
	}
	return s
}

// slotsFor rounds up to a power of two. Messages get twice the room, because a record is never broken by
// the end of the ring: the largest one fits wherever the positions stand.
func slotsFor(capacity, form uint64) uint64 {
	n := uint64(1)
	for n < capacity {
		n *= 2
	}
	if form == abi.FormBytes {
		n = max(2*n, 64)
	}
	return n
}

// size checks a shape that may come from a hostile header.
func size(s [4]uint64, form, elem uint64) int64 {
	capacity := s[abi.ShapeCap]
	if s[abi.ShapeForm] != form || capacity == 0 || capacity > maxCap/elem || s[abi.ShapeSlots] != slotsFor(capacity, form) || s[3] != 0 {
		return -1
	}
	return int64(ctlSize) + int64(s[abi.ShapeSlots]*elem)
}

// room is how many places may be in use: all the bytes of a ring of messages, and of items what was asked for.
func room(shape [4]uint64) uint64 {
	if shape[abi.ShapeForm] == abi.FormBytes {
		return shape[abi.ShapeSlots]
	}
	return shape[abi.ShapeCap]
}

// start is the first position: just below the wrap-around, so that every ring passes it early.
const start = uint64(1<<64 - 1<<12)

func initialise(payload []byte, room uint64) error {
	c := control(payload)
	c.Tail, c.Head, c.Limit = start, start, start+room
	return nil
}

func control(payload []byte) *abi.SPSC {
	return (*abi.SPSC)(unsafe.Pointer(unsafe.SliceData(payload)))
}

// newRing is the private view of an opened segment.
func newRing(s *segment.Segment) *ring {
	fence.Register()
	p, sh := s.Payload(), s.Shape()
	r := &ring{
		seg: s, ctl: control(p), buf: p[ctlSize:],
		cap: sh[abi.ShapeCap], slots: sh[abi.ShapeSlots], bytes: sh[abi.ShapeForm] == abi.FormBytes,
	}
	r.elem, r.room = uint64(len(r.buf))/r.slots, room(sh)
	return r
}

// items is the ring's memory as slots of T. The segment was opened as one of T, so it is large enough.
func items[T any](r *ring) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(r.buf))), r.slots)
}

// asBytes is v, whose type is []byte.
func asBytes[T any](v *T) *[]byte { return (*[]byte)(unsafe.Pointer(v)) }

// asMessages is ms as a slice of T, which is []byte.
func asMessages[T any](ms [][]byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}

// word is an aligned word of the ring's memory: a record's header.
func (r *ring) word(at uint64) *uint64 { return (*uint64)(unsafe.Pointer(&r.buf[at])) }
