package ringbuf

import (
	"context"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
)

// listener is a subscriber's private half, and its slow paths; compare reader. What differs: its words are those
// of its place; and where it may be overrun, what it has copied counts only once oldest, loaded after that, is not
// beyond it.
type listener struct {
	pos    uint64       // the next position to take
	end    uint64       // up to here nothing needs to be looked at; of a ring of messages, pos
	mask   uint64       // slots − 1
	head   *uint64      // abi.Place.Pos
	stop   atomic.Int64 // stopped once closed, maybe by another goroutine: every call has to look
	sleep  *uint32      // abi.SPSC.NotFull.Waiting: not 0 while the publisher may sleep. Or always, or never
	oldest *uint64      // abi.Broadcast.Oldest; nil if subscribers are waited for
	fence  atomic.Uint32

	c      *cast
	place  *abi.Place
	seat   end    // the claim of the place
	tail   uint64 // the publisher's position as last seen
	every  uint64 // how many items may go by before space is handed back
	given  uint64 // up to here space has been handed back
	quick  bool   // see nothing
	seen   byte   // what touch has loaded, so that it loads
	lull   uint32 // how long to keep off the publisher's line when there is nothing, in pauses
	site   park.Site
	turns  park.Turns
	closed atomic.Bool
	inside atomic.Bool // a call is in a slow path
	watch  park.Watches
	msgs   hearing // of a ring of messages
	_      [128]byte
}

// never stands for a publisher that does not sleep for want of room.
var never uint32

// init is called with the place claimed, and joined at pos, which is behind count messages.
func (l *listener) init(c *cast, seat end, place *abi.Place, pos, count uint64) {
	l.c, l.seat, l.place = c, seat, place
	l.pos, l.end, l.tail, l.given, l.mask = pos, pos, pos, pos, c.slots-1
	l.head, l.sleep = &place.Pos, &c.ctl.NotFull.Waiting
	l.quick = c.seg.Sealed() && !c.bytes && !c.overrun
	l.every = max(1, min(turn, c.cap/4))
	l.msgs.count = count
	if c.overrun {
		l.oldest, l.sleep, l.every = &c.all.Oldest, &never, turn
	}
	switch {
	case c.bytes:
	case c.seg.Guarded():
		l.head, l.sleep = new(uint64), &always
		l.stop.Store(stopped) // as writer.init
	case !fence.Ordered() && !c.overrun:
		l.sleep = &always
	}
}

func (l *listener) check() error {
	if l.c == nil || l.closed.Load() {
		return os.ErrClosed
	}
	return nil
}

// leave is writer.leave.
func (l *listener) leave() {
	if l.inside.Load() {
		l.inside.Store(false)
	}
}

// enter is writer.enter.
func (l *listener) enter(f func() error) error {
	l.inside.Store(true)
	if err := l.check(); err != nil {
		return err
	}
	return l.c.protect(f)
}

// torn reports, of what was copied from pos on, whether it may have been overwritten meanwhile. It pairs with
// grants.announce.
func (l *listener) torn(pos uint64) bool {
	if !loadsInOrder {
		l.fence.Add(1) // what was copied was loaded before this
	}
	return before(pos, atomic.LoadUint64(l.oldest))
}

// spoilt is torn for slow paths: memory that is gone is as good as overwritten, and the next look says what it is.
func (l *listener) spoilt(pos uint64) (is bool) {
	return l.shield(func() error { is = l.torn(pos); return nil }) != nil || is
}

// items makes pos < end, with up to n items if there are so many, or says why not. A nil ctx does not wait.
func (l *listener) items(ctx context.Context, n uint64) error {
	if int64(l.end-l.pos) < 0 {
		panic(errOverreleased)
	}
	return l.enter(func() error { return l.look(ctx, n) })
}

func (l *listener) look(ctx context.Context, n uint64) error {
	if l.oldest != nil {
		if err := l.lost(); err != nil {
			return err
		}
	}
	if l.given != l.pos {
		l.given = l.pos
		l.handBack()
	}
	if ctx != nil && ctx.Err() != nil && l.tail != l.pos {
		return ctx.Err()
	}
	if l.tail == l.pos { // no sooner than needed: the publisher's line is far away
		if err := l.arrived(ctx); err != nil {
			return err
		}
	}
	l.end = l.pos
	if !l.c.bytes {
		l.end += min(l.tail-l.pos, max(n, l.every))
	}
	return nil
}

// lost says how many were overwritten before they were read, and goes on to the oldest left. Killed before the
// caller hears of it: nobody else cares.
func (l *listener) lost() error {
	if !before(l.pos, atomic.LoadUint64(l.oldest)) {
		return nil
	}
	at, n, err := l.c.countOldest()
	if err != nil {
		return err
	}
	if tail := atomic.LoadUint64(&l.c.ctl.Tail); before(tail, at) || before(at, l.pos) || l.c.bytes && at%abi.RecordAlign != 0 {
		return l.c.misplaced("its oldest position", at)
	}
	missed := at - l.pos
	if l.c.bytes {
		missed, l.msgs.count = n-l.msgs.count, n
		fence.Publish(&l.place.Count, n)
	}
	l.pos, l.end = at, at
	if before(l.tail, at) {
		l.tail = at
	}
	fence.Publish(&l.place.Pos, at)
	count(&l.c.all.Missed, missed)
	return &MissedError{N: missed}
}

// arrived is reader.arrived.
func (l *listener) arrived(ctx context.Context) error {
	if ctx != nil && l.lull != 0 {
		park.Pause(l.lull)
	}
	for {
		l.touch()
		tail := atomic.LoadUint64(&l.c.ctl.Tail)
		n := tail - l.pos
		if l.oldest != nil && n != 0 { // it may be a lap or more
			if err := l.lost(); err != nil {
				return err
			}
		}
		if n > l.c.slots {
			return l.c.corrupt("its length", n, l.c.slots)
		}
		l.tail = tail
		raceAcquire(&l.c.ctl.Tail)
		if n != 0 {
			l.lull = adapt(l.lull, l.c.ring, n)
			return nil
		}
		if err := l.await(ctx); err != nil {
			return err
		}
	}
}

// touch is reader.touch.
func (l *listener) touch() { l.seen += l.c.buf[l.pos&l.mask*l.c.elem] }

// arriving is ready, for the subscriber itself.
func (l *listener) arriving() bool {
	l.touch()
	return l.ready()
}

// much says that so much has come that to wait longer would have held the publisher up.
func (l *listener) much() bool { return atomic.LoadUint64(&l.c.ctl.Tail)-l.pos >= l.c.room/4 }

// nothing is reader.nothing.
func (l *listener) nothing() bool {
	if !l.quick || l.pos != l.end || l.given != l.pos || l.stop.Load() != 0 {
		return false
	}
	l.touch()
	empty := atomic.LoadUint64(&l.c.ctl.Tail) == l.pos && !l.c.isShut()
	runtime.KeepAlive(l)
	return empty
}

// await waits until there is something to take. Nil means: look.
func (l *listener) await(ctx context.Context) (err error) {
	switch {
	case l.c.isShut():
		// Set after the last item was published, so one more look at the tail sees it.
		raceAcquire(&l.c.ctl.Tail)
		if atomic.LoadUint64(&l.c.ctl.Tail) == l.pos {
			return io.EOF
		}
		return nil
	case ctx == nil:
		return ErrEmpty
	case ctx.Err() != nil:
		return ctx.Err()
	}
	atomic.AddUint64(&l.c.ctl.GetWaits, 1)
	if !l.site.Spin(l.arriving) && !l.turns.Yield(l.arriving, l.much) {
		atomic.AddUint64(&l.c.ctl.GetParks, 1)
		err = l.c.notEmpty().Await(ctx, l, l.ready)
	}
	if err == nil {
		err = l.check()
	}
	if err != nil {
		return err
	}
	if at := atomic.LoadUint64(&l.place.Pos); at != l.pos {
		return l.c.misplaced("a subscriber's own position", at)
	}
	return nil
}

// ready says that a waiting subscriber should look. The carrier asks it too, for a publisher that died between its
// commit and its wake-up; and so does Notify, from a goroutine of its own: so it looks at shared words alone.
func (l *listener) ready() bool {
	return l.closed.Load() || atomic.LoadUint64(&l.c.ctl.Tail) != atomic.LoadUint64(&l.place.Pos) || l.c.isShut()
}

// Stale implements park.Looker.
func (l *listener) Stale(*park.Tick) bool { return l.ready() }

// handBack lets the publisher have everything before pos.
func (l *listener) handBack() { fence.Publish(&l.place.Given, l.pos) }

// moved publishes that pos has come here from from.
func (l *listener) moved(from uint64) {
	if race.Enabled {
		raceRelease(&l.place.Pos)
	}
	fence.Publish(&l.place.Pos, l.pos)
	if l.c.overrun {
		return
	}
	if !fence.Ordered() {
		fence.Full()
	}
	if l.c.notFull().Awaited() {
		l.released(from)
	}
}

// released hands space back and wakes the publisher if it sleeps and waits for this: others who come later, or
// were there before, need not. Killed before: the publisher's slice reads the positions, which are exact.
func (l *listener) released(from uint64) {
	l.given = l.pos
	l.handBack()
	if !fence.Ordered() {
		fence.Full()
	}
	if goal := atomic.LoadUint64(&l.c.all.Goal); before(from, goal) && !before(l.pos, goal) {
		l.c.notFull().Signal()
	}
	runtime.KeepAlive(l)
}

func (l *listener) name() string {
	if l.c == nil {
		return ""
	}
	return l.c.seg.Name()
}

// notify is reader.notify.
func (l *listener) notify(ch chan<- struct{}) (stop func()) {
	return l.watch.Add(func() func() { return l.c.notEmpty().Notify(ch, l, l.ready) }, l.closed.Load)
}

// close gives the place up. A call that waits is woken and finds it closed; it touches the ring no more.
func (l *listener) close() error {
	if l.c == nil || !l.closed.CompareAndSwap(false, true) {
		return os.ErrClosed
	}
	l.stop.Store(stopped)
	l.c.dismiss(&l.inside, l.c.notEmpty())
	l.watch.End()
	l.seat.activeRelease(l.c.notFull())
	return nil
}
