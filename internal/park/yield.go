package park

import (
	"sync/atomic"
	"time"
)

// Where there are more processes than CPUs, whom one waits for may be waiting for this very CPU. Spinning keeps him
// off it; a sleep and a wake-up cost some ten times as much as giving way.
const (
	yields = 4                      // times to give way, at most: with nobody else there each is a look and a system call
	steady = 500 * time.Microsecond // who gave way for longer, to no avail, gave way to somebody who computes
	shy    = 256                    // waits without giving way after that: one in so many pays for the next try
)

// Turns learns, for one place that waits, whether it pays to give way to others that want the CPU. Its zero
// value is ready. It lies in private memory, and goroutines may share it.
type Turns struct{ shun atomic.Uint32 }

// Yield gives way until ready reports true, some times at most. Where many processes take turns each turn is long: much says that
// so much has come meanwhile that this was well spent.
func (t *Turns) Yield(ready, much func() bool) bool {
	if n := t.shun.Load(); n != 0 {
		t.shun.CompareAndSwap(n, n-1)
		return false
	}
	for range yields {
		start := time.Now()
		giveWay()
		long := time.Since(start) > steady && !much()
		if long {
			t.shun.Store(shy)
		}
		if ready() {
			return true
		}
		if long {
			return false
		}
	}
	return false
}

var giveWay = yield // tests replace it
