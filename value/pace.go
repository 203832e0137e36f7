package value

import (
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/park"
)

// pace keeps a reader off a writer at full speed. Each load of a new version takes the writer's cache lines away from it
// for some 40 ns; a reader in a loop would slow a writer down to less than half. So two loads through one handle that find a new
// version are at least apart from each other. A load that finds the version that it found last costs nobody anything,
// and does not wait.
type pace struct {
	version, at atomic.Int64 // what the last load found, and when it was that it was new
}

const apart = time.Microsecond

var epoch = time.Now()

// keep waits until the version may be used, and reports whether it has waited: there may be a newer one.
func (p *pace) keep(version uint64) (waited bool) {
	if p.version.Load() == int64(version) {
		return false
	}
	next := time.Duration(p.at.Load()) + apart
	now := time.Since(epoch)
	for ; now < next; now = time.Since(epoch) {
		park.Pause(4)
		waited = true
	}
	p.version.Store(int64(version))
	p.at.Store(int64(now))
	return waited
}
