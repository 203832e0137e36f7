package pipe

import (
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
)

// An end that nobody has claimed belongs to whoever holds it: each process that has a handle on it open is in its list, once.
// When none of them is left, closed or dead, nobody can claim it any more, and it counts as closed.
//
// A handle on its way, as text, holds nothing: its sender holds the end until the receiver does. So a look at the list
// must not see the one gone and the other not yet there: whoever comes moves Joins on before it lets anybody know,
// and a look during which Joins has moved is void.

// holds counts this process's handles on each end.
var holds = struct {
	sync.Mutex
	n map[*abi.PipeEnd]int
}{n: map[*abi.PipeEnd]int{}}

// hold enters a handle of this process. Killed behind the swap: a dead holder, which is none.
func hold(p *pair, n int) {
	e := &p.ctl.Ends[n]
	holds.Lock()
	defer holds.Unlock()
	if holds.n[e]++; holds.n[e] > 1 {
		return
	}
	if !p.enlist(e) {
		atomic.StoreUint32(&e.Holders[len(e.Holders)-1], abi.PipeMany)
	}
	atomic.AddUint32(&e.Joins, 1)
}

// enlist finds a place, free or of a dead process.
func (p *pair) enlist(e *abi.PipeEnd) bool {
	for _, full := range []bool{false, true} {
		for i := range e.Holders[:len(e.Holders)-1] {
			h := &e.Holders[i]
			w := atomic.LoadUint32(h)
			if w != 0 && !(full && w != owner.ID() && p.dead(nil, w&owner.Mask)) {
				continue
			}
			if atomic.CompareAndSwapUint32(h, w, owner.ID()) {
				return true
			}
		}
	}
	return false
}

// unhold takes it out. The last one of this process leaves the list.
func unhold(p *pair, n int) {
	e := &p.ctl.Ends[n]
	holds.Lock()
	defer holds.Unlock()
	if holds.n[e]--; holds.n[e] > 0 {
		return
	}
	delete(holds.n, e)
	for i := range e.Holders {
		atomic.CompareAndSwapUint32(&e.Holders[i], owner.ID(), 0)
	}
}

// bury notes that an end is closed, when its owner is dead or nobody holds it. t may be nil.
func bury(p *pair, n int, t *park.Tick) {
	e := &p.ctl.Ends[n]
	joins := atomic.LoadUint32(&e.Joins)
	w := atomic.LoadUint32(&e.Word)
	switch id := w >> ownerShift; {
	case w&abi.EndClosed != 0:
		return
	case id != 0:
		if !p.dead(t, id) {
			return
		}
	case p.held(e, t) || atomic.LoadUint32(&e.Joins) != joins:
		return
	}
	atomic.CompareAndSwapUint32(&e.Word, w, w|abi.EndClosed)
}

// held reports whether somebody who lives is in the list.
func (p *pair) held(e *abi.PipeEnd, t *park.Tick) bool {
	for i := range e.Holders {
		switch id := atomic.LoadUint32(&e.Holders[i]); {
		case id == 0:
		case id == abi.PipeMany, id == owner.ID(), !p.dead(t, id&owner.Mask):
			return true
		}
	}
	return false
}
