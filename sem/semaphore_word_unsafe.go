package sem

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// The word of a Semaphore moves by one compare-and-swap:
//
//	release    (v, W) → (v+n, 0)     then wake n, if W was set
//	acquire    (v, W) → (v−1, W)
//	announce   (0, W) → (0, 1)       before sleeping on exactly (0, 1)
//	after a sleep  (v, W) → (v−1, 1) the taker does not know who else sleeps; then wake one more if v−1 > 0
//
// The last line is what passes wake-ups on: of two releases the first clears W, so the second wakes nobody
// although two sleep; the one who was woken takes a token and wakes the next.
//
// Killed between release's swap and its wake-up, or woken and then killed: the word is not (0, 1) any
// more, which the slice of every process that has a sleeper sees.
const (
	waitBit = 1
	token   = 2
	top     = 1 << 31 // without it there is room for a token more
)

// Stale implements park.Looker: a semaphore names nobody, its word says all.
func (s *Semaphore) Stale(*park.Tick) bool { return false }

//go:noinline
func (s *Semaphore) acquireSlow(ctx context.Context) error {
	if s.TryAcquire() || siteOf(unsafe.Pointer(s)).SpinAway(s.TryAcquire) {
		return nil
	}
	w := park.Join(ctx, &s.semaphore, s)
	defer w.Leave()
	slept := false
	for {
		if s.takeOrAnnounce(slept) {
			if race.Enabled {
				race.Acquire(unsafe.Pointer(s))
			}
			return nil
		}
		if !w.Leading() {
			if !w.Lead() {
				return ctx.Err()
			}
			slept = true
			continue
		}
		switch w.Sleep(waitBit) {
		case park.Woken, park.Look: // a look may hide a wake-up that came with it
			slept = true
		case park.Done:
			if atomic.LoadUint32(&s.semaphore) != waitBit {
				s.wake(1) // what it may have been woken for; with no token left the other announces anew
			}
			return ctx.Err()
		}
	}
}

// takeOrAnnounce takes a token, or leaves the word at (0, 1).
func (s *Semaphore) takeOrAnnounce(slept bool) (taken bool) {
	for {
		w := atomic.LoadUint32(&s.semaphore)
		to := w - token
		switch {
		case w == waitBit:
			return false
		case w < token:
			to = waitBit
		case slept:
			to |= waitBit
		}
		if !atomic.CompareAndSwapUint32(&s.semaphore, w, to) {
			continue
		}
		if w >= token && slept {
			s.passOn()
		}
		if w >= token {
			return true
		}
		return false
	}
}

// passOn wakes one more sleeper while there are tokens.
func (s *Semaphore) passOn() {
	if atomic.LoadUint32(&s.semaphore) >= token {
		s.wake(1)
	}
}

func (s *Semaphore) wake(n int) { futex.Wake(&s.semaphore, n) }

//go:noinline
func (s *Semaphore) tooMany(n int) error {
	if n < 0 {
		return fmt.Errorf("sem: Semaphore.Release(%d): a negative number of tokens", n)
	}
	return fmt.Errorf("sem: Semaphore.Release(%d): the value is %d and may not exceed %d: is a Release called without an Acquire?", n, s.Value(), MaxValue)
}
