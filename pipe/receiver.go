package pipe

import (
	"context"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
)

// receiver is the private half of the direction in which an end receives. A word of a frame is loaded once and checked
// against the private tail: a peer that scribbles gets shm.ErrCorrupt, and nothing outside of the ring is read.
type receiver struct {
	baton
	*lane
	e     *end
	pos   uint64 // the next position to take
	tail  uint64 // the sender's position as last seen
	given uint64 // up to here space was handed back
	gets  uint64 // messages
	left  int    // receives until it is ctx's turn
	empty uint32 // looks in vain that did not wait
	seen  byte   // what touch has loaded, so that it loads
	site  park.Site

	rest uint64 // bytes of the stream's frame at hand that have not been read
	long longMessage
	room []byte // for encoded values

	until *moment // of a Read that spins

	ready   func() bool // method values, made once
	coming  func() bool
	patient func() bool
}

func (r *receiver) init(e *end, l *lane) {
	r.e, r.lane, r.pos, r.tail, r.given = e, l, start, start, start
	r.baton.init()
	r.ready, r.coming, r.patient = r.lookWell, r.arriving, r.giveWay
}

// enter begins a call, as sender.enter does.
func (r *receiver) enter(ctx context.Context) error {
	if r.buf == nil {
		return wrongWay(r.e.n)
	}
	if err := r.take(ctx, r.e); err != nil {
		return err
	}
	if r.e.claimed.Load() {
		return nil
	}
	err := r.e.claim()
	if err != nil {
		r.give(r.e)
	}
	return err
}

// next returns the word of the frame at pos, whole in the ring, and waits for it. A nil ctx does not wait.
func (r *receiver) next(ctx context.Context) (kind, n uint64, err error) {
	if r.left--; r.left < 0 {
		r.left = turn - 1
		if ctx != nil && ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
	}
	if r.pos == r.tail {
		if err := r.arrived(ctx); err != nil {
			return 0, 0, err
		}
	}
	w := atomic.LoadUint64(r.word(r.pos))
	kind, n = w>>abi.FrameShift, w&abi.FrameLen
	switch kind {
	case abi.FrameBytes, abi.FrameValue, abi.FrameStream, abi.FramePiece:
		if left := r.tail - r.pos; left < abi.FrameWord || align(n) > left-abi.FrameWord {
			return 0, 0, corrupt("the length of what has come", n, left)
		}
	case abi.FrameLong, abi.FrameLongV, abi.FrameAbort:
	default:
		return 0, 0, corrupt("the kind of what has come", kind, abi.FrameAbort)
	}
	return kind, n, nil
}

// arrived waits until there is something behind pos.
func (r *receiver) arrived(ctx context.Context) error {
	r.handBack()
	for {
		r.touch()
		tail := atomic.LoadUint64(&r.ctl.Tail)
		if n := tail - r.pos; n > r.size || n%abi.FrameWord != 0 {
			return corrupt("what there is", n, r.size)
		}
		r.tail = tail
		raceAcquire(&r.ctl.Tail)
		if tail != r.pos {
			return nil
		}
		if err := r.await(ctx); err != nil {
			return err
		}
	}
}

// touch loads the place of the next frame together with the tail that says whether it is there: both lines are on their
// way at once.
func (r *receiver) touch() { r.seen += r.buf[r.pos&r.mask] }

// await waits until there may be something. Nil means: look.
func (r *receiver) await(ctx context.Context) error {
	switch {
	case r.e.closed.Load():
		return errClosed
	case r.ended(): // closed behind the last store of tail, so one more look at that sees it
		raceAcquire(&r.ctl.Tail)
		if atomic.LoadUint64(&r.ctl.Tail) == r.pos {
			return io.EOF
		}
		return nil
	case ctx == nil:
		return r.glance()
	case ctx.Err() != nil:
		return ctx.Err()
	}
	atomic.AddUint64(&r.ctl.GetWaits, 1)
	if m, ok := ctx.(*moment); ok {
		r.until = m
		if r.site.SpinApart(apart, r.patient) || r.patient() {
			return m.Err()
		}
	} else if r.site.Spin(r.coming) {
		return nil
	}
	atomic.AddUint64(&r.ctl.GetParks, 1)
	return r.notEmpty().Await(ctx, r, r.ready)
}

// glance is await for a call that does not wait. Who polls gets the baton, looks and gives it back, again and again; so it looks
// a few times while it has it, for about as long as all the rest of such a call takes.
func (r *receiver) glance() error {
	for range 8 {
		park.Pause(1)
		r.touch()
		if atomic.LoadUint64(&r.ctl.Tail) != r.pos {
			return nil
		}
	}
	if r.empty++; r.empty%turn == 0 {
		r.e.bury(nil)
	}
	return ErrEmpty
}

func (r *receiver) ended() bool { return r.e.farClosed() || r.isShut() }

// giveWay is arriving for a Read, which lets other goroutines run meanwhile. Who spins, and at first who sleeps, keeps its P;
// and where a connection is read in one goroutine and written in another, as net/http does, it is the other one that
// wants it. Messages do without: who shares its P with goroutines that compute would get it back only after their quantum.
func (r *receiver) giveWay() bool {
	runtime.Gosched()
	return r.arriving() || r.until.ended()
}

func (r *receiver) arriving() bool {
	r.touch()
	return r.look()
}

// lookWell is look for one who is about to sleep, or has slept: it asks who lives too, as nobody asks for the carrier of
// the slice. Notify does so from a goroutine of its own.
func (r *receiver) lookWell() bool {
	if !r.look() {
		r.e.bury(nil)
	}
	return r.look()
}

// look says that a waiting receiver should go on. It looks at shared words alone.
func (r *receiver) look() bool {
	return r.e.closed.Load() || atomic.LoadUint64(&r.ctl.Tail) != atomic.LoadUint64(&r.ctl.Head) || r.ended()
}

// Stale implements park.Looker: for a sender that died, perhaps between its store and its wake-up.
func (r *receiver) Stale(t *park.Tick) bool {
	r.e.bury(t)
	return r.look()
}

// moveOn takes everything before pos, by one store of head, and hands space back when an eighth of the ring has gathered,
// or the sender sleeps. Killed before that: the sender looks at head itself.
func (r *receiver) moveOn(pos uint64) {
	r.pos = pos
	fence.Publish(&r.ctl.Gets, r.gets)
	raceRelease(&r.ctl.Head)
	fence.Publish(&r.ctl.Head, pos)
	if !fence.Ordered() {
		fence.Full()
	}
	switch {
	case r.notFull().Awaited():
		r.handBack()
		r.notFull().Signal()
	case pos-r.given >= r.size/8:
		r.handBack()
	}
}

func (r *receiver) handBack() {
	if r.given != r.pos {
		r.given = r.pos
		fence.Publish(&r.ctl.Limit, r.pos+r.size)
	}
}

// read is Conn.Read.
func (r *receiver) read(p []byte) (n int, err error) {
	ctx := r.e.reads.get()
	if err := r.enter(ctx); err != nil {
		return 0, err
	}
	defer r.give(r.e)
	if ctx.ended() {
		return 0, ctx.Err()
	}
	if len(p) == 0 {
		return 0, nil
	}
	for n < len(p) && (n == 0 || r.rest > 0 || r.pos != r.tail) {
		if r.rest == 0 {
			if err := r.begin(ctx); err != nil {
				if n > 0 { // it will come again
					err = nil
				}
				return n, err
			}
		}
		k := min(uint64(len(p)-n), r.rest)
		r.get(p[n:n+int(k)], r.pos)
		n += int(k)
		pos := r.pos + k
		if r.rest -= k; r.rest == 0 {
			pos = align(pos)
		}
		r.moveOn(pos)
	}
	return n, nil
}

// begin begins the next frame of the stream.
func (r *receiver) begin(ctx context.Context) error {
	for r.rest == 0 {
		if r.long.kind != 0 {
			return otherKind("Read", r.long.kind)
		}
		kind, n, err := r.next(ctx)
		switch {
		case err != nil:
			return err
		case kind == abi.FramePiece || kind == abi.FrameAbort:
			return corrupt("a piece of no message", kind, 0)
		case kind != abi.FrameStream:
			return otherKind("Read", kind)
		case n == 0: // else a Read would go on and on without taking anything
			return errNothing
		}
		r.rest = n
		r.pos += abi.FrameWord
	}
	return nil
}
