package pipe

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

const ownerShift = 3

// end is the private half of an open Conn.
//
// The words that it is about are in shared memory, in abi.PipeEnd: who owns this end and the far one. What moves them:
//
//	claim    0 → me            by the first call here that sends or receives
//	Close    me → me, closed   by whoever holds the sender's baton for good, so behind the last store of tail: a receiver that
//	                           sees it looks at tail once more, and that is all. Then the far end's sleepers are woken.
//	                           Killed in between: closed as the next line says, or the sleepers' slices see it
//	bury     dead → closed     by the far end, before it sleeps, once a slice, and now and then as it sends. Killed: it
//	                           had no more to do
//	bury     0 → closed        the same, when no holder is there any more: see holders.go
//
// Nothing is ever taken back, so who has seen an end closed need not look again.
type end struct {
	p    *pair
	n    int // which one: 0 or 1
	mine *abi.PipeEnd
	far  *abi.PipeEnd

	mu      sync.Mutex // guards the claim, and keeps the memory for who looks at it aside from sending and receiving
	claimed atomic.Bool
	closed  atomic.Bool
	gone    chan struct{} // closed with it
	shares  atomic.Int32  // who may touch the memory: both directions and Close itself
	watch   park.Watches
	reads   deadline
	writes  deadline
	addr    Addr // of both sides

	_   [128]byte
	in  receiver
	_   [128]byte
	out sender
	_   [128]byte
}

func newEnd(p *pair, n int) *end {
	e := &end{p: p, n: n, mine: &p.ctl.Ends[n], far: &p.ctl.Ends[1-n], gone: make(chan struct{})}
	e.shares.Store(3)
	e.in.init(e, &p.lanes[1-n])
	e.out.init(e, &p.lanes[n])
	hold(p, n)
	return e
}

// last is for who holds a direction's baton after Close: it is the last one. With the sender's the end ends.
func (e *end) last(b *baton) {
	if b == &e.out.baton {
		e.over()
	}
	e.leave()
}

// over lets the far end know that nothing will come any more.
func (e *end) over() {
	e.mu.Lock()
	if e.claimed.Load() {
		atomic.OrUint32(&e.mine.Word, abi.EndClosed)
		e.p.seg.ReleaseEnd(endOffset(e.n))
	}
	unhold(e.p, e.n)
	bury(e.p, e.n, nil)
	e.mu.Unlock()
	e.p.lanes[e.n].notEmpty().Signal() // the far end's sleepers
	e.p.lanes[1-e.n].notFull().Signal()
}

// leave gives a share back; with the last one the memory goes.
func (e *end) leave() {
	if e.shares.Add(-1) == 0 {
		_ = e.p.seg.Close() // nobody of this handle waits inside
	}
}

// claim makes the end this process's and this handle's, if it is nobody's.
func (e *end) claim() error {
	if e.claimed.Load() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed.Load():
		return errClosed
	case e.claimed.Load():
		return nil
	case !e.p.seg.ClaimEnd(endOffset(e.n)):
		return fmt.Errorf("pipe: this process uses that end by another handle: %w", ErrClaimed)
	}
	if err := e.claimWord(); err != nil {
		e.p.seg.ReleaseEnd(endOffset(e.n))
		return err
	}
	e.introduce()
	e.claimed.Store(true)
	return nil
}

func (e *end) claimWord() error {
	for range tries {
		w := atomic.LoadUint32(&e.mine.Word)
		switch id := w >> ownerShift; {
		case w&abi.EndClosed != 0:
			return errOver
		case id == 0:
			if atomic.CompareAndSwapUint32(&e.mine.Word, w, owner.Word) {
				return nil
			}
		case id != owner.ID() && e.p.dead(nil, id):
			atomic.CompareAndSwapUint32(&e.mine.Word, w, w|abi.EndClosed)
		default:
			return fmt.Errorf("pipe: process %#x uses that end: %w", id, ErrClaimed)
		}
	}
	return corrupt("the word of this end, which never stands still,", uint64(atomic.LoadUint32(&e.mine.Word)), 0)
}

// tries bounds loops over words that a peer may be scribbling over.
const tries = 1 << 10

// close is Conn.Close. It waits for nobody: a call that is sending meanwhile ends the end when it is through.
func (e *end) close() {
	if e.closed.Swap(true) {
		return
	}
	close(e.gone)
	e.out.notFull().Evict(&e.out)
	e.in.notEmpty().Evict(&e.in)
	e.watch.End()
	e.reads.stop()
	e.writes.stop()
	e.out.finish(e)
	e.in.finish(e)
	e.leave()
}

// farClosed is what is known: one load.
func (e *end) farClosed() bool { return atomic.LoadUint32(&e.far.Word)&abi.EndClosed != 0 }

// bury asks whether the far end's process lives, or if it has none yet whether anybody could become that, and notes a no.
func (e *end) bury(t *park.Tick) { bury(e.p, 1-e.n, t) }
