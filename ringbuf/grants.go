package ringbuf

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
)

// A broadcast is the producer's half of an SPSC ring and any number of readers, each with its exact position in a
// place of its own. What follows is the part of the publisher: the room that it has. It takes it in grants: one
// for many items, so that what has to be said and asked costs little for each. To be granted the
// places up to want, it
//
//	1  waits for subscribers: limit = the lowest position of all active places + room; no more than that
//	2  stores oldest = want − slots: everything before it is about to be overwritten
//	3  full fence; then the places are its own to write
//	4  waits for subscribers: Joins has moved since 1: again from 1
//
// A subscriber that joins at p announces p (its place is active), moves Joins on, full fence, and loads oldest. Of
// the two one sees the other: if oldest is not beyond p then the grants that go beyond it come to 4 and see the place;
// else the subscriber goes on to oldest, and says so in its place.
//
// A subscriber that is overrun copies first, then loads oldest: if that is not beyond what it has copied, it is whole.
//
// # Who repairs
//
//	publisher killed before tail                   nothing has happened; the successor begins at tail. What it has
//	                                               overwritten is before oldest, and stays there
//	between the marks and their word               one of each two marks fits the word; the successor writes the other
//	between tail and the wake-up                   the subscribers' slices look at tail
//	subscriber killed in a place that is not active: nobody looks at it; who next wants a place takes it
//	in an active place                             the publisher that wants its room asks whether it lives, and frees it
//	between Joins and its last look at oldest      the same: it holds back, if anything, too much
//	between its position and the wake-up           the publisher's slice looks at the exact positions
//
// Who is stopped, and alive, is waited for, if the broadcast waits for subscribers at all.
type grants struct {
	*cast
	joins  uint64      // as it was before limit was computed
	limit  uint64      // so far the subscribers let us go, as last seen
	first  uint64      // oldest
	gone   uint64      // messages before first
	asked  time.Time   // when we last asked who lives
	marked int         // the mark of oldest that was written last
	orphan atomic.Bool // the slice has seen that a dead one holds us up
}

// resume begins where the last publisher has stopped.
func (g *grants) resume(b *byteWriter) (err error) {
	tail, puts, err := g.countLast()
	if err != nil {
		return err
	}
	if g.first, g.gone, err = g.countOldest(); err != nil {
		return err
	}
	if tail-g.first > g.slots {
		return g.misplaced("its oldest position", g.first)
	}
	g.joins, g.limit = atomic.LoadUint64(&g.all.Joins)-1, tail
	if b == nil {
		return nil
	}
	if g.first%abi.RecordAlign != 0 {
		return g.misplaced("its oldest position", g.first)
	}
	b.puts = puts
	if atomic.LoadUint64(&g.all.First[1].At) == g.first {
		g.marked = 1
	}
	return nil
}

// free is writer.free: at least need places, or how many there are. What it returns may be written.
func (g *grants) free(pos, need uint64, exact bool) (uint64, error) {
	n := max(need, g.window)
	if n > g.room {
		n = need
	}
	for range tries {
		n, err := g.left(pos, n, need, exact)
		if err != nil || n < need {
			return n, err
		}
		if err := g.announce(pos, pos+n-g.slots); err != nil {
			return 0, err
		}
		if g.overrun || atomic.LoadUint64(&g.all.Joins) == g.joins {
			return n, nil
		}
	}
	return 0, fmt.Errorf("ringbuf: %s: subscribers join without end: %w", g.label(), abi.ErrCorrupt)
}

// left is how much of n the subscribers leave. Dead ones that leave less than need are buried.
func (g *grants) left(pos, n, need uint64, exact bool) (uint64, error) {
	if g.overrun {
		return n, nil
	}
	if joins := atomic.LoadUint64(&g.all.Joins); joins != g.joins || before(g.limit, pos+n) {
		g.joins = joins
		limit, err := g.scan(pos, false)
		if err == nil && exact && before(limit, pos+need) {
			if limit, err = g.scan(pos, true); err == nil && before(limit, pos+need) && g.bury(pos+need-g.room) {
				limit, err = g.scan(pos, true)
			}
		}
		if err != nil {
			return 0, err
		}
		g.limit = limit
	}
	if before(g.limit, pos) { // of one that joins, and is about to move on
		return 0, nil
	}
	return min(n, g.limit-pos), nil
}

// scan is the lowest position, exact or of some while ago, + room. It changes nothing: the carrier of a slice may call it.
func (g *grants) scan(pos uint64, exact bool) (limit uint64, err error) {
	limit = pos + g.room
	for i := range g.used() {
		p := &g.all.Places[i]
		if atomic.LoadUint32(&p.Word)&abi.PlaceActive == 0 {
			continue
		}
		from := &p.Given
		if exact {
			from = &p.Pos
		}
		at := atomic.LoadUint64(from)
		raceAcquire(&p.Pos)
		if before(pos, at) {
			return 0, g.misplaced(fmt.Sprint("the position of subscriber ", i), at)
		}
		if before(at+g.room, limit) {
			limit = at + g.room
		}
	}
	return limit, nil
}

// enough reports whether a waiting publisher should look.
func (g *grants) enough(pos, need uint64, exact bool) bool {
	if g.overrun || g.orphan.Load() {
		return true
	}
	limit, err := g.scan(pos, exact)
	return err != nil || !before(limit, pos+need)
}

// behind calls f with each active place whose position is before goal, until f reports true.
func (g *grants) behind(goal uint64, f func(p *abi.Place, word uint32) bool) bool {
	for i := range g.used() {
		p := &g.all.Places[i]
		w := atomic.LoadUint32(&p.Word)
		if w&abi.PlaceActive != 0 && before(atomic.LoadUint64(&p.Pos), goal) && f(p, w) {
			return true
		}
	}
	return false
}

// heldByDead is for a publisher that sleeps: before it lies down, and at each slice, whose tick remembers who was asked.
func (g *grants) heldByDead(t *park.Tick, pos, need uint64) bool {
	if !g.overrun && g.behind(pos+need-g.room, func(p *abi.Place, w uint32) bool { return deadPlace(p, w, t) }) {
		g.orphan.Store(true) // so that the publisher, when it is up, does not lie down again
	}
	return g.orphan.Load()
}

// bury frees the places of the dead that are behind goal. To ask is a system call, so not everyone who polls with TryPut
// asks each time.
func (g *grants) bury(goal uint64) (buried bool) {
	if !g.orphan.Swap(false) && time.Since(g.asked) < time.Millisecond {
		return false
	}
	g.asked = time.Now()
	for i := range g.used() {
		p := &g.all.Places[i]
		w := atomic.LoadUint32(&p.Word)
		if w&abi.PlaceActive == 0 || !before(atomic.LoadUint64(&p.Pos), goal) || !deadPlace(p, w, nil) {
			continue
		}
		if atomic.CompareAndSwapUint32(&p.Word, w, 0) {
			count(&g.all.Buried, 1)
			buried = true
		}
	}
	return buried
}

// wants says which subscribers are to wake the publisher that is about to sleep: those that come to this position.
func (g *grants) wants(pos, need uint64) { atomic.StoreUint64(&g.all.Goal, pos+need-g.room) }

// announce moves oldest on to to, or to the first message that is not before it.
func (g *grants) announce(pos, to uint64) error {
	if !before(g.first, to) {
		return nil
	}
	if !g.bytes {
		g.first = to
	} else if err := g.pass(pos, to); err != nil {
		return err
	}
	atomic.StoreUint64(&g.all.Oldest, g.first)
	if !loadsInOrder {
		fence.Full() // before what is written in plain
	}
	return nil
}

// pass goes over messages, from first on, and counts them. A skip and the message behind it go together. Their
// headers were written by a publisher, but who knows by whom since.
func (g *grants) pass(pos, to uint64) error {
	for skip := false; skip || before(g.first, to); {
		at := g.first & (g.slots - 1)
		h := atomic.LoadUint64(g.word(at))
		n := record(h)
		switch {
		case h == abi.RecordSkip && !skip:
			skip, n = true, g.slots-at
		case h > g.most():
			return g.corrupt("a message's length", h, g.most())
		default:
			skip = false
			g.gone++
		}
		if n > pos-g.first {
			return g.corrupt("a message's length", n, pos-g.first)
		}
		g.first += n
	}
	g.marked ^= 1
	m := &g.all.First[g.marked]
	fence.Publish(&m.Count, g.gone)
	fence.Publish(&m.At, g.first)
	return nil
}

// mark says that puts messages end at pos, before tail does.
func (g *grants) mark(pos, puts uint64) {
	m := &g.all.Last[puts&1]
	fence.Publish(&m.Count, puts)
	fence.Publish(&m.At, pos)
}
