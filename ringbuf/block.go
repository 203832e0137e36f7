package ringbuf

import (
	"io"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

// The blocks of a ring of messages, and who repairs what.
//
// A block's word says whose it is: nobody's (Free), a process's that is filling it (Held), or that of the message at a
// position of the ring (Queued). The slots' own protocol is not touched: it decides who has a position, and a
// block merely follows.
//
//	put                                     killed behind that step
//	1 block:  Free → Held(me)               Held(dead): garbage
//	2 copy
//	3 slot x: Free → Writing(me)            as with items: a consumer skips x. The block as before
//	4 block:  Held(me) → Queued(x)          x is Writing(dead) until it is skipped; then x is released: garbage
//	5 slot x: length and block, → Ready     the message stands
//
//	get                                     killed behind that step
//	1 slot x: Ready → Reading(me)           Reading(dead): whoever looks behind takes the message over, as with items
//	2 copy, or use in place                 the same
//	3 slot x: Reading(me) → Free(next lap)  the message is taken. x is released: garbage
//	4 block:  Queued(x) → Free              who waits for a block finds it at a slice
//
// Garbage is what nobody will free: Held by a dead process, or Queued(x) where slot x is past x. It never becomes anything
// else by itself, so that to free it is one compare-and-swap on the word that was judged; whoever needs a block does
// it when there is no free one, before it says ErrFull, or sleeps, or when its slice is over. Between its steps 3 and
// 4 a living consumer's block is garbage too, and may be taken from under it: it has no use for it any more, and its
// step 4 fails, for no position comes twice within 2^61.
//
// A put takes its block before its slot: who waits for a block holds nobody up. And it waits for nothing while it has
// a slot, so that no cycle is possible: positions are freed in order by consumers, who wait for no block.

// nearby is how many bytes of a class's blocks go round. What was freed last is the worst to take: its lines are in the cache of
// the consumer that has just read them, and each has to be taken away from there, while those of a block that has rested are
// in the cache that all share, or on their way there. Blocks beyond that are for when these are in use: to go
// round in more than that cache holds is to go round in main memory.
const nearby = 8 << 20

func heldWord() uint64 { return uint64(owner.Word) | abi.BlockHeld }

func queuedWord(x uint64) uint64 { return x<<abi.SlotShift | abi.BlockQueued }

// pick claims a free block that holds n bytes, of the class j or a larger one.
func (m *mail) pick(j int) (b uint64, ok bool) {
	for ; j >= 0; j-- {
		if b, ok = m.pickOf(j); ok {
			return b, true
		}
	}
	return 0, false
}

func (c *class) nearby() uint64 { return min(c.count, max(nearby/c.size, 1)) }

// few is how many of those nearby are looked at before those beyond: when the first few are in use, the others mostly are as well, and
// to look at them all for each message is to look at thousands.
const few = 64

// pickOf takes the one that has rested longest, as far as this handle knows: of those nearby if that is soon found; then of those beyond.
// It has looked at all before it says that there is none.
func (m *mail) pickOf(j int) (b uint64, ok bool) {
	c, w := &m.k.classes[j], &m.waits[j]
	near := c.nearby()
	soon := min(near, few)
	if b, ok = m.pickFrom(c.first, near, &w.from, 0, soon); ok {
		return b, true
	}
	if b, ok = m.pickFrom(c.first+near, c.count-near, &w.beyond, 0, c.count-near); ok {
		return b, true
	}
	return m.pickFrom(c.first, near, &w.from, soon, near)
}

// pickFrom goes round in the n blocks from first on: it looks at those that are lo to hi places behind where the last one was found.
func (m *mail) pickFrom(first, n uint64, from *atomic.Uint64, lo, hi uint64) (b uint64, ok bool) {
	start := from.Load()
	for i := lo; i < hi; i++ {
		at := start + i
		if at >= n {
			at -= n
		}
		if m.grab(first + at) {
			from.Store((at + 1) % n)
			return first + at, true
		}
	}
	return 0, false
}

// grab claims block b if it is free. Killed behind it: garbage.
func (m *mail) grab(b uint64) bool {
	word := m.k.word(b)
	if atomic.LoadUint64(word) != abi.BlockFree || !atomic.CompareAndSwapUint64(word, abi.BlockFree, heldWord()) {
		return false
	}
	cellAcquire(word)
	return true
}

// anyFree says that there is a free block of class j, or a larger one. It claims nothing.
func (m *mail) anyFree(j int) bool {
	for i := range m.upTo(j) {
		if atomic.LoadUint64(m.k.word(i)) == abi.BlockFree {
			return true
		}
	}
	return false
}

// upTo is the number of blocks of class j and of the larger ones, which are the first.
func (m *mail) upTo(j int) uint64 { return m.k.classes[j].first + m.k.classes[j].count }

// garbage says that nobody will free a block whose word is w. It was loaded before the word of the slot that it
// names: what belongs to a position that is not released yet is found to do so.
func (m *mail) garbage(tick *park.Tick, w uint64) bool {
	r := m.s.r
	switch w & abi.SlotState {
	case abi.BlockFree:
		return false
	case abi.BlockHeld:
		return r.dead(tick, w)
	case abi.BlockQueued:
	default:
		return true // scribbled over
	}
	// The whole position is the one nearest to released.
	x := atomic.LoadUint64(&r.ctl.Released)
	x += uint64(int64(w-x<<abi.SlotShift) >> abi.SlotShift)
	if x&r.mask >= r.cap {
		return true
	}
	slot := atomic.LoadUint64(r.word(x))
	laps, ok := r.ahead(slot, x, atomic.LoadUint64(&r.ctl.Released))
	if !ok || laps != 0 {
		return true
	}
	switch stateOf(slot) {
	case abi.SlotWriting, abi.SlotReady, abi.SlotReading:
		return false
	}
	return true
}

// anyGarbage says that there is garbage of class j, or a larger one.
func (m *mail) anyGarbage(tick *park.Tick, j int) bool {
	for b := range m.upTo(j) {
		if m.garbage(tick, atomic.LoadUint64(m.k.word(b))) {
			return true
		}
	}
	return false
}

// sweep frees the garbage of class j and the larger ones, and reports whether there was any.
func (m *mail) sweep(j int) (found bool) {
	for b := range m.upTo(j) {
		word := m.k.word(b)
		w := atomic.LoadUint64(word)
		if m.garbage(nil, w) && atomic.CompareAndSwapUint64(word, w, abi.BlockFree) {
			found = true
			m.freed(b)
		}
	}
	return found
}

// give frees block b, whose word is w, if it still is; and wakes.
func (m *mail) give(b, w uint64) {
	word := m.k.word(b)
	cellRelease(word)
	if atomic.CompareAndSwapUint64(word, w, abi.BlockFree) {
		m.freed(b)
	}
}

// freed wakes a producer of each class that block b is good for: one of them gets it, the others sleep on. Killed
// before it: the producers' slices look at the blocks.
func (m *mail) freed(b uint64) {
	for i := m.k.classOf(b); i < len(m.k.classes); i++ {
		if e := m.s.r.noBlock(i); e.Awaited() && e.SignalOne() {
			count(&m.s.r.ctl.Gets.Wakes, 1)
		}
	}
}

// sweeps is how often a call that must not wait frees garbage that another one then takes.
const sweeps = 8

// block claims a block for n bytes, and waits for it.
func (m *mail) block(h *hunt, n uint64) (b uint64, err error) {
	r, j := m.s.r, m.k.fit(n)
	slept := false
	for i := 0; ; i++ {
		if r.shut() {
			return 0, io.ErrClosedPipe
		}
		b, ok := m.pick(j)
		if ok {
			if slept && m.anyFree(j) { // the wake-up may have been for several
				r.noBlock(j).Pass()
			}
			return b, nil
		}
		if h.ctx != nil && m.blockFrees(h, j) {
			continue
		}
		if m.sweep(j) && (h.ctx != nil || i < sweeps) {
			if h.ctx == nil || h.ctx.Err() == nil {
				continue
			}
		}
		if h.ctx == nil {
			return 0, ErrFull
		}
		if err := m.awaitBlock(h, j, &slept); err != nil {
			return 0, err
		}
	}
}

// blockFrees spins until there is a block, the first time that a call finds none. To look for garbage is to look at all slots, which
// takes their lines away from the consumers who are about to free blocks; so it comes before the sleep, not before this.
func (m *mail) blockFrees(h *hunt, j int) bool {
	if h.spun {
		return false
	}
	h.spun = true
	count(&m.s.r.ctl.Puts.Waits, 1)
	w := &m.waits[j]
	return w.site.SpinApart(8, w.polled) || w.turns.Yield(w.polled, w.polled)
}

// awaitBlock waits until there may be a block of class j, or a larger one.
func (m *mail) awaitBlock(h *hunt, j int, slept *bool) error {
	if err := h.ctx.Err(); err != nil {
		return err
	}
	r, w := m.s.r, &m.waits[j]
	count(&r.ctl.Puts.Parks, 1)
	err := r.noBlock(j).Await(h.ctx, w, w.ready)
	h.spun, h.left, *slept = false, r.patience(), true
	return m.s.woken(err, r.noBlock(j))
}

// queue passes block b, held, to position x.
func (m *mail) queue(b, x uint64) { fence.Publish(m.k.word(b), queuedWord(x)) }

// blockWait is how producers of one handle wait for a block of a class, or a larger one. It is a park.Looker.
type blockWait struct {
	m      *mail
	class  int
	from   atomic.Uint64 // where to look for a free one next, of those nearby: behind what was claimed last
	beyond atomic.Uint64 // the same, of the others
	site   park.Site
	turns  park.Turns
	ready  func() bool // method values, made once
	polled func() bool
}

func (w *blockWait) init(m *mail, class int) {
	w.m, w.class = m, class
	w.ready, w.polled = w.look, w.several
}

// look says that a producer that sleeps should look.
func (w *blockWait) look() bool { return w.poll() || w.m.anyGarbage(nil, w.class) }

func (w *blockWait) poll() bool {
	s := w.m.s
	return s.closed.Load() || s.r.shut() || w.m.anyFree(w.class)
}

// several is for one that spins: that the block is free which is a quarter of those nearby ahead, for as seat.frees it is better to
// come back to many. Which block that is only says where to look; who has spun in vain looks at all.
func (w *blockWait) several() bool {
	s, c := w.m.s, &w.m.k.classes[w.class]
	near := c.nearby()
	return s.closed.Load() || s.r.shut() || atomic.LoadUint64(w.m.k.word(c.first+(w.from.Load()+near/4)%near)) == abi.BlockFree
}

// Stale implements park.Looker, for consumers that died before they freed a block, or before they woke, and for
// producers that died with one.
func (w *blockWait) Stale(t *park.Tick) bool { return w.poll() || w.m.anyGarbage(t, w.class) }

// wakeProducers wakes all that wait for blocks: the ring is shut down, or a position was skipped.
func (r *crowd) wakeProducers() {
	if r.stock == nil {
		return
	}
	for i := range r.stock.classes {
		r.noBlock(i).Rouse()
	}
}

// dismiss makes the producers of this handle that wait for blocks return.
func (m *mail) dismiss() {
	for i := range m.waits {
		m.s.r.noBlock(i).Evict(&m.waits[i])
	}
}
