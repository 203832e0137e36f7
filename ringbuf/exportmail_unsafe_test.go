package ringbuf

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
)

// BlocksInUse is the number of blocks that are not free.
func BlocksInUse(m *MPMC[[]byte]) (n int) {
	for _, w := range BlockWords(m) {
		if atomic.LoadUint64(w) != abi.BlockFree {
			n++
		}
	}
	return n
}

// BlockWords are the words of all blocks.
func BlockWords(m *MPMC[[]byte]) (ws []*uint64) {
	k := m.at.Load().r.stock
	for b := range k.plan.blocks {
		ws = append(ws, k.word(b))
	}
	return ws
}

// Heads are the lengths and blocks in all slots.
func Heads(m *MPMC[[]byte]) (ws []*uint64) {
	all := m.at.Load().mail.all
	for i := range all {
		ws = append(ws, &all[i].v.Head)
	}
	return ws
}

// SlotsAndWords is the part of the memory before the blocks themselves.
func SlotsAndWords(m *MPMC[[]byte]) []byte {
	p := &m.at.Load().r.stock.plan
	return PayloadMPMC(m)[:p.wordsAt()+8*p.blocks]
}

// SlotsOf is the number of slots.
func SlotsOf(m *MPMC[[]byte]) int { return int(m.at.Load().r.cap) }

// HeapMail is a ring of messages in memory of Go's, where the race detector sees everything.
func HeapMail(capacity, limit int) *MPMC[[]byte] {
	p, err := newPlan(uint64(capacity), uint64(limit))
	if err != nil {
		panic(err)
	}
	mem := make([]uint64, p.size()/8+1)
	r := newMailCrowd(unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), 8*len(mem)), p)
	r.initialise(firstLap)
	m, _ := newMPMC[[]byte](r)
	return m
}

// BuryBlocks gives every block that is held to a process that does not exist.
func BuryBlocks(m *MPMC[[]byte], id uint32) (n int) {
	for _, w := range BlockWords(m) {
		if *w&abi.SlotState == abi.BlockHeld {
			*w = uint64(id)<<abi.SlotShift | abi.BlockHeld
			n++
		}
	}
	return n
}
