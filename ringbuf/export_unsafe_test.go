package ringbuf

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
)

// PayloadMPMC is Payload of a ring of many.
func PayloadMPMC[T any](m *MPMC[T]) []byte { return m.at.Load().r.seg.Payload() }

// HeapMPMC is a ring in memory of Go's, where the race detector sees everything.
func HeapMPMC[T any](capacity int) *MPMC[T] {
	stride := uint64(unsafe.Sizeof(cell[T]{}))
	mem := make([]uint64, (uint64(crowdCtl)+uint64(capacity)*stride)/8)
	r := newCrowd(unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), 8*len(mem)), uint64(capacity), stride)
	r.initialise(firstLap)
	m, _ := newMPMC[T](r)
	return m
}

// SetLap makes the ring empty, at the beginning of a lap, as if all laps before had gone by. Handles stay where they are,
// but for m itself if it is to follow.
func SetLap[T any](m *MPMC[T], lap uint64, follow bool) {
	p := m.at.Load()
	p.r.initialise(lap)
	if follow {
		p.seat.init(p.r)
	}
}

// Positions says where m stands.
func Positions[T any](m *MPMC[T]) (put, get uint64) {
	p := m.at.Load()
	return atomic.LoadUint64(&p.seat.put), atomic.LoadUint64(&p.seat.get)
}

// Bury gives every claim of that state to a process that does not exist, and returns how many there were.
func Bury[T any](m *MPMC[T], state uint64, id uint32) (n int) {
	r := m.at.Load().r
	for i := range r.cap {
		if w := *r.word(i); w&abi.SlotState == state {
			*r.word(i) = w&^(1<<32-1) | uint64(id)<<abi.SlotShift | state
			n++
		}
	}
	return n
}

// Words are the words of all slots.
func Words[T any](m *MPMC[T]) (ws []*uint64) {
	r := m.at.Load().r
	for i := range r.cap {
		ws = append(ws, r.word(i))
	}
	return ws
}

// HandOn is what m does behind a get, and behind a put, that slept. It reports whom it woke, or would have.
func HandOn[T any](m *MPMC[T]) (consumer, producer bool) {
	p := m.at.Load()
	p.handOn()
	p.handRoomOn()
	return p.r.notEmpty().Awaited(), p.r.notFull().Awaited()
}
