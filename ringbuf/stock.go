package ringbuf

import (
	"fmt"
	"io/fs"

	"github.com/shmkit/shmkit/internal/abi"
)

// plan is what follows from the capacity and the limit of a ring of messages: how many slots it has, and which blocks.
//
// Blocks come in classes. The first class is of blocks for the longest message, and there are as many as the capacity
// holds. Each further class has blocks of a quarter of the size, and twice as many; what fits into a slot needs none, and
// counts as the class behind the last. There are as many slots as messages that all this holds. So nothing is ever cut up or
// put together: what is free fits whatever is not larger. All blocks together are less than twice the capacity.
type plan struct {
	capacity uint64
	limit    uint64 // bytes of the longest message
	slots    uint64
	classes  []class // the largest blocks first
	blocks   uint64
	bytes    uint64 // of all blocks
}

// class is the blocks of one size.
type class struct {
	size  uint64 // a multiple of abi.BlockAlign
	count uint64
	first uint64 // the number of the first one
	at    uint64 // where it begins, in the blocks' memory
}

const (
	mailCap   = 64 << 10 // bytes of a ring of messages, if nothing else is asked for
	blockPage = 4096     // the blocks' memory begins at a multiple of it
)

// defaultLimit is an eighth of the capacity, but what fits into a slot in any case.
func defaultLimit(capacity uint64) uint64 {
	return min(max(capacity/8, min(capacity, abi.InlineSize)), abi.MaxMessage)
}

// newPlan computes the geometry, or says what is wrong with the numbers.
func newPlan(capacity, limit uint64) (plan, error) {
	p := plan{capacity: capacity, limit: limit}
	switch {
	case capacity == 0 || capacity > maxCap:
		return p, fmt.Errorf("ringbuf: a capacity of %d bytes is not between 0 and %d: %w", capacity, uint64(maxCap), fs.ErrInvalid)
	case limit == 0 || limit > abi.MaxMessage:
		return p, fmt.Errorf("ringbuf: messages of at most %d bytes: that is not between 1 and %d: %w", limit, uint64(abi.MaxMessage), fs.ErrInvalid)
	case limit > capacity:
		return p, fmt.Errorf("ringbuf: a capacity of %d bytes does not hold one message of %d: %w", capacity, limit, fs.ErrInvalid)
	}
	count := max(capacity/max(limit, abi.InlineSize), 1)
	for size := limit; size > abi.InlineSize; size /= abi.ClassRatio {
		c := class{size: (size + abi.BlockAlign - 1) &^ (abi.BlockAlign - 1), count: count, first: p.blocks, at: p.bytes}
		p.classes = append(p.classes, c)
		p.blocks += c.count
		p.bytes += c.count * c.size
		count *= 2
	}
	if p.slots = abi.MessageSlots(capacity, limit); p.slots > abi.MaxSlots {
		return p, fmt.Errorf("ringbuf: a capacity of %d bytes with messages of at most %d takes %d slots, more than %d: %w",
			capacity, limit, p.slots, uint64(abi.MaxSlots), fs.ErrInvalid)
	}
	return p, nil
}

// wordsAt and blocksAt are offsets in the payload, and size is its size.
func (p *plan) wordsAt() uint64 { return uint64(crowdCtl) + p.slots*abi.MessageSlot }
func (p *plan) blocksAt() uint64 {
	return (p.wordsAt() + p.blocks*8 + blockPage - 1) &^ (blockPage - 1)
}

func (p *plan) size() uint64 {
	if p.blocks == 0 {
		return p.wordsAt()
	}
	return p.blocksAt() + p.bytes
}

// fit is the class of the smallest blocks that hold n bytes, or -1.
func (p *plan) fit(n uint64) int {
	for i := len(p.classes) - 1; i >= 0; i-- {
		if p.classes[i].size >= n {
			return i
		}
	}
	return -1
}

// classOf is the class of block b, which exists.
func (p *plan) classOf(b uint64) int {
	for i := range p.classes {
		if c := &p.classes[i]; b-c.first < c.count {
			return i
		}
	}
	return -1
}

// capacity is what the ring was made with: items, or bytes of messages.
func (r *crowd) capacity() uint64 {
	if r.stock != nil {
		return r.stock.capacity
	}
	return r.cap
}

// size is the bytes of the ring's memory.
func (r *crowd) size() int64 {
	if r.stock != nil {
		return int64(r.stock.plan.size())
	}
	return int64(crowdCtl) + int64(r.cap*r.stride)
}
