package sem

import (
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/park"
)

// The state of a barrier moves by one compare-and-swap of the whole:
//
//	announce   (g, W, Filling|Running) → (g, 1, same)      before sleeping on the low half
//	run        (g, W, Filling) → (g, W, Running, me)       all places show g, and there is an action
//	complete   (g, W, Filling) → (g+1, 0, Filling)         all places show g, and there is none
//	           (g, W, Running, me) → (g+1, 0, Filling)     the action has succeeded
//	break      (g, W, Filling|Running) → (g, 0, Broken)    a death, a context, a failure, Abort, Reset
//	renew      (g, 0, Broken) → (g+2, 0, Filling)          Reset, once the dead are buried
//
// What clears W wakes all. The outcome of round g is told by the parity of gen − g: odd, it was
// completed; even and not zero, or zero and Broken, it was broken. For completion steps by one, Reset by
// two, and gen cannot be completed past g+1 as long as the place of a party of round g is not given back:
// so however late a party looks, it is told what the others were told.
//
// A place is a cell whose note says how far its party is:
//
//	join       0 → (joined, me)
//	enter      0 or (joined, me) → (entering, me)          from here on it is this goroutine's alone
//	arrive     (entering, me) → (arrived in g, me)         g is loaded after enter
//	leave      (…, me) → 0                                 only when the outcome is known
//	bury       (…, dead) → 0                               see below
//
// The order of enter, load, arrive is what keeps a party from arriving in a round that is over: once it
// has entered, round g cannot be completed without it. Of all that arrive, the last one, in the total
// order of the swaps, sees all places show g, whoever sleeps meanwhile.
//
// A kill, wherever it strikes, is one of these:
//
//   - Whoever joined, entered or arrived is dead, and its place names it. In Filling the next look of
//     anybody who waits breaks the round. If the dead one was the last to arrive, all places show g and the
//     look completes the round instead; the place stays, and breaks the next one.
//   - The runner is dead: it is named in the state. The next look of anybody breaks the round. In Running
//     nothing but the runner's death counts, the others have done their part.
//   - After a swap that cleared W, before its wake-up: the sleepers' word has changed, which the slice of
//     each process sees. Those who wait for a place see Broken, or a free place.
//   - In leave: the place is given back or it names the dead.
//   - In Reset, after break: the barrier is Broken, and Reset has not happened. Burying one by one changes
//     nothing in that, and the next Reset goes on with the places that are left. Renewing is one swap, and
//     comes last. After it nothing is left to do but to wake who waits for a place, see above.
//
// Bury needs an argument against delay as well: a stopped Reset must not, when it goes on, remove the place
// of one that has died in a later round and that nobody has been told of. So it looks at the place, finds its
// owner dead, looks at the state, and swaps only if that was Broken, in the same gen, after the death.
// Then the dead one was a party of a round that is broken, at the latest of this one; and a dead process
// writes no place again, so the value that is swapped away, however late, is the one that was looked at.
// One that dies after the look of a Reset at its place breaks the round that the Reset begins.
const (
	phaseRunning = 1
	phaseBroken  = 2
	phases       = 3
	barrierWait  = 1 << 2 // W
	genShift     = 3
	genBits      = 29
	runnerShift  = 32
)

// What the note of a place says. A generation is at least 1 here, as its last bit is set.
const (
	joined   = 0
	entering = 2
)

func arrived(gen uint32) uint32 { return gen<<1 | 1 }

func genOf(v uint64) uint32    { return uint32(v) >> genShift }
func running(v uint64) bool    { return v&phases == phaseRunning }
func broken(v uint64) bool     { return v&phaseBroken != 0 }
func runnerOf(v uint64) uint32 { return uint32(v>>runnerShift) >> ownerShift }

// inGen is the state (gen, 0, phase).
func inGen(gen uint32, phase uint64) uint64 { return uint64(gen<<genShift) | phase }

func join(v uint64) (uint64, bool) { return mine() | joined<<noteShift, unclaimed(v) }

func enterJoined(v uint64) (uint64, bool) {
	return mine() | entering<<noteShift, v == mine()|joined<<noteShift
}

func enterFree(v uint64) (uint64, bool) { return mine() | entering<<noteShift, unclaimed(v) }

// enter takes a place that this process has joined with, or a free one.
func enter(c cells) int {
	if i := c.move(enterJoined); i >= 0 {
		return i
	}
	return c.move(enterFree)
}

// leave gives the place back, unless a peer has scribbled over it.
func (b *Barrier) leave(c cells, i int) {
	p := c.at(i)
	if v := atomic.LoadUint64(p); isMine(v) {
		atomic.CompareAndSwapUint64(p, v, 0)
	}
	b.room.ring(all)
}

// shatter breaks the round of v, if the state is v still.
func (b *Barrier) shatter(v uint64) bool {
	if !b.turn(v, inGen(genOf(v), phaseBroken)) {
		return false
	}
	b.room.ring(all)
	return true
}

// turn ends a round, and wakes who sleeps.
func (b *Barrier) turn(from, to uint64) bool {
	if !atomic.CompareAndSwapUint64(&b.barrier, from, to) {
		return false
	}
	if from&barrierWait != 0 {
		futex.Wake(b.word(), all)
	}
	return true
}

// sweep breaks the round if one whom it needs has died.
func (b *Barrier) sweep(c cells) {
	for {
		v := b.load()
		if broken(v) || !b.doomed(c, v) || b.shatter(v) {
			return
		}
	}
}

func (b *Barrier) doomed(c cells, v uint64) bool {
	if running(v) {
		return b.runnerDead(v)
	}
	for i := range c.n {
		if c.dead(atomic.LoadUint64(c.at(i))) {
			return true
		}
	}
	return false
}

// bury frees the places of those who had died when the state was still v, which is Broken.
func (b *Barrier) bury(c cells, v uint64) {
	for i := range c.n {
		p := c.at(i)
		x := atomic.LoadUint64(p)
		if !c.dead(x) {
			continue
		}
		if b.load() != v {
			return
		}
		atomic.CompareAndSwapUint64(p, x, 0)
	}
}

// renew ends the generation that is broken now; if somebody else has ended it, it is done.
func (b *Barrier) renew() {
	v := b.load()
	if !broken(v) {
		return
	}
	if c, err := b.table(); err == nil {
		b.bury(c, v)
	}
	b.turn(v, inGen(genOf(v)+2, 0))
	b.room.ring(all)
}

// full reports whether all have arrived in generation gen.
func full(c cells, gen uint32) bool {
	for i := range c.n {
		if v := atomic.LoadUint64(c.at(i)); note(v) != arrived(gen) || unclaimed(v) {
			return false
		}
	}
	return true
}

// Stale implements park.Looker, for those who wait in a round. All places show it if the last to arrive died,
// or stopped, before it could complete the round.
func (b *Barrier) Stale(t *park.Tick) bool {
	v := b.load()
	if running(v) {
		return t.Dead(unsafe.Pointer(b), runnerOf(v))
	}
	c, err := b.table()
	return err != nil || full(c, genOf(v)) || c.stale(t)
}
