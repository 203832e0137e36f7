package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/race"
)

// Once does something once for all processes: sync.Once, for what lies in shared memory. Four bytes, ready
// when zeroed, not to be copied.
//
// If the process that does it dies in the midst, the next one does it from the start: f has to cope with
// what a dead one may have left. Nobody is taken for dead while a thread of it could still run.
//
// The return of the f that succeeds synchronizes before the return of every Do that reports success, in
// whichever process.
//
// All methods are safe for concurrent use. Outside of a shared segment it works within the process.
type Once struct {
	_ noCopy

	// 31            3   2   1   0
	// +--------------+---+---+---+    owner: who is at it, 0 for nobody
	// |    owner     | 0 | W | D |    D: it is done
	// +--------------+---+---+---+    W: somebody may sleep on this word
	once uint32
}

// Do calls f, unless some process has succeeded in that: then it returns nil at once. While another
// goroutine is at it, in whichever process, Do waits. If f returns an error, Do returns it, and it is not
// done: the next Do calls its own f, or one that waits already; likewise if f panics or ends its goroutine.
//
// If ctx ends while Do waits it returns ctx's error; f itself gets no context, and is not interrupted.
// A Do inside f waits for itself.
func (o *Once) Do(ctx context.Context, f func() error) error {
	if atomic.LoadUint32(&o.once)&done == 0 {
		return o.doSlow(ctx, f)
	}
	if race.Enabled {
		race.Acquire(unsafe.Pointer(o))
	}
	return nil
}
