package ringbuf

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

const ownerShift = 3

// end is one of the two ends of a ring, whose word says who has it:
//
//	31            3   1   0
//	+--------------+---+---+
//	|   owner      | - | C |    C: closed by its last holder, claimed by nobody since
//	+--------------+---+---+
//
// It is taken by the compare-and-swap that writes who took it, from nobody or from a dead process. A word
// that names this process while no end of it is open is a leftover of a mapping that it dropped.
type end struct {
	r    *ring
	word *uint32
	off  uintptr // in the payload: names the end in the process's own list
	what string
}

func (r *ring) producerEnd() end {
	return r.end(unsafe.Offsetof(abi.SPSC{}.Producer), "producer")
}

func (r *ring) consumerEnd() end {
	return r.end(unsafe.Offsetof(abi.SPSC{}.Consumer), "consumer")
}

func (r *ring) end(off uintptr, what string) end { return end{r, (*uint32)(r.at(off)), off, what} }

// take claims the end for this process and makes what is to use it. If anything fails nobody has it.
func (e end) take(use func() error) error {
	if !e.r.seg.ClaimEnd(e.off) {
		return fmt.Errorf("ringbuf: %s of %s: this process has it: %w", e.what, e.r.label(), ErrClaimed)
	}
	err := e.r.protect(func() error {
		if err := e.claim(); err != nil {
			return err
		}
		err := use()
		if err != nil {
			e.leave(0)
		}
		return err
	})
	if err != nil {
		e.r.seg.ReleaseEnd(e.off)
	}
	return err
}

func (e end) claim() error {
	for range tries {
		w := atomic.LoadUint32(e.word)
		id := w >> ownerShift
		if id != 0 && id != owner.ID() && owner.Alive(unsafe.Pointer(e.word), id) {
			return fmt.Errorf("ringbuf: %s of %s: process %#x has it: %w", e.what, e.r.label(), id, ErrClaimed)
		}
		if !atomic.CompareAndSwapUint32(e.word, w, owner.Word) {
			continue
		}
		if id != 0 {
			atomic.AddUint32(&e.r.ctl.Takeovers, 1)
		}
		return nil
	}
	return fmt.Errorf("ringbuf: %s of %s: its word never stands still: %w", e.what, e.r.label(), abi.ErrCorrupt)
}

// tries bounds claim against a peer that scribbles.
const tries = 1 << 16

// leave gives the word up. Whatever a peer has made of it is left alone.
func (e end) leave(bits uint32) { atomic.CompareAndSwapUint32(e.word, owner.Word, bits) }

// release gives the end up and wakes who waits for that. The memory may be gone: closing works all the same.
func (e end) release(bits uint32, wake ...*park.Event) {
	_ = e.r.protect(func() error {
		e.leave(bits)
		for _, w := range wake {
			w.Signal()
		}
		return nil
	})
	e.r.seg.ReleaseEnd(e.off)
}
