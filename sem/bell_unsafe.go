package sem

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/futex"
)

// bell is the word on which goroutines sleep that wait for a change of several others (an event count):
//
//	31            1   0
//	+--------------+---+
//	|     seq      | W |    W: somebody may sleep on this word
//	+--------------+---+
//
// Who waits announces (sets W), looks at the other words once more, and sleeps on exactly the word that it
// announced. Who changes one of them rings: with W clear that is one load, else one compare-and-swap clears W
// and moves seq on, so that nobody falls asleep on the old word, and wakes. The change and the load, the
// announcement and the look are atomic operations of one total order: either the one who looks sees the
// change, or the one who rings sees W.
//
// Killed after the change and before the swap, or between the swap and the wake-up: nothing is lost that
// the slice of every process with a sleeper does not find, for a sleeper's Stale looks at the words themselves.
type bell struct{ word uint32 }

const (
	rung = 1 << 1 // one step of seq
	all  = 1<<31 - 1
)

// announce sets W and returns the word to sleep on.
func (b *bell) announce() uint32 {
	for {
		w := atomic.LoadUint32(&b.word)
		if w&waitBit != 0 || atomic.CompareAndSwapUint32(&b.word, w, w|waitBit) {
			return w | waitBit
		}
	}
}

// ring tells up to n of those who announced themselves, if any did. With n less than all, one who was woken
// and takes what it waited for announces anew and wakes the next if there is more: W is clear then, and the
// next who rings would wake nobody.
func (b *bell) ring(n int) {
	if atomic.LoadUint32(&b.word)&waitBit != 0 {
		b.swing(n)
	}
}

func (b *bell) swing(n int) {
	for {
		w := atomic.LoadUint32(&b.word)
		if w&waitBit == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&b.word, w, w&^waitBit+rung) {
			futex.Wake(&b.word, n)
			return
		}
	}
}

// pass hands on a wake-up that its receiver may not need.
func (b *bell) pass() { futex.Wake(&b.word, 1) }
