package value

import (
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/park"
)

// pace keeps a reader off a writer at full speed. Each load of a new version takes the writer's cache lines away from it,
// which costs the writer about as long as a line takes there and back (60 to 300 ns); a reader in a loop would slow a writer down
// to less than half. So once a load through a handle has found a new version, the next one looks no sooner than apart after it: it
// waits before it looks, for a look alone takes a line away. A load that has found the version that was there before costs nobody
// anything, and nobody waits after it.
type pace struct {
	version atomic.Int64 // what the last load found
	next    atomic.Int64 // if that was new: when the next one may look; else 0
}

const apart = 2 * time.Microsecond

var epoch = time.Now()

// keep waits until a load may look.
func (p *pace) keep() {
	next := time.Duration(p.next.Load())
	for next != 0 && time.Since(epoch) < next {
		park.Pause(4)
	}
}

// found is told which version the load has found.
func (p *pace) found(version uint64) {
	if p.version.Load() != int64(version) {
		p.version.Store(int64(version))
		p.next.Store(int64(time.Since(epoch) + apart))
	} else if p.next.Load() != 0 {
		p.next.Store(0)
	}
}
