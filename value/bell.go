package value

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/futex"
)

// bell is the word on which those sleep who wait for another value (an event count, as the bell of a
// sem.Semaphore):
//
//	31            1   0
//	+--------------+---+
//	|     seq      | W |    W: somebody may sleep on this word
//	+--------------+---+
//
// Who waits announces (sets W), looks at the value once more, and sleeps on exactly the word that it announced. Who
// has changed the value loads the bell behind a full fence, and with W set moves it on and wakes all: they
// wait for different values.
//
// Killed between the change and the wake-up: the sleepers' slices, for their Stale compares the value itself.
type bell struct{ word uint32 }

const (
	awaited   = 1
	rung      = 2 // one step of seq
	everybody = 1<<31 - 1
)

// announce sets W and returns the word to sleep on.
func (b *bell) announce() uint32 {
	for {
		w := atomic.LoadUint32(&b.word)
		if w&awaited != 0 || atomic.CompareAndSwapUint32(&b.word, w, w|awaited) {
			return w | awaited
		}
	}
}

// swing wakes all who have announced themselves.
//
//go:noinline
func (b *bell) swing() {
	for {
		w := atomic.LoadUint32(&b.word)
		if w&awaited == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(&b.word, w, w&^awaited+rung) {
			futex.Wake(&b.word, everybody)
			return
		}
	}
}

// changed rings for whoever waits, if anybody does.
func (c *core[T]) changed() {
	if atomic.LoadUint32(&c.bell.word)&awaited != 0 {
		c.bell.swing()
	}
}
