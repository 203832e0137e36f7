// Package park is the one wait loop of the toolkit: how a goroutine sleeps until a word in shared memory
// changes, whoever dies meanwhile.
//
// A primitive spins for a while (Site), announces itself in its word, then parks:
//
//	w := park.Join(ctx, &word, look)
//	defer w.Leave()
//	for !take() {
//		old := announce()
//		if !w.Leading() { … w.Lead() … continue }
//		switch w.Sleep(old) { … }
//	}
//
// Three rules keep threads few and wake-ups safe:
//
//   - The lot. The goroutines of one process that wait for the same word form a queue, and only its head,
//     the leader, sleeps in the kernel. The leader stays leader until it leaves, and appoints its
//     successor as it does; the successor looks before it sleeps. So a wake-up that reached a process
//     is passed on inside it. Other processes know nothing of the lot: a waker looks at the word alone,
//     and every waiter, follower or leader, announces itself there.
//   - The slice. Exactly one sleeper of a process, the carrier, sleeps with a time limit. When it runs out
//     the carrier looks for all: it pokes every sleeper whose word has changed or names a dead process.
//     All others sleep untimed and keep their place in the kernel's queue. A wake-up that was lost
//     because the waker died before it, or the woken one after it, is healed here, by every process
//     that has a sleeper, one slice later at the most.
//   - Few threads. Some dozens of leaders sleep in threads of their own, with the shortest way back; the
//     rest share pollers, each of which waits for up to 63 words at once.
package park

import (
	"context"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/futex"
	"github.com/shmkit/shmkit/internal/owner"
)

// Wake says how a Sleep ended.
type Wake int

const (
	Woken   Wake = iota // it slept on the word and was woken, perhaps for no reason
	Changed             // the word was different already: it did not sleep
	Look                // a slice is over: look at everything, at dead holders too
	Done                // the context has ended
)

// Looker is the primitive that a goroutine waits for.
type Looker interface {
	// Stale reports whether a sleeper should look again although its word has not changed: because a
	// process named in the primitive's words has died. The carrier asks it once a slice, from another
	// goroutine than the sleeper's.
	Stale(t *Tick) bool
}

// Waiter is one goroutine's stay in the lot.
type Waiter struct {
	word   *uint32
	look   Looker
	ctx    context.Context
	region *owner.Region
	shard  *shard

	leading bool    // guarded by shard.mu when set by another
	queued  bool    // guarded by shard.mu
	prev    *Waiter // guarded by shard.mu
	next    *Waiter // guarded by shard.mu

	ready chan struct{} // appointed leader; or, while polled, poked
	state atomic.Uint32 // awake, direct or polled: what a poke has to do
	old   atomic.Uint32 // what it sleeps on
	poked uint32        // direct: a private futex word, 1 ends the sleep
	vec   [2]futex.Word
	stop  func() bool // ends the context's poke
	spent bool        // a late poke may still come: not to be used again

	carries bool // it carries the slice of the process

	handed uint64 // by the leader before; guarded by shard.mu until appointed
	hand   uint64 // for the leader after
}

const (
	awake = iota
	direct
	polled
)

var waiters = sync.Pool{New: func() any { return &Waiter{ready: make(chan struct{}, 1)} }}

// Join enters the lot of word. If nobody of this process leads there, the caller does.
func Join(ctx context.Context, word *uint32, look Looker) *Waiter {
	w := waiters.Get().(*Waiter)
	select {
	case <-w.ready: // a poke that came as it left
	default:
	}
	atomic.StoreUint32(&w.poked, 0)
	w.word, w.look, w.ctx = word, look, ctx
	w.shard = shardOf(word)
	w.region = owner.Find(unsafe.Pointer(word))
	w.region.Enter()
	w.shard.enter(w)
	return w
}

// Leading reports whether the caller is the one of its process that may Sleep.
func (w *Waiter) Leading() bool { return w.leading }

// Lead waits until the caller is appointed leader. It reports false when the context ended first; then
// nothing was handed to the caller. One who is appointed counts as woken.
func (w *Waiter) Lead() bool {
	if w.leading {
		return true
	}
	select {
	case <-w.ready:
		w.leading = true
		return true
	case <-w.ctx.Done():
		return w.shard.withdraw(w)
	}
}

// Handed is what the leader before, which appointed the caller, has left with Hand; zero if nothing.
func (w *Waiter) Handed() uint64 { return w.handed }

// Hand leaves v to the successor of the caller, who leads. Whoever hands nothing on leaves what was handed
// to itself: one who leaves before it knows that it was appointed.
func (w *Waiter) Hand(v uint64) { w.hand = v }

// Leave ends the stay. A leader appoints its successor, which is all the passing on that this process
// needs; whether sleepers of other processes need more is the primitive's to decide.
func (w *Waiter) Leave() {
	if w.stop != nil {
		w.spent = !w.stop()
		w.stop = nil
	}
	w.putDown()
	w.shard.leave(w)
	w.region.Leave()
	if w.spent {
		return
	}
	w.word, w.look, w.ctx, w.region, w.shard = nil, nil, nil, nil, nil
	w.leading = false
	w.handed, w.hand = 0, 0
	waiters.Put(w)
}
