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
//	release    (v, N, W) → (v+n, 0, 0)  then wake n, if W was set; and ring for the watchers, if N was
//	acquire    (v, N, W) → (v−1, N, W)
//	announce   (0, N, W) → (0, N, 1)    before sleeping on exactly this word
//	after a sleep  (v, N, W) → (v−1, N, 1)  the taker does not know who else sleeps; then wake one more if v−1 > 0
//	watch      (v, N, W) → (v, 1, W)    after announcing at the bell, and before looking at v
//
// The last but one is what passes wake-ups on: of two releases the first clears W, so the second wakes nobody
// although two sleep; the one who was woken takes a token and wakes the next.
//
// Killed between release's swap and its wake-up, or woken and then killed: the word is not the one slept on
// any more, which the slice of every process that has a sleeper sees. Killed between the swap and the bell: the
// slice of every process that has a watcher finds a token, or N gone. (A sleeper also sees N come and go on its
// slice, and goes back to sleep.)
const (
	waitBit = 1
	watched = 2 // N
	token   = 4
	top     = 1 << 31 // without it there is room for a token more
)

// watcher is a Semaphore to those who sleep on its bell.
type watcher Semaphore

// Stale implements park.Looker.
func (s *watcher) Stale(*park.Tick) bool {
	w := atomic.LoadUint32(&s.semaphore)
	return w >= token || w&watched == 0
}

// watch announces a watcher and returns the word of the bell to sleep on. The bell comes first: who finds N
// must find somebody to ring for.
func (s *Semaphore) watch() uint32 {
	b := s.watchers.announce()
	for {
		w := atomic.LoadUint32(&s.semaphore)
		if w&watched != 0 || atomic.CompareAndSwapUint32(&s.semaphore, w, w|watched) {
			return b
		}
	}
}

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
		word, taken := s.takeOrAnnounce(slept)
		if taken {
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
		switch w.Sleep(word) {
		case park.Woken, park.Look: // a look may hide a wake-up that came with it
			slept = true
		case park.Done:
			if atomic.LoadUint32(&s.semaphore) != word {
				s.wake(1) // what it may have been woken for; with no token left the other announces anew
			}
			return ctx.Err()
		}
	}
}

// takeOrAnnounce takes a token, or leaves the word at (0, N, 1) and returns it.
func (s *Semaphore) takeOrAnnounce(slept bool) (sleepOn uint32, taken bool) {
	for {
		w := atomic.LoadUint32(&s.semaphore)
		to := w - token
		switch {
		case w < token && w&waitBit != 0:
			return w, false
		case w < token:
			to = w | waitBit
		case slept:
			to |= waitBit
		}
		if !atomic.CompareAndSwapUint32(&s.semaphore, w, to) {
			continue
		}
		if w >= token && slept {
			s.passOn()
		}
		return to, w >= token
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
