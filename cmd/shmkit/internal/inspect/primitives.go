package inspect

import (
	"fmt"
	"strings"
)

// The bits of a mutex's word below its owner.
const (
	bitAbandoned = 1 << iota
	bitAsleep
	bitHandoff
)

// mutexState says who has a mutex.
func (p primitive) mutexState(w uint32, held string) state {
	s := state{text: "free", quiet: w == 0}
	if id := w >> ownerShift; id != 0 {
		s.text = held + " by " + p.who.holder(id)
	}
	s.text += waits(w&bitAsleep != 0)
	if w&bitHandoff != 0 {
		s.text += ", hand-off to one that has waited long"
	}
	if w&bitAbandoned != 0 {
		s.text += ", abandoned: a holder has died, and what it guards is not repaired"
	}
	return s
}

func showMutex(p primitive) state { return p.mutexState(p.word("mutex"), "held") }

func showRMutex(p primitive) state {
	s := p.mutexState(p.word("rmutex", "mutex"), "held")
	if depth := p.word("depth"); depth != 0 {
		s.quiet = false
		s.text += fmt.Sprintf(", depth %d", depth)
	}
	return s
}

func showRWMutex(p primitive) state {
	readers := claims(p.words("readers"))
	held := "held for writing"
	if len(readers) > 0 {
		held = "waiting for the readers to leave: taken for writing"
	}
	w := p.word("rwmutex", "mutex")
	if p.bell("drain") {
		w |= bitAsleep
	}
	s := p.mutexState(w, held)
	if w>>ownerShift == 0 && len(readers) > 0 {
		s.text = "held for reading" + strings.TrimPrefix(s.text, "free")
	}
	s.quiet = s.quiet && len(readers) == 0
	s.more = p.each(readers, noted, "read lock", "read locks")
	return s
}

func showWatchedTokens(p primitive) state {
	s := tokens(p.word("semaphore")>>2, p.word("semaphore"))
	if p.word("semaphore")&2 != 0 {
		s.text += ", watched"
	}
	return s
}

func tokens(n, w uint32) state {
	return state{text: count(int(n), "token", "tokens") + waits(w&bitWaiting != 0), quiet: w == 0}
}

func showPermits(p primitive) state {
	n, cells := p.word("bounded"), p.words("permits")
	if n == 0 {
		return state{text: "not initialised", quiet: true}
	}
	if int64(n) > int64(len(cells)) {
		return state{text: fmt.Sprintf("corrupt: it says that it has %d permits", n)}
	}
	taken := claims(cells[:n])
	return state{
		text:  fmt.Sprintf("%d of %d permits free", int(n)-len(taken), n) + waits(p.bell("free")),
		more:  p.each(taken, once, "permit", "permits"),
		quiet: len(taken) == 0,
	}
}

func showEvent(p primitive) state {
	w := p.word("event")
	s := state{text: "not set", quiet: w&3 == 0}
	if w&2 != 0 {
		s.text = "set"
	}
	s.text += waits(w&bitWaiting != 0)
	return s
}

func showCond(p primitive) state {
	w := p.word("cond")
	return state{text: strings.TrimPrefix(waits(w&3 != 0), ", "), quiet: w&3 == 0}
}

func showOnce(p primitive) state {
	w := p.word("once")
	switch id := w >> ownerShift; {
	case id != 0:
		return state{text: "being done by " + p.who.holder(id) + waits(w&bitAsleep != 0)}
	case w&1 != 0:
		return state{text: "done"}
	}
	return state{text: "not done", quiet: w == 0}
}

func showWaitGroup(p primitive) state {
	var n uint32
	if w := p.words("waitgroup"); len(w) == 1 {
		n = uint32(w[0])
	}
	inside := claims(p.words("inside"))
	return state{
		text:  fmt.Sprintf("count %d, %s inside", n, count(len(inside), "process", "processes")) + waits(p.bell("over") || p.bell("room")),
		more:  p.each(inside, noted, "entry", "entries"),
		quiet: n == 0 && len(inside) == 0,
	}
}
