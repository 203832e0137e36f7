package park

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/futex"
)

// maxDirect is how many leaders of a process sleep in a thread of their own.
const maxDirect = 48

var directs atomic.Int32

// bit singles this process out among the sleepers of a word, where futex_waitv is missing. Two
// processes may share one: then a poke wakes a stranger for nothing.
var bit = uint32(1) << rand.IntN(32)

// blind is how long one sleeps at most whom nothing but its word can wake: the word's memory may go (a file
// that was cut short), and a wake-up with it.
const blind = time.Second

// Sleep parks the leader while the word is old. The context, a wake-up of the word, a poke by the
// carrier and, for the carrier itself, the end of the slice are what ends it.
func (w *Waiter) Sleep(old uint32) Wake {
	if w.ctx.Err() != nil {
		return Done
	}
	w.old.Store(old)
	if directs.Add(1) > maxDirect {
		directs.Add(-1) // before it sleeps: the seats are for those who sleep in a thread of their own
		return w.sleepPolled(old)
	}
	defer directs.Add(-1)
	return w.sleepDirect(old)
}

func (w *Waiter) sleepDirect(old uint32) Wake {
	if w.stop == nil && w.ctx.Done() != nil {
		w.stop = context.AfterFunc(w.ctx, func() { w.poke(direct) })
	}
	w.state.Store(direct)
	limit := w.lieDown()
	err := w.futexWait(old, limit)
	getUp()
	w.state.Store(awake)
	poked := atomic.SwapUint32(&w.poked, 0) != 0
	over := err == futex.ErrTimeout || w.isDue()
	if over {
		tick()
	}
	switch {
	case w.ctx.Err() != nil && (poked || err != nil):
		return Done
	case poked || over:
		return Look
	case err == futex.ErrChanged:
		return Changed
	}
	return Woken
}

// futexWait sleeps until a wake-up of the word, a poke, or the limit. Only the carrier has a limit, and
// one without a context needs no poke: its own limit comes soon enough.
func (w *Waiter) futexWait(old uint32, limit time.Duration) error {
	if atomic.LoadUint32(&w.poked) != 0 {
		return nil
	}
	switch {
	case limit > 0 && w.ctx.Done() == nil:
		return futex.Wait(w.word, old, limit)
	case !futex.HaveMany():
		if limit == 0 {
			limit = blind
		}
		return futex.WaitBits(w.word, old, limit, bit)
	}
	w.vec = [2]futex.Word{futex.Shared(w.word, old), futex.Private(&w.poked, 0)}
	_, err := futex.WaitMany(w.vec[:], limit)
	runtime.KeepAlive(w)
	return err
}

// poke makes a sleeper look again. It may come at any time, and is not lost on one who is about to sleep.
func (w *Waiter) poke(how uint32) {
	if how == polled {
		select {
		case w.ready <- struct{}{}:
		default:
		}
		return
	}
	first := atomic.SwapUint32(&w.poked, 1) == 0
	switch {
	case futex.HaveMany():
		futex.WakePrivate(&w.poked)
	case first: // else somebody is at it
		go w.pokeBits(w.word)
	}
}

// pokeBits wakes without futex_waitv: the sleeper may have looked at poked and not sleep yet, so it is
// woken until it has seen it.
func (w *Waiter) pokeBits(word *uint32) {
	for atomic.LoadUint32(&w.poked) != 0 && w.state.Load() == direct {
		futex.WakeBits(word, bit)
		time.Sleep(50 * time.Microsecond)
	}
}

func (w *Waiter) sleepPolled(old uint32) Wake {
	select {
	case <-w.ready: // a poke that came after an earlier sleep
	default:
	}
	p := pollers.add(w, old)
	w.state.Store(polled)
	w.putDown()
	lieDownPolled()
	defer func() {
		w.state.Store(awake)
		getUp()
	}()
	select {
	case <-w.ready:
	case <-w.ctx.Done():
	}
	switch {
	case !p.remove(w): // the poller has taken it out, to wake it
		return Woken
	case w.ctx.Err() != nil:
		return Done
	}
	return Look // poked by the carrier
}
