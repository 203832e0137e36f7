package pipe

import (
	"context"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
)

// sender is the private half of the direction in which an end sends.
//
// One store of tail publishes: a frame is written before it, so whoever is killed leaves it there whole or not at all. A
// long message is several frames; what becomes of one without an end is the receiver's to find out.
type sender struct {
	baton
	*lane
	e     *end
	pos   uint64 // the next position to publish
	limit uint64 // up to here is free, as last seen
	left  int    // sends until it looks at the far side, and at ctx
	head  uint64 // where the receiver was at the last such look
	puts  uint64 // messages
	need  uint64 // what a call waits for
	polls uint32
	site  park.Site
	shut  atomic.Bool // CloseWrite

	ready func() bool // method values, made once: making one allocates
	roomy func() bool
}

// turn is how many sends, or receives, may go by before one looks at the far side and at its context.
const turn = 64

func (s *sender) init(e *end, l *lane) {
	s.e, s.lane, s.pos, s.limit = e, l, start, start
	s.baton.init()
	s.ready, s.roomy = s.lookWell, s.poll
}

// enter begins a call: it is its turn, this is its end, and it may send there.
func (s *sender) enter(ctx context.Context) error {
	if s.buf == nil {
		return wrongWay(s.e.n)
	}
	if err := s.take(ctx, s.e); err != nil {
		return err
	}
	if s.e.claimed.Load() {
		return nil
	}
	err := s.e.claim()
	if err != nil {
		s.give(s.e)
	}
	return err
}

// check is why nothing can be sent, if so.
func (s *sender) check() error {
	switch {
	case s.e.closed.Load():
		return errClosed
	case s.shut.Load():
		return errShut
	case s.e.farClosed():
		return errBroken
	}
	return nil
}

// room waits until n bytes are free at once.
func (s *sender) room(ctx context.Context, n uint64) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.left--; s.left >= 0 && int64(s.limit-s.pos) >= int64(n) {
		return nil
	}
	return s.roomSlow(ctx, n)
}

func (s *sender) roomSlow(ctx context.Context, n uint64) error {
	if s.left < 0 {
		s.left = turn - 1
		if err := ctx.Err(); err != nil {
			return err
		}
		// A receiver that has taken nothing for a whole turn may be dead.
		if head := atomic.LoadUint64(&s.ctl.Head); head != s.head || head == s.pos {
			s.head = head
		} else {
			s.e.bury(nil)
		}
	}
	for waits := 0; ; waits++ {
		if err := s.check(); err != nil {
			return err
		}
		free, err := s.lane.free(s.pos, n, waits > 0)
		switch {
		case err != nil:
			return err
		case free >= n:
			s.limit = s.pos + free
			return nil
		case waits == 0:
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if err := s.await(ctx, n); err != nil {
			return err
		}
	}
}

func (s *sender) await(ctx context.Context, n uint64) error {
	s.need, s.polls = n, 0
	atomic.AddUint64(&s.ctl.PutWaits, 1)
	if s.site.SpinApart(apart, s.roomy) {
		return nil
	}
	atomic.AddUint64(&s.ctl.PutParks, 1)
	return s.notFull().Await(ctx, s, s.ready)
}

// poll is look for a call that spins: it looks mostly at what the receiver writes now and then.
func (s *sender) poll() bool {
	if s.polls++; s.polls%16 == 0 {
		return s.look()
	}
	return int64(atomic.LoadUint64(&s.ctl.Limit)-s.pos) >= int64(s.need)
}

// lookWell is look for one who is about to sleep, or has slept: see receiver.lookWell.
func (s *sender) lookWell() bool {
	if !s.look() {
		s.e.bury(nil)
	}
	return s.look()
}

// look says that a waiting sender should go on: there is room, or there never will be.
func (s *sender) look() bool {
	if s.check() != nil {
		return true
	}
	free, err := s.lane.free(s.pos, s.need, true)
	return err != nil || free >= s.need
}

// Stale implements park.Looker: for a receiver that died, perhaps between its release and its wake-up.
func (s *sender) Stale(t *park.Tick) bool {
	s.e.bury(t)
	return s.look()
}

// lay writes a frame behind pos; publish lets the receiver have it. There must be room.
func (s *sender) lay(kind uint64, p []byte) {
	*s.word(s.pos) = kind<<abi.FrameShift | uint64(len(p))
	s.put(s.pos+abi.FrameWord, p)
	s.pos += frame(uint64(len(p)))
}

// sign writes a frame that has a length and no bytes.
func (s *sender) sign(kind, n uint64) {
	*s.word(s.pos) = kind<<abi.FrameShift | n
	s.pos += abi.FrameWord
}

// publish makes everything before pos visible, with one store. It pairs with receiver.arrived's load. Killed between the
// store and the wake-up: the receiver's slice looks at tail.
func (s *sender) publish() {
	fence.Publish(&s.ctl.Puts, s.puts)
	raceRelease(&s.ctl.Tail)
	fence.Publish(&s.ctl.Tail, s.pos)
	if !fence.Ordered() {
		fence.Full()
	}
	if s.notEmpty().Awaited() {
		s.notEmpty().Signal()
	}
}

// message sends a whole message, of one of the kinds and their long forms.
func (s *sender) message(ctx context.Context, kind, long uint64, p []byte) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.give(s.e)
	if uint64(len(p)) > s.most() {
		return s.long(ctx, long, p)
	}
	if err := s.room(ctx, frame(uint64(len(p)))); err != nil {
		return err
	}
	s.lay(kind, p)
	s.puts++
	s.publish()
	return nil
}

// long sends a message in pieces. While it does, room for one more word stays free: so that it can be taken back at any
// time. Killed in the midst of it: the receiver knows how much there was to be.
func (s *sender) long(ctx context.Context, kind uint64, p []byte) error {
	const spare = abi.FrameWord
	if err := s.room(ctx, abi.FrameWord+spare); err != nil {
		return err
	}
	s.sign(kind, uint64(len(p)))
	s.publish()
	for len(p) > 0 {
		k, err := s.piece(ctx, uint64(len(p)), spare)
		if err != nil {
			s.sign(abi.FrameAbort, 0)
			s.publish()
			return err
		}
		s.lay(abi.FramePiece, p[:k])
		if p = p[k:]; len(p) == 0 {
			s.puts++
		}
		s.publish()
	}
	return nil
}

// piece waits until a good part of n bytes has room, besides so many to spare, and returns how much that is.
func (s *sender) piece(ctx context.Context, n, spare uint64) (uint64, error) {
	good := min(n, s.size/4)
	return good, s.room(ctx, frame(good)+spare)
}

// write is Conn.Write.
func (s *sender) write(p []byte) (n int, err error) {
	ctx := s.e.writes.get()
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.give(s.e)
	if ctx.ended() {
		return 0, ctx.Err()
	}
	for n < len(p) {
		k, err := s.piece(ctx, uint64(len(p)-n), 0)
		if err != nil {
			return n, err
		}
		s.lay(abi.FrameStream, p[n:n+int(k)])
		s.publish()
		n += int(k)
	}
	return n, s.check0(len(p))
}

// check0 is what a Write of nothing has to say.
func (s *sender) check0(n int) error {
	if n > 0 {
		return nil
	}
	return s.check()
}

// shutdown is CloseWrite. A call that waits ends first.
func (s *sender) shutdown() error {
	if s.buf == nil {
		return wrongWay(s.e.n)
	}
	if s.shut.Swap(true) {
		return nil
	}
	s.e.mu.Lock()
	if !s.e.closed.Load() {
		s.notFull().Evict(s)
	}
	s.e.mu.Unlock()
	if err := s.enter(context.Background()); err != nil {
		return err
	}
	defer s.give(s.e)
	atomic.StoreUint32(&s.ctl.Shut, 1) // pairs with receiver.ended. Killed before: it is the end all the same
	s.notEmpty().Signal()
	return nil
}
