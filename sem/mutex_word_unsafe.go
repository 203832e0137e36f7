package sem

import (
	"context"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// The bits of a lock word below the owner's id. Every move is one compare-and-swap of the whole word, so
// there is no instant at which a claim is anonymous, and none at which a kill needs more than "the owner
// is dead" to be repaired.
//
//	lock       (0, H, W, A) → (me, H, W, A)    H bars those who have not slept
//	take over  (dead, H, W, A) → (me, H, W, 1)
//	announce   (x, H, W, A) → (x, H, 1, A)     before sleeping on exactly this word
//	unlock     (me, H, W, A) → (0, H, 0, A)    then wake one, if H or W was set: one who took without waiting
//	                                           may have kept an H that nobody stands behind
//
// Who repairs what: killed while it holds, any waiter's slice takes over. Killed between unlock's swap
// and its wake-up, or woken and then killed or stopped: the word differs from what the sleepers sleep
// on, which the slice of every other process sees. A stale W costs a needless wake-up, a stale H one
// sleep. A is kept by everybody until Repaired.
const (
	abandoned  = 1 << iota // A: a holder has died, unrepaired
	waiting                // W: somebody may sleep on this word
	handoff                // H: somebody has waited long: only who has slept on the word takes it
	ownerShift = iota
)

// old is how long a waiter waits before it sets H.
const old = 10 * time.Millisecond

// locking is one goroutine's attempt.
type locking struct {
	m     *Mutex
	since time.Time
	slept bool // it has really slept on the word, or was appointed by one that did
	look  bool // it has just come, or a slice is over: ask whether the holder lives
}

func (l *locking) aged() bool { return time.Since(l.since) > old }

// take tries to make the word ours. If it cannot it returns the word to sleep on, announced.
func (l *locking) take() (sleepOn uint32, held bool) {
	m := l.m
	for {
		w := atomic.LoadUint32(&m.mutex)
		id := w >> ownerShift
		var to uint32
		switch {
		case id == 0 && (w&handoff == 0 || l.slept):
			to, held = owner.Word|w&(handoff|waiting|abandoned), true
			if l.slept {
				to |= waiting // it does not know whether more sleep
			}
			if l.slept && l.aged() {
				to &^= handoff
			}
		case l.look && m.dead(w):
			to, held = owner.Word|w&handoff|waiting|abandoned, true
		default:
			to, held = w|waiting, false
			if l.aged() {
				to |= handoff
			}
			if to == w {
				return w, false
			}
		}
		if atomic.CompareAndSwapUint32(&m.mutex, w, to) {
			return to, held
		}
	}
}

func (m *Mutex) dead(w uint32) bool { return !owner.Alive(unsafe.Pointer(m), w>>ownerShift) }

// Stale implements park.Looker. A sleeper on a free word was barred by an H that nobody stands behind any
// more: whom it was set for, or who should have woken, has died.
func (m *Mutex) Stale(t *park.Tick) bool {
	id := atomic.LoadUint32(&m.mutex) >> ownerShift
	return id == 0 || t.Dead(unsafe.Pointer(m), id)
}

// lock spins, then parks until it holds m or ctx ends.
func (m *Mutex) lock(ctx context.Context) error {
	site := siteOf(unsafe.Pointer(m))
	if site.SpinAway(m.tryWord) {
		return nil
	}
	l := locking{m: m, since: time.Now(), look: site.mayAsk()} // the context may end before the first slice
	w := park.Join(ctx, &m.mutex, m)
	defer w.Leave()
	for {
		word, held := l.take()
		if held {
			return nil
		}
		l.look = false
		if !w.Leading() {
			if !w.Lead() {
				return ctx.Err()
			}
			l.slept = true
			continue
		}
		switch w.Sleep(word) {
		case park.Woken:
			l.slept = true
		case park.Look:
			l.slept, l.look = true, true // also when nobody woke it: H may stand on a free word that nobody will wake for
		case park.Done:
			m.leave(word, l.slept)
			return ctx.Err()
		}
	}
}

// leave passes on what a waiter that gives up may have been woken for. Its successor in the process looks
// anyway; but a sleeper elsewhere may have been left with a free word.
func (m *Mutex) leave(sleptOn uint32, woken bool) {
	w := atomic.LoadUint32(&m.mutex)
	if woken || w != sleptOn || w>>ownerShift == 0 {
		m.wakeOne()
	}
}

// tryWord takes a free word that is not barred.
func (m *Mutex) tryWord() bool {
	w := atomic.LoadUint32(&m.mutex)
	return w>>ownerShift == 0 && w&handoff == 0 && atomic.CompareAndSwapUint32(&m.mutex, w, owner.Word|w)
}

// unlockSlow is Unlock when the word is more than the owner.
func (m *Mutex) unlockSlow() {
	if !m.letGo() {
		panic("sem: Unlock of a Mutex that this process does not hold")
	}
}

// letGo unlocks m if this process holds it, and reports whether it did.
func (m *Mutex) letGo() bool {
	for {
		w := atomic.LoadUint32(&m.mutex)
		if w>>ownerShift != owner.ID() {
			return false
		}
		if !atomic.CompareAndSwapUint32(&m.mutex, w, w&(abandoned|handoff)) {
			continue
		}
		switch {
		case w&handoff != 0:
			m.wakeOne()
		case w&waiting != 0:
			futex.Wake(&m.mutex, 1) // and no look at the word, which its next holder may have given up
		}
		return true
	}
}

// wakeOne wakes one sleeper. If there was none while H bars newcomers from the free word, one of them may
// be between announcing itself and sleeping on it: H and W go, and it is woken, or finds the word changed.
func (m *Mutex) wakeOne() {
	for futex.Wake(&m.mutex, 1) == 0 {
		w := atomic.LoadUint32(&m.mutex)
		if w>>ownerShift != 0 || w&handoff == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&m.mutex, w, w&^(handoff|waiting)) && w&waiting == 0 {
			return
		}
	}
}

func (m *Mutex) clear(bit uint32) {
	for {
		w := atomic.LoadUint32(&m.mutex)
		if w>>ownerShift != owner.ID() {
			panic("sem: Repaired on a Mutex that this process does not hold")
		}
		if atomic.CompareAndSwapUint32(&m.mutex, w, w&^bit) {
			return
		}
	}
}

// lockSlow keeps Lock small enough to be inlined.
//
//go:noinline
func (m *Mutex) lockSlow() { _ = m.lock(context.Background()) }

//go:noinline
func (m *Mutex) lockContextSlow(ctx context.Context) error {
	err := m.lock(ctx)
	if race.Enabled && err == nil {
		race.Acquire(unsafe.Pointer(m))
	}
	return err
}
