package sem

import (
	"context"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
)

// The words of a WaitGroup, each moved by one compare-and-swap:
//
//	add     (entries, count) → (entries+1, count+n)    n > 0
//	done    (entries, count) → (entries, count−n)
//	enter   claim 0 → (me, 1), (me, k) → (me, k+1); then (entries, count) → (entries+1, count)
//	leave   claim (me, k) → (me, k−1), (me, 1) → 0
//	bury    claim (dead, k) → 0
//
// Wait loads the state, sees that the count is zero, sees each claim free, and loads the state again. If it
// has not moved, then nobody is inside at the moment of the second load: whoever had entered before the
// first one was inside at each look at its claim, or has left; whoever entered after it has moved the state
// before its Enter returned. So work that is handed over is never missed, in whichever order the
// claims are looked at. (2^32 Adds and Enters between the two loads would be.) A process may have several
// claims, if its goroutines enter for the first time together: they are added up.
//
// Whoever makes the last claim free or the count zero looks itself whether all is over and rings. The one
// that did it last, in the total order of the swaps, sees that, unless somebody has come in between, who
// will ring when it leaves.
//
// Killed inside: the claim names the dead, and the next look of one who waits buries it. Killed in Enter
// between the two moves: the same. Killed between the last move and the bell: the slice of each process
// with a sleeper sees that all is over.
const (
	countBits = 1<<32 - 1
	entry     = 1 << 32
)

// more enters at a claim of the process, or a free one, whichever comes first: a process may get a second claim,
// and each costs one look instead of a search of all.
func more(v uint64) (uint64, bool) {
	if isMine(v) {
		return v + one, note(v) != math.MaxUint32
	}
	return mine() | one, unclaimed(v)
}

func fewer(v uint64) (uint64, bool) {
	if !isMine(v) || note(v) == 0 {
		return 0, false
	}
	if note(v) == 1 {
		return 0, true
	}
	return v - one, true
}

// come is Enter, if there is room.
func (g *WaitGroup) come() bool {
	c := g.table()
	if c.move(more) < 0 {
		return false
	}
	atomic.AddUint64(&g.waitgroup, entry)
	return true
}

// quiet reports whether there was a moment at which all was over.
func (g *WaitGroup) quiet() bool {
	v := g.load()
	if v&countBits != 0 {
		return false
	}
	for i := range g.inside {
		if !unclaimed(atomic.LoadUint64(&g.inside[i])) {
			return false
		}
	}
	return g.load() == v
}

// settle tells those in Wait that all is over, if it is.
func (g *WaitGroup) settle() {
	if atomic.LoadUint32(&g.over.word)&waitBit != 0 && g.quiet() {
		g.over.ring(all)
	}
}

// bury takes the dead out, and tells those whom it lets go.
func (g *WaitGroup) bury() {
	if g.table().bury() > 0 {
		g.settle()
		g.room.ring(all)
	}
}

//go:noinline
func (g *WaitGroup) wait(ctx context.Context) error {
	w := park.Join(ctx, &g.over.word, g)
	defer w.Leave()
	look := siteOf(unsafe.Pointer(g)).mayAsk() // the context may end before the first slice
	for {
		word := g.over.announce()
		if g.quiet() {
			return nil
		}
		if look {
			look = false
			g.bury()
			continue
		}
		if !w.Leading() {
			if !w.Lead() {
				return ctx.Err()
			}
			continue
		}
		switch w.Sleep(word) {
		case park.Look:
			look = true
		case park.Done:
			return ctx.Err()
		}
	}
}

// Stale implements park.Looker, for those in Wait: all is over, or would be but for the dead.
func (g *WaitGroup) Stale(t *park.Tick) bool {
	if g.load()&countBits != 0 {
		return false
	}
	for i := range g.inside {
		v := atomic.LoadUint64(&g.inside[i])
		if !unclaimed(v) && !t.Dead(unsafe.Pointer(g), ownerOf(v)) {
			return false
		}
	}
	return true
}

// awaitRoom enters once there is a free claim.
//
//go:noinline
func (g *WaitGroup) awaitRoom() {
	w := park.Join(context.Background(), &g.room.word, (*waitgroupRoom)(g))
	defer w.Leave()
	look := true
	for {
		word := g.room.announce()
		if g.come() {
			return
		}
		if look {
			look = false
			g.bury()
			continue
		}
		if w.Leading() {
			look = w.Sleep(word) == park.Look
		} else {
			w.Lead()
		}
	}
}

// waitgroupRoom is a WaitGroup to those who wait to enter.
type waitgroupRoom WaitGroup

func (r *waitgroupRoom) Stale(t *park.Tick) bool {
	c := (*WaitGroup)(r).table()
	return c.anyFree() || c.stale(t)
}
