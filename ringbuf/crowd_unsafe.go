package ringbuf

import (
	"cmp"
	"fmt"
	"io/fs"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
)

// crowd is one mapped ring of many, shared by a handle and its clones. Geometry is copied here when the ring is
// opened, and never read from shared memory again.
type crowd struct {
	track
	seg    *segment.Segment // nil: plain memory
	ctl    *abi.MPMC
	slots  unsafe.Pointer
	stride uint64
	seats  atomic.Int32 // handles that share it
	stock  *stock       // of a ring of messages
}

// cell is a slot. Its word is at a multiple of eight on every machine.
type cell[T any] struct {
	_    [0]atomic.Uint64
	word uint64
	v    T
}

const crowdCtl = unsafe.Sizeof(abi.MPMC{})

// word is the word of x's slot.
func (r *crowd) word(x uint64) *uint64 {
	return (*uint64)(unsafe.Add(r.slots, uintptr(x&r.mask)*uintptr(r.stride)))
}

func (r *crowd) notEmpty() *park.Event { return (*park.Event)(r.at(unsafe.Offsetof(r.ctl.NotEmpty))) }
func (r *crowd) notFull() *park.Event  { return (*park.Event)(r.at(unsafe.Offsetof(r.ctl.NotFull))) }

// at is ring.at.
func (r *crowd) at(off uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(r.ctl), off) }

// waitingGet and waitingPut tell whether somebody sleeps for want of items, and of room.
func (r *crowd) waitingGet() *uint32 {
	return (*uint32)(r.at(unsafe.Offsetof(r.ctl.NotEmpty) + unsafe.Offsetof(r.ctl.NotEmpty.Waiting)))
}
func (r *crowd) waitingPut() *uint32 {
	return (*uint32)(r.at(unsafe.Offsetof(r.ctl.NotFull) + unsafe.Offsetof(r.ctl.NotFull.Waiting)))
}
func (r *crowd) shutWord() *uint32 { return (*uint32)(r.at(unsafe.Offsetof(r.ctl.Shut))) }

func (r *crowd) shut() bool { return atomic.LoadUint32(r.shutWord()) != 0 }

func (r *crowd) label() string {
	if r.seg != nil && r.seg.Name() != "" {
		return fmt.Sprintf("%q", r.seg.Name())
	}
	return "an unnamed ring"
}

// corrupt says that a slot's word is none that a ring can have there, or that words never stand still.
func (r *crowd) corrupt(x, w uint64) error {
	return fmt.Errorf("ringbuf: %s: slot %d is %#x, which cannot be at position %#x: %w; unlink it and create it anew",
		r.label(), x&r.mask, w, x, abi.ErrCorrupt)
}

// protect is ring.protect.
func (r *crowd) protect(f func() error) (err error) {
	if r.seg == nil {
		return f()
	}
	if gone := r.seg.Protect(func() { err = f() }); gone != nil {
		return gone
	}
	return err
}

// cells is the ring's memory as slots of T. The segment was opened as one of T, so it is large enough.
func cells[T any](r *crowd) []cell[T] { return unsafe.Slice((*cell[T])(r.slots), r.cap) }

// crowdSpec describes a ring of many of T with the given capacity; zero means 1024.
func crowdSpec[T any](capacity, limit int) (segment.Spec, error) {
	if isBytes[T]() {
		return mailSpec(capacity, limit)
	}
	if limit != 0 {
		return segment.Spec{}, fmt.Errorf("ringbuf: MaxMessage is for rings of []byte: %w", fs.ErrInvalid)
	}
	t, err := abi.Copyable(reflect.TypeFor[T]())
	if err != nil {
		return segment.Spec{}, err
	}
	stride := uint64(unsafe.Sizeof(cell[T]{}))
	most := min(maxCap/stride, abi.MaxSlots)
	if capacity < 0 || uint64(capacity) > most {
		return segment.Spec{}, fmt.Errorf("ringbuf: a capacity of %d is not between 0 and %d", capacity, most)
	}
	made := cmp.Or(uint64(capacity), 1024)
	return segment.Spec{
		Kind:       abi.KindMPMC,
		Type:       t,
		Shape:      crowdShape(uint64(capacity), stride),
		Default:    crowdShape(made, stride),
		ShapeNames: [4]string{"capacity", "slot size", "form"},
		Size:       func(s [4]uint64) int64 { return crowdSize(s, stride, most) },
		Init:       func(payload []byte) error { newCrowd(payload, made, stride).initialise(firstLap); return nil },
	}, nil
}

func crowdShape(capacity, stride uint64) [4]uint64 {
	return [4]uint64{abi.ShapeCap: capacity, abi.ShapeStride: stride, abi.ShapeForm: abi.FormItems}
}

// crowdSize checks a shape that may come from a hostile header.
func crowdSize(s [4]uint64, stride, most uint64) int64 {
	capacity := s[abi.ShapeCap]
	if capacity == 0 || capacity > most || s != crowdShape(capacity, stride) {
		return -1
	}
	return int64(crowdCtl) + int64(capacity*stride)
}

// newCrowd is the private view of a ring's memory.
func newCrowd(payload []byte, capacity, stride uint64) *crowd {
	p := unsafe.Pointer(unsafe.SliceData(payload))
	return &crowd{track: newTrack(capacity), ctl: (*abi.MPMC)(p), slots: unsafe.Add(p, crowdCtl), stride: stride}
}

func openCrowd(s *segment.Segment) *crowd {
	fence.Register()
	sh := s.Shape()
	if sh[abi.ShapeForm] == abi.FormBytes {
		return openMail(s)
	}
	r := newCrowd(s.Payload(), sh[abi.ShapeCap], sh[abi.ShapeStride])
	r.seg = s
	return r
}

// firstLap is the lap that a ring begins with: two before the wrap-around, so that every ring passes it early.
const firstLap = ^uint64(1)

// initialise makes an empty ring that begins with that lap, modulo the number of laps.
func (r *crowd) initialise(lap uint64) {
	start := lap << r.shift
	r.ctl.Start, r.ctl.Released = start, start
	for i := range r.cap {
		*r.word(i) = r.free(start)
	}
}

// Race hints, as raceRelease and raceAcquire, for the word of a slot.

func cellRelease(word *uint64) { race.Release(unsafe.Pointer(word)) }
func cellAcquire(word *uint64) { race.Acquire(unsafe.Pointer(word)) }

// dead reports whether the process that a word names is dead; nobody counts as dead. It is asked each time, half a
// microsecond: who looks through the ring after a death is to find all that is there. A carrier's tick remembers.
func (r *crowd) dead(tick *park.Tick, w uint64) bool {
	id := holderOf(w)
	switch {
	case id == 0:
		return true
	case tick != nil:
		return tick.Dead(r.slots, id)
	}
	return !owner.Alive(r.slots, id)
}
