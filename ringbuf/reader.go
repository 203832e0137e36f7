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

// reader is the consumer's private half, and its slow paths. The first lines are all that a fast path
// touches: end − pos > stop says at once that there is an item, that the end is open, that it is not ctx's
// turn and not yet time to hand space back.
//
// One store takes: head, on a line of its own, so that the exact position is always there to be read: by
// a producer that would say "full", and by the next consumer after a death. The producer's polling would
// make that line expensive, so it polls another one, limit, that is written every so often.
type reader struct {
	pos   uint64       // the next position to take
	end   uint64       // up to here nothing needs to be looked at
	mask  uint64       // slots − 1
	head  *uint64      // abi.SPSC.Head
	stop  atomic.Int64 // stopped once closed, maybe by another goroutine: every call has to look
	sleep *uint32      // abi.SPSC.NotFull.Waiting: not 0 while the producer may sleep. Or always, see init

	r      *ring
	b      *byteReader // of a ring of messages; then pos == end for ever
	tail   uint64      // the producer's position as last seen
	every  uint64      // how many items may go by before space is handed back
	quick  bool        // see nothing
	given  uint64      // up to here space has been handed back
	seen   byte        // what touch has loaded, so that it loads
	lull   uint32      // how long to keep off the producer's line when the ring is empty, in pauses
	site   park.Site
	closed atomic.Bool
	inside atomic.Bool // a call is in a slow path
	watch  park.Watches
	_      [128]byte
}

func (r *reader) init(in *ring) error {
	pos, tail := atomic.LoadUint64(&in.ctl.Head), atomic.LoadUint64(&in.ctl.Tail)
	if tail-pos > in.slots {
		return in.corrupt("its length", tail-pos, in.slots)
	}
	r.pos, r.end, r.tail, r.mask, r.r = pos, pos, pos, in.slots-1, in
	r.head, r.sleep = &in.ctl.Head, &in.ctl.NotFull.Waiting
	r.quick = in.seg.Sealed() && !in.bytes
	r.every = max(1, min(turn, in.cap/4))
	switch {
	case in.bytes && pos%abi.RecordAlign != 0:
		return in.misplaced("its head", pos)
	case in.bytes:
		r.pos, r.end, r.head, r.sleep = 0, 0, new(uint64), &always
		r.b = newByteReader(r, pos)
	case in.seg.Guarded():
		r.head, r.sleep = new(uint64), &always
		r.stop.Store(stopped) // as writer.init
	case !fence.Ordered():
		r.sleep = &always
	}
	r.handBack(pos) // what the last holder took and did not hand back; a waiting producer hears of us
	in.notFull().Signal()
	return nil
}

func (r *reader) check() error {
	if r.r == nil || r.closed.Load() {
		return os.ErrClosed
	}
	return nil
}

// leave is writer.leave.
func (r *reader) leave() {
	if r.inside.Load() {
		r.inside.Store(false)
	}
}

// overrun says that more was released than there was.
func (r *reader) overrun() bool { return int64(r.end-r.pos) < 0 }

const errOverreleased = "ringbuf: Release of more items than Next returned"

// items makes pos < end, with up to n items if there are so many, or says why not. A nil ctx does not wait.
func (r *reader) items(ctx context.Context, n uint64) error {
	if r.overrun() {
		panic(errOverreleased)
	}
	if ctx == nil { // it will not wait
		if err := r.check(); err != nil {
			return err
		}
		return r.r.protect(func() error { return r.look(ctx, n) })
	}
	return r.enter(func() error { return r.look(ctx, n) })
}

// enter is writer.enter.
func (r *reader) enter(f func() error) error {
	r.inside.Store(true)
	if err := r.check(); err != nil {
		return err
	}
	return r.r.protect(f)
}

func (r *reader) look(ctx context.Context, n uint64) error {
	if r.given != r.pos {
		r.given = r.pos
		r.handBack(r.pos)
	}
	if ctx != nil && ctx.Err() != nil && r.tail != r.pos {
		return ctx.Err()
	}
	if r.tail == r.pos { // no sooner than needed: the producer's line is far away
		if err := r.arrived(ctx, r.pos); err != nil {
			return err
		}
	}
	r.end = r.pos + min(r.tail-r.pos, max(n, r.every))
	return nil
}

// arrived brings tail up to date, and waits until there is something between pos and it.
//
// In a stream the consumer is the faster side: it would find the ring empty after every item or two, and
// each look takes the line away that the producer is about to write. So it keeps off for a lull, which
// adapts: longer while more comes in it than it lasts, shorter while less does. For who sends one item
// and waits for the answer it is none.
func (r *reader) arrived(ctx context.Context, pos uint64) error {
	if ctx != nil && r.lull != 0 && r.tail == pos {
		park.Pause(r.lull)
	}
	for {
		r.touch(pos)
		tail := atomic.LoadUint64(&r.r.ctl.Tail)
		if n := tail - pos; n > r.r.slots {
			return r.r.corrupt("its length", n, r.r.slots)
		}
		r.tail = tail
		raceAcquire(&r.r.ctl.Tail)
		if tail != pos {
			r.lull = adapt(r.lull, r.r, tail-pos)
			return nil
		}
		if err := r.await(ctx); err != nil {
			return err
		}
	}
}

// touch loads the place of the next item together with the tail that says whether it is there. The producer
// writes both within a moment, so that both lines are on their way at once: one after the other they
// would cost two crossings from CPU to CPU.
func (r *reader) touch(pos uint64) { r.seen += r.r.buf[pos&(r.r.slots-1)*r.r.elem] }

// arriving is ready, for the consumer itself.
func (r *reader) arriving() bool {
	r.touch(r.position())
	return r.ready()
}

// nothing says at once that an open ring is empty, for a caller that polls: how soon an item is seen is how
// often one can look. It says false where a look takes more: a named ring needs the fault guard.
func (r *reader) nothing() bool {
	if !r.quick || r.pos != r.end || r.given != r.pos || r.stop.Load() != 0 {
		return false
	}
	r.touch(r.pos)
	empty := atomic.LoadUint64(&r.r.ctl.Tail) == r.pos && !r.r.isShut()
	runtime.KeepAlive(r)
	return empty
}

// await waits until the ring is not empty. Nil means: look.
func (r *reader) await(ctx context.Context) (err error) {
	switch {
	case r.r.isShut():
		// Set after the last item was published, so one more look at the tail sees it.
		raceAcquire(&r.r.ctl.Tail)
		if atomic.LoadUint64(&r.r.ctl.Tail) == r.position() {
			return io.EOF
		}
		return nil
	case ctx == nil:
		return ErrEmpty
	case ctx.Err() != nil:
		return ctx.Err()
	}
	atomic.AddUint64(&r.r.ctl.GetWaits, 1)
	if !r.site.Spin(r.arriving) {
		atomic.AddUint64(&r.r.ctl.GetParks, 1)
		err = r.r.notEmpty().Await(ctx, r, r.ready)
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return err
	}
	if head := atomic.LoadUint64(&r.r.ctl.Head); head != r.position() {
		return r.r.misplaced("its head", head)
	}
	return nil
}

// empty compares the two ends' words. While the consumer waits, the exact position is its own.
func (r *ring) empty() bool {
	return atomic.LoadUint64(&r.ctl.Tail) == atomic.LoadUint64(&r.ctl.Head)
}

// ready says that a waiting consumer should look. The carrier asks it too, for a producer that died between
// its commit and its wake-up; and so does Notify, from a goroutine of its own: so it looks at shared
// words alone.
func (r *reader) ready() bool { return r.closed.Load() || !r.r.empty() || r.r.isShut() }

// Stale implements park.Looker.
func (r *reader) Stale(*park.Tick) bool { return r.ready() }

// handBack lets the producer have everything before pos.
func (r *reader) handBack(pos uint64) { fence.Publish(&r.r.ctl.Limit, pos+r.r.room) }

// next is Next's slow path.
func (r *reader) next(ctx context.Context, n int) error {
	if n < 1 {
		return fmt.Errorf("ringbuf: Next of %d items: %w", n, fs.ErrInvalid)
	}
	return r.items(ctx, uint64(n))
}

// release is Release, written as writer.commit is.
func (r *reader) release(n int) {
	r.pos += uint64(n)
	if race.Enabled {
		raceRelease(r.head)
	}
	if fence.PlainStore {
		*r.head = r.pos
	} else {
		atomic.StoreUint64(r.head, r.pos)
	}
	if atomic.LoadUint32(r.sleep) != 0 {
		r.releaseSlow()
	}
}

// releaseSlow is Release when the producer may sleep, or when plain memory is not what there is to write to.
//
//go:noinline
func (r *reader) releaseSlow() {
	switch {
	case r.b != nil:
		n := int(r.pos - r.end)
		r.pos = r.end
		r.b.release(n)
	case r.overrun():
		panic(errOverreleased)
	case r.r.seg.Guarded():
		_ = r.r.protect(func() error { // the next call says that the memory is gone
			fence.Publish(&r.r.ctl.Head, r.pos)
			r.released()
			return nil
		})
	default:
		r.released()
	}
}

// released hands space back and wakes the producer if it sleeps. Killed before: the producer's slice reads
// head, which is exact.
func (r *reader) released() {
	r.handBack(r.position())
	if !fence.Ordered() {
		fence.Full()
	}
	r.r.notFull().Signal()
	runtime.KeepAlive(r)
}

// position is the next position to take, in either form of ring.
func (r *reader) position() uint64 {
	if r.b != nil {
		return r.b.pos
	}
	return r.pos
}

func (r *reader) name() string {
	if r.r == nil {
		return ""
	}
	return r.r.seg.Name()
}

// close gives the end up, with a mark that tells the producer. A call that waits is woken and finds the end
// closed; it touches the ring no more.
func (r *reader) close() error {
	if r.r == nil || !r.closed.CompareAndSwap(false, true) {
		return os.ErrClosed
	}
	r.stop.Store(stopped)
	r.r.dismiss(&r.inside, r.r.notEmpty())
	r.unwatch()
	r.r.consumerEnd().release(abi.EndClosed, r.r.notFull(), r.r.notEmpty())
	return nil
}
