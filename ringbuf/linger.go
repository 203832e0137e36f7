package ringbuf

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// A closed ring may still be under the feet of a goroutine on its way out of a call, if its end was closed
// from another one. Its memory stays mapped until the collector has found the end unreachable: every
// call keeps its end alive to its last touch. So that this is not for long, Close runs a collection
// when much has gathered.
const (
	maxLingering      = 32
	maxLingeringBytes = 64 << 20
)

var lingering, lingeringBytes atomic.Int64

type lingerer struct {
	seg   *segment.Segment
	bytes int64
	ends  atomic.Int32 // that may be in use
}

// leaving is how long Close waits for a call that it has just woken to leave.
const leaving = time.Second

// dismiss wakes a call that waits in an end which is being closed, and waits until it has left.
func (r *ring) dismiss(inside *atomic.Bool, event *park.Event) {
	if !inside.Load() {
		return
	}
	_ = r.protect(func() error { event.Signal(); return nil })
	for start := time.Now(); inside.Load() && time.Since(start) < leaving; {
		time.Sleep(20 * time.Microsecond)
	}
}

// follow looks after an end that has been closed. If it was closed from outside just now, a call
// that does not wait may be in it still: then the memory stays for as long as the end is reachable.
func (l *lingerer) follow(end any, outside bool, inside *atomic.Bool) {
	if !outside && !inside.Load() {
		return
	}
	if l.ends.Add(1) == 1 {
		lingering.Add(1)
		lingeringBytes.Add(l.bytes)
	}
	switch e := end.(type) {
	case *writer:
		runtime.AddCleanup(e, (*lingerer).gone, l)
	case *listener:
		runtime.AddCleanup(e, (*lingerer).gone, l)
	case *reader:
		runtime.AddCleanup(e, (*lingerer).gone, l)
	}
}

// close closes the segment, or leaves that to the collector.
func (l *lingerer) close() error {
	if l.ends.Load() == 0 {
		return l.seg.Close()
	}
	if lingering.Load() > maxLingering || lingeringBytes.Load() > maxLingeringBytes {
		runtime.GC()
	}
	return nil
}

func (l *lingerer) gone() {
	if l.ends.Add(-1) == 0 {
		_ = l.seg.Close()
		lingering.Add(-1)
		lingeringBytes.Add(-l.bytes)
	}
}
