package ringbuf

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// turn is how many items may go by before a call looks at the far side, at its context and at Close.
const turn = 64

// writer is the producer's private half, and its slow paths. The first line is all that a fast path
// touches: end − pos > stop says at once that there is room, that the end is open, that nobody has shut the
// ring down as far as is known, and that it is not ctx's turn.
//
// One store publishes: tail. An item is written before it, so a kill leaves the item either not there or
// whole; the next holder goes on at tail.
type writer struct {
	pos   uint64       // the next position to publish
	end   uint64       // up to here nothing needs to be looked at
	mask  uint64       // slots − 1
	tail  *uint64      // abi.SPSC.Tail
	stop  atomic.Int64 // stopped once closed or shut down, maybe by another goroutine: every call has to look
	sleep *uint32      // abi.SPSC.NotEmpty.Waiting: not 0 while the consumer may sleep. Or always, see init

	r      *ring
	b      *byteWriter // of a ring of messages; then pos == end for ever
	limit  uint64      // up to here is free, as last seen
	need   uint64      // free places that a waiting call waits for
	polls  uint32      // of a call that spins
	site   park.Site
	turns  park.Turns // of a broadcast's publisher
	closed atomic.Bool
	inside atomic.Bool // a call is in a slow path
	grants *grants     // of a broadcast's publisher
	_      [128]byte   // the consumer's half may be allocated next to it
}

// stopped is more than any room.
const stopped = 1<<63 - 1

// always stands for a far side that may always be asleep: with it every commit takes the slow path.
var always uint32 = 1

func (w *writer) init(r *ring) error {
	pos, head := atomic.LoadUint64(&r.ctl.Tail), atomic.LoadUint64(&r.ctl.Head)
	if r.cast != nil {
		w.grants, head = &grants{cast: r.cast}, pos
	}
	if pos-head > r.slots {
		return r.corrupt("its length", pos-head, r.slots)
	}
	w.pos, w.end, w.limit, w.mask, w.r = pos, pos, pos, r.slots-1, r
	w.tail, w.sleep = &r.ctl.Tail, &r.ctl.NotEmpty.Waiting
	switch {
	case r.bytes && pos%abi.RecordAlign != 0:
		return r.misplaced("its tail", pos)
	case r.bytes:
		w.pos, w.end, w.tail, w.sleep = 0, 0, new(uint64), &always
		w.b = newByteWriter(w, pos)
	case r.seg.Guarded():
		w.tail, w.sleep = new(uint64), &always
		w.stop.Store(stopped) // no call is bare, also behind a Reserve
	case !fence.Ordered():
		w.sleep = &always
	}
	if w.grants != nil {
		return w.grants.resume(w.b)
	}
	return nil
}

// check is why an end cannot be used, if it cannot.
func (w *writer) check() error {
	switch {
	case w.r == nil || w.closed.Load():
		return os.ErrClosed
	case w.r.isShut() || atomic.LoadUint32(&w.r.ctl.Consumer)&abi.EndClosed != 0:
		return io.ErrClosedPipe
	}
	return nil
}

// leave ends a call that may have entered.
func (w *writer) leave() {
	if w.inside.Load() {
		w.inside.Store(false)
	}
}

// overrun says that more was committed than was reserved.
func (w *writer) overrun() bool { return int64(w.end-w.pos) < 0 }

const errOverrun = "ringbuf: Commit of more slots than Reserve returned"

// room makes pos < end, with up to n places if there are so many, or says why not. A nil ctx does not wait.
func (w *writer) room(ctx context.Context, n uint64) error {
	if w.overrun() {
		panic(errOverrun)
	}
	return w.enter(func() error { return w.makeRoom(ctx, n) })
}

// enter runs a slow path, which may wait: unless the end is closed, with the fault guard armed, and so
// that who closes the ring can see that somebody is inside.
//
// inside is taken back by the call that entered, when it has done what it came for (leave): until then Close
// keeps the end.
func (w *writer) enter(f func() error) error {
	w.inside.Store(true)
	if w.r == nil || w.closed.Load() {
		return os.ErrClosed
	}
	return w.r.protect(func() error {
		if err := w.check(); err != nil {
			return err
		}
		return f()
	})
}

func (w *writer) makeRoom(ctx context.Context, n uint64) (err error) {
	free := w.limit - w.pos
	if free == 0 { // ask the far side no sooner than needed: its line is far away
		if free, err = w.free(w.pos, 1, ctx == nil); err != nil {
			return err
		}
	}
	switch {
	case free == 0:
		if free, err = w.await(ctx, 1); err != nil {
			return err
		}
	case ctx != nil && ctx.Err() != nil:
		return ctx.Err()
	}
	w.limit = w.pos + free
	w.end = w.pos + min(free, max(n, turn))
	return nil
}

// free is how many places there are behind pos.
func (w *writer) free(pos, need uint64, exact bool) (uint64, error) {
	if w.grants != nil {
		return w.grants.free(pos, need, exact)
	}
	return w.r.free(pos, need, exact)
}

// free is how many places there are behind pos. The consumer hands space back lazily, on a line of its
// own that the producer may poll; before it is said for good that there are fewer than need, the exact word
// is read, which the consumer writes with every item.
func (r *ring) free(pos, need uint64, exact bool) (uint64, error) {
	n := atomic.LoadUint64(&r.ctl.Limit) - pos
	switch {
	case int64(n) >= int64(need):
	case exact:
		n = atomic.LoadUint64(&r.ctl.Head) + r.room - pos
	case int64(n) < 0: // we have used what the exact word had to give
		n = 0
	}
	if n > r.room {
		return 0, r.corrupt("its free space", n, r.room)
	}
	raceAcquire(&r.ctl.Head)
	return n, nil
}

// reserve is Reserve's slow path.
func (w *writer) reserve(ctx context.Context, n int) error {
	if n < 1 {
		return fmt.Errorf("ringbuf: Reserve of %d slots: %w", n, fs.ErrInvalid)
	}
	if w.b != nil {
		return fmt.Errorf("ringbuf: Reserve on a ring of messages: use ReserveBytes: %w", fs.ErrInvalid)
	}
	return w.room(ctx, uint64(n))
}

// commit is Commit. With the wrapper around it, it costs just what the inliner allows: fence.Publish is
// written out, and whatever needs more than one look is commitSlow's.
func (w *writer) commit(n int) {
	w.pos += uint64(n)
	if race.Enabled {
		raceRelease(w.tail)
	}
	if fence.PlainStore {
		*w.tail = w.pos
	} else {
		atomic.StoreUint64(w.tail, w.pos)
	}
	if atomic.LoadUint32(w.sleep) != 0 {
		w.commitSlow()
	}
}

// commitSlow is Commit when the consumer may sleep, when the caller has committed more than it had, or
// when plain memory is not what there is to write to.
//
//go:noinline
func (w *writer) commitSlow() {
	switch {
	case w.b != nil:
		n := int(w.pos - w.end)
		w.pos = w.end
		w.b.commit(n)
	case w.overrun():
		panic(errOverrun)
	case w.r.seg.Guarded():
		_ = w.r.protect(func() error { // the next call says that the memory is gone
			fence.Publish(&w.r.ctl.Tail, w.pos)
			w.committed()
			return nil
		})
	default:
		w.committed()
	}
}

// committed wakes the consumer if it sleeps. Killed between the publication and this: the consumer's slice
// looks at the tail.
func (w *writer) committed() {
	if !fence.Ordered() {
		fence.Full()
	}
	w.r.notEmpty().Signal()
	runtime.KeepAlive(w)
}

// await waits until n places are free at once, and returns how many are.
func (w *writer) await(ctx context.Context, n uint64) (free uint64, err error) {
	if ctx == nil {
		return 0, ErrFull
	}
	w.need = n
	atomic.AddUint64(&w.r.ctl.PutWaits, 1)
	// Ready is more than room: a consumer has closed. When we look the next one may have come, and the ring
	// is as full as before.
	for free < n {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		w.polls = 0
		if w.grants != nil {
			w.grants.wants(w.position(), n)
		}
		if !w.site.SpinApart(8, w.roomy) && (w.grants == nil || !w.turns.Yield(w.roomy, w.roomy)) {
			atomic.AddUint64(&w.r.ctl.PutParks, 1)
			err = w.r.notFull().Await(ctx, w, w.ready)
		}
		if err == nil {
			err = w.check()
		}
		if err == nil {
			free, err = w.free(w.position(), n, true)
		}
		if err != nil {
			return 0, err
		}
	}
	return free, nil
}

// roomy is ready for a call that spins. It looks mostly at what the consumer writes now and then, and only
// sometimes at the line that it writes with every item; and seldom enough to leave both alone. A publisher comes back to a quarter
// of the ring: the slowest subscriber, which has just got a CPU, is to read on and not to be looked at.
func (w *writer) roomy() bool {
	w.polls++
	if w.grants != nil {
		return w.check() != nil || w.grants.enough(w.position(), max(w.need, w.r.room/4), w.polls%16 == 0)
	}
	if w.polls%16 == 0 {
		return w.ready()
	}
	n := atomic.LoadUint64(&w.r.ctl.Limit) - w.position()
	return int64(n) >= int64(w.need)
}

// ready says that a waiting producer should look: there is room, or there never will be. The carrier asks
// it too, for a consumer that died between its release and its wake-up.
func (w *writer) ready() bool {
	if w.check() != nil {
		return true
	}
	if w.grants != nil { // who carries the slice asks for itself, when it is over, who lives
		return w.grants.enough(w.position(), w.need, true) || w.grants.heldByDead(nil, w.position(), w.need)
	}
	free, err := w.r.free(w.position(), w.need, true)
	return err != nil || free >= w.need
}

// Stale implements park.Looker.
func (w *writer) Stale(t *park.Tick) bool {
	if w.grants != nil {
		return w.check() != nil || w.grants.enough(w.position(), w.need, true) || w.grants.heldByDead(t, w.position(), w.need)
	}
	return w.ready()
}

// position is the next position to publish, in either form of ring.
func (w *writer) position() uint64 {
	if w.b != nil {
		return w.b.pos
	}
	return w.pos
}

func (w *writer) name() string {
	if w.r == nil {
		return ""
	}
	return w.r.seg.Name()
}

// close gives the end up. A call that waits is woken and finds the end closed; it touches the ring no more.
func (w *writer) close() error {
	if w.r == nil || !w.closed.CompareAndSwap(false, true) {
		return os.ErrClosed
	}
	w.stop.Store(stopped)
	w.r.dismiss(&w.inside, w.r.notFull())
	w.r.producerEnd().release(0, w.r.notFull())
	return nil
}
