package ringbuf

import (
	"cmp"
	"fmt"
	"io/fs"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/prefetch"
	"github.com/shmkit/shmkit/internal/segment"
)

// stock is the blocks of a mapped ring of messages.
type stock struct {
	plan
	words  unsafe.Pointer
	memory unsafe.Pointer
}

// word is the word of block b.
func (k *stock) word(b uint64) *uint64 { return (*uint64)(unsafe.Add(k.words, uintptr(b)*8)) }

// bytes is the first n bytes of block b, which has as many.
func (k *stock) bytes(b uint64, c *class, n uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(k.memory, uintptr(c.at+(b-c.first)*c.size))), n)
}

// fetch asks for the lines at both ends of a message that is written in place.
func (k *stock) fetch(b []byte) {
	prefetch.Write((*uint64)(unsafe.Pointer(&b[0])), 1)
	prefetch.Write((*uint64)(unsafe.Pointer(&b[len(b)-1])), 1)
}

// noBlock is the event word on which producers sleep for want of a block of class i or larger.
func (r *crowd) noBlock(i int) *park.Event {
	return (*park.Event)(r.at(unsafe.Offsetof(r.ctl.NoBlock) + uintptr(i)*unsafe.Sizeof(abi.Event{})))
}

// newMailCrowd is the private view of the memory of a ring of messages.
func newMailCrowd(payload []byte, p plan) *crowd {
	r := newCrowd(payload, p.slots, abi.MessageSlot)
	at := unsafe.Pointer(unsafe.SliceData(payload))
	r.stock = &stock{plan: p, words: unsafe.Add(at, p.wordsAt())}
	if p.blocks != 0 {
		r.stock.memory = unsafe.Add(at, p.blocksAt())
	}
	return r
}

// openMail is openCrowd of a ring of messages, whose shape was checked by mailSize.
func openMail(s *segment.Segment) *crowd {
	fence.Register()
	sh := s.Shape()
	p, _ := newPlan(sh[abi.ShapeCap], sh[abi.ShapeLimit])
	r := newMailCrowd(s.Payload(), p)
	r.seg = s
	return r
}

// mailSpec describes a ring of messages. Zero stays zero: at Open it means whatever is there.
func mailSpec(capacity, limit int) (segment.Spec, error) {
	if capacity < 0 || limit < 0 {
		return segment.Spec{}, fmt.Errorf("ringbuf: a capacity of %d bytes, messages of at most %d: %w", capacity, limit, fs.ErrInvalid)
	}
	made := cmp.Or(uint64(capacity), max(mailCap, 8*uint64(limit)))
	longest := cmp.Or(uint64(limit), defaultLimit(made))
	p, err := newPlan(made, longest)
	if err != nil {
		return segment.Spec{}, err
	}
	return segment.Spec{
		Kind:       abi.KindMPMC,
		Shape:      mailShape(uint64(capacity), uint64(limit)),
		Default:    mailShape(made, longest),
		ShapeNames: [4]string{"capacity", "slot size", "form", "longest message"},
		Size:       mailSize,
		Init:       func(payload []byte) error { newMailCrowd(payload, p).initialise(firstLap); return nil },
	}, nil
}

func mailShape(capacity, limit uint64) [4]uint64 {
	return [4]uint64{abi.ShapeCap: capacity, abi.ShapeStride: abi.MessageSlot, abi.ShapeForm: abi.FormBytes, abi.ShapeLimit: limit}
}

// mailSize checks a shape that may come from a hostile header.
func mailSize(s [4]uint64) int64 {
	p, err := newPlan(s[abi.ShapeCap], s[abi.ShapeLimit])
	if err != nil || s != mailShape(p.capacity, p.limit) {
		return -1
	}
	return int64(p.size())
}
