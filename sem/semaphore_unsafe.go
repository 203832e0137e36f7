package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// MaxValue is the most tokens that a Semaphore holds.
const MaxValue = 1<<30 - 1

// Semaphore counts tokens: Release adds, Acquire waits for one and takes it. Eight bytes, ready when
// zeroed (then it holds none), not to be copied.
//
// Tokens belong to nobody, and anybody may release: it is for signalling. A process that dies takes the
// tokens with it that it has acquired and not released; where they must come back, use a lock, which
// names its holder. A process that dies while it waits takes nothing.
//
// Release synchronizes before the return of an Acquire that takes one of its tokens, in whichever
// process. All methods are safe for concurrent use.
type Semaphore struct {
	_ noCopy

	// 31          2   1   0
	// +------------+---+---+    N: a watcher may sleep on its bell
	// |   value    | N | W |    W: somebody may sleep on this word
	// +------------+---+---+
	semaphore uint32

	watchers bell // apart: a watcher takes no token, so it must not be woken in place of somebody who does
}

// TryAcquire takes a token if there is one, and reports whether it did.
func (s *Semaphore) TryAcquire() bool {
	for {
		w := atomic.LoadUint32(&s.semaphore)
		if w < token {
			return false
		}
		if atomic.CompareAndSwapUint32(&s.semaphore, w, w-token) {
			if race.Enabled {
				race.Acquire(unsafe.Pointer(s))
			}
			return true
		}
	}
}

// Acquire waits for a token and takes it, unless ctx ends first: then it returns ctx's error and has
// taken none. A context that has ended already does not fail a call that need not wait.
func (s *Semaphore) Acquire(ctx context.Context) error {
	w := atomic.LoadUint32(&s.semaphore)
	if w < token || !atomic.CompareAndSwapUint32(&s.semaphore, w, w-token) {
		return s.acquireSlow(ctx)
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(s))
	}
	return nil
}

// Release adds n tokens and wakes as many who wait. An n below zero, or one that takes the value above
// MaxValue, is an error and changes nothing.
func (s *Semaphore) Release(n int) error {
	w := atomic.LoadUint32(&s.semaphore)
	if race.Enabled || n != 1 || w&(waitBit|watched|top) != 0 || !atomic.CompareAndSwapUint32(&s.semaphore, w, w+token) {
		return s.releaseSlow(n)
	}
	return nil
}

//go:noinline
func (s *Semaphore) releaseSlow(n int) error {
	if race.Enabled {
		race.Release(unsafe.Pointer(s))
	}
	for {
		w := atomic.LoadUint32(&s.semaphore)
		if uint64(n) > uint64(MaxValue-w/token) {
			return s.tooMany(n)
		}
		if n == 0 {
			return nil // to clear W and wake nobody would lose the next wake-up
		}
		if atomic.CompareAndSwapUint32(&s.semaphore, w, w&^(waitBit|watched)+uint32(n)*token) {
			if w&waitBit != 0 {
				s.wake(n)
			}
			if w&watched != 0 {
				s.watchers.ring(all)
			}
			return nil
		}
	}
}

// Value is the number of tokens at this moment.
func (s *Semaphore) Value() int { return int(atomic.LoadUint32(&s.semaphore) / token) }

// Notify joins the semaphore to a Go select: until stop is called, c receives a token when there may be
// some to acquire, also when there are at the time of the call. Tokens are sent as signal.Notify sends: without
// blocking, so c must have room for one, and a token that finds c full stands for the one in it. Whoever
// receives one calls TryAcquire until that reports false. A watcher takes nothing from those who Acquire. stop
// returns when no more will be sent; call it before the memory is given up.
func (s *Semaphore) Notify(c chan<- struct{}) (stop func()) {
	return park.Notify(c, park.Watched{
		Word: &s.watchers.word, Look: (*watcher)(s), Announce: s.watch,
		Ready: func() bool { return s.Value() > 0 },
	})
}
