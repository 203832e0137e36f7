package ringbuf

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// Broadcast is a ring with one publisher and up to 64 subscribers, in any number of processes, each of which sees every
// item, in order, from where it has begun. T is plain data without locks or atomics, or []byte, as for SPSC. The
// zero Broadcast is a closed handle, which UnmarshalText opens. Its methods may be called from any goroutine.
//
// # Slow subscribers
//
// By choice, when it is made: the publisher waits for the slowest subscriber, which is never more than Cap items behind;
// or (BroadcastConfig.Overrun) it waits for nobody and never sees ErrFull, and a subscriber that is too far behind
// hears exactly how many items it has missed (*MissedError), once, and goes on with the oldest left. It misses none
// while it is less than seven eighths of Cap behind. Nobody waits for subscribers that do not exist: without one, items are
// put all the same, and are there for those who come later (Oldest) until they are overwritten.
//
// A publisher that waits for subscribers is held up by one that lives but does not read: one that is stopped
// (SIGSTOP, a debugger) until it goes on, one that somebody has forgotten until it is closed.
//
// # Death
//
// An item is there once Put or Commit has returned, whoever dies. A publisher that is killed before leaves
// nothing behind, and another one goes on behind its last item. A subscriber that is killed holds nobody up: the publisher
// that wants its room finds out, within a slice of its sleep (45 ms), and frees its place. What a dead subscriber had not taken
// nobody takes in its stead: the others see everything anyhow, and one that comes anew begins at Latest or Oldest.
//
// # Memory order
//
// Put and Commit of an item synchronize before each Get or Next that returns it. If the publisher waits for
// subscribers, Get and Release of a place by all of them synchronize before the Put or Reserve that uses it again.
type Broadcast[T any] struct {
	mu          sync.Mutex
	r           *ring
	publisher   *Producer[T]     // claimed through this handle
	subscribers []*Subscriber[T] // the same; those that are closed leave when the next one comes
}

// NewBroadcast makes a broadcast without a name, gone with its last user. The capacity counts items; of a broadcast of
// []byte, the bytes of messages, each with 8 to 15 bytes of its own. Zero is 1024 items, or 64 KiB.
func NewBroadcast[T any](capacity int) (*Broadcast[T], error) {
	return BroadcastConfig[T]{Cap: capacity}.New()
}

// OpenBroadcast opens the broadcast of that name, which must exist (fs.ErrNotExist).
func OpenBroadcast[T any](name string) (*Broadcast[T], error) { return BroadcastConfig[T]{}.Open(name) }

// OpenOrCreateBroadcast opens the broadcast of that name, or makes it. A capacity that is not zero must agree with
// what is there (*shm.MismatchError).
func OpenOrCreateBroadcast[T any](name string, capacity int) (*Broadcast[T], error) {
	return BroadcastConfig[T]{Cap: capacity}.OpenOrCreate(name)
}

// BroadcastConfig is the configuration of a broadcast. The zero value is good.
type BroadcastConfig[T any] struct {
	Cap     int     // as NewBroadcast's capacity
	Overrun bool    // a slow subscriber misses items, and hears how many; else the publisher waits for it. At Open, false takes either
	Mem     shm.Mem // memory knobs
}

// New makes a broadcast without a name, gone with its last user.
func (c BroadcastConfig[T]) New() (*Broadcast[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.New(s, segment.Mem(c.Mem)) })
}

// Create makes a broadcast of that name, which must be free (fs.ErrExist).
func (c BroadcastConfig[T]) Create(name string) (*Broadcast[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.Create(name, s, segment.Mem(c.Mem))
	})
}

// Open opens the broadcast of that name, which must exist (fs.ErrNotExist).
func (c BroadcastConfig[T]) Open(name string) (*Broadcast[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(c.Mem)) })
}

// OpenOrCreate opens the broadcast of that name, or makes it.
func (c BroadcastConfig[T]) OpenOrCreate(name string) (*Broadcast[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, s, segment.Mem(c.Mem))
	})
}

func (c BroadcastConfig[T]) make(open func(segment.Spec) (*segment.Segment, error)) (*Broadcast[T], error) {
	sp, err := castSpec[T](c.Cap, c.Overrun)
	if err != nil {
		return nil, err
	}
	s, err := open(sp)
	if err != nil {
		return nil, err
	}
	return &Broadcast[T]{r: newCast(s)}, nil
}

// ring returns the open ring, or os.ErrClosed.
func (b *Broadcast[T]) ring() (*ring, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return nil, os.ErrClosed
	}
	return b.r, nil
}

// Publisher claims the publisher's end. While a live process has it, this one included, that is ErrClaimed; from a dead
// one it is taken over, and goes on behind the last item that was committed. Where it waits for subscribers, Put is as a
// Producer's; where it overruns them it never waits. Reserve returns up to 64 slots a time.
func (b *Broadcast[T]) Publisher() (*Producer[T], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return nil, os.ErrClosed
	}
	p, err := newProducer[T](b.r)
	if err == nil {
		b.publisher = p
	}
	return p, err
}

// Subscribe makes a subscriber that begins at from. It sees every item that is put after Subscribe has returned. If
// there are 64 already, and all of their processes live, it is ErrTooManySubscribers.
func (b *Broadcast[T]) Subscribe(from From) (*Subscriber[T], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.r == nil:
		return nil, os.ErrClosed
	case from != Latest && from != Oldest:
		return nil, fmt.Errorf("ringbuf: subscribe to %s from %d: it is neither Latest nor Oldest: %w", b.r.label(), from, fs.ErrInvalid)
	}
	s := &Subscriber[T]{}
	if err := b.r.cast.join(&s.l, from); err != nil {
		return nil, err
	}
	if !b.r.bytes {
		s.slots = items[T](b.r)
	}
	b.subscribers = append(slices.DeleteFunc(b.subscribers, func(s *Subscriber[T]) bool {
		return s.l.closed.Load() && !s.l.inside.Load()
	}), s)
	return s, nil
}

// Shutdown ends the stream for ever: Put is io.ErrClosedPipe from now on, and Get is io.EOF for each subscriber that has
// taken what there was. It belongs to the publisher: it may be called through the handle that has the
// publisher, from the goroutine that uses it, or while nobody has it; otherwise it is ErrClaimed.
func (b *Broadcast[T]) Shutdown() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return os.ErrClosed
	}
	if p := b.publisher; p == nil || p.w.closed.Load() {
		if err := b.r.producerEnd().take(func() error { return nil }); err != nil {
			return err
		}
		defer b.r.producerEnd().release(0)
	} else {
		p.w.stop.Store(stopped) // the next Put has to look
	}
	return b.r.protect(func() error { b.r.shut(); return nil })
}

// Len is the number of items, or messages, that a subscriber from Oldest would find at about this moment. Zero once
// closed, or when the memory is gone.
func (b *Broadcast[T]) Len() (n int) {
	in, err := b.ring()
	if err != nil {
		return 0
	}
	_ = in.protect(func() error { n = in.cast.len(); return nil })
	return n
}

// Cap is the capacity that the broadcast was made with: items, or bytes of messages. Zero once closed.
func (b *Broadcast[T]) Cap() int {
	in, err := b.ring()
	if err != nil {
		return 0
	}
	return int(in.cap)
}

// BroadcastStats are a broadcast's counters since it was made, over all its holders, and its state at about this
// moment.
type BroadcastStats struct {
	Put                uint64 // items, or messages, committed
	Missed             uint64 // items that were overwritten before a subscriber read them, over all subscribers
	PutWaits, GetWaits uint64 // how often the publisher found no room, a subscriber nothing to take
	PutParks, GetParks uint64 // how often it slept for that
	Takeovers          uint64 // the publisher's end, and places, taken over from the dead
	Buried             uint64 // places of dead subscribers that the publisher has freed

	Overrun     bool   // slow subscribers miss items
	Subscribers int    // places that are taken; see `shmkit show` for whose processes live
	Publisher   uint32 // who has the publisher's end, or zero
	Slowest     uint32 // who has the place that is furthest behind, or zero
	Behind      uint64 // how far it is: items, or bytes of messages
}

// Stats reads the counters, each by itself, and every place. Zeros once closed, or when the memory is gone.
func (b *Broadcast[T]) Stats() (s BroadcastStats) {
	in, err := b.ring()
	if err != nil {
		return s
	}
	_ = in.protect(func() error { s = in.cast.stats(); return nil })
	return s
}

// Name returns the broadcast's name, or an empty string if it has none.
func (b *Broadcast[T]) Name() string {
	in, err := b.ring()
	if err != nil {
		return ""
	}
	return in.seg.Name()
}

// MarshalText returns the handle as text, for another process to open. The ends stay where they are: an
// end belongs to who claims it.
func (b *Broadcast[T]) MarshalText() ([]byte, error) {
	in, err := b.ring()
	if err != nil {
		return nil, err
	}
	return in.seg.Text()
}

// UnmarshalText opens the broadcast that a handle text stands for. b must be zero or closed.
func (b *Broadcast[T]) UnmarshalText(text []byte) error {
	sp, err := castSpec[T](0, false)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r != nil {
		return fmt.Errorf("ringbuf: unmarshal into a handle that is open on %s: close it first: %w", b.r.label(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, sp)
	if err == nil {
		b.r = newCast(s)
	}
	return err
}

// Unlink removes the broadcast's name. Users keep the broadcast.
func (b *Broadcast[T]) Unlink() error {
	in, err := b.ring()
	if err != nil {
		return err
	}
	return in.seg.Unlink()
}

// Close closes the publisher and the subscribers that were claimed through this handle, ending calls that wait in them
// with os.ErrClosed, and then the handle. The broadcast goes on: services close, only a finite stream is shut down.
//
// Memory that one of them may still be using in another goroutine stays mapped, as SPSC's Close has it.
func (b *Broadcast[T]) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return os.ErrClosed
	}
	l := &lingerer{seg: b.r.seg, bytes: int64(len(b.r.buf))}
	if p := b.publisher; p != nil {
		l.follow(&p.w, p.w.close() == nil, &p.w.inside)
	}
	for _, s := range b.subscribers {
		l.follow(&s.l, s.l.close() == nil, &s.l.inside)
	}
	b.r, b.publisher, b.subscribers = nil, nil, nil
	return l.close()
}

func (c *cast) len() int {
	_, gone, err1 := c.beginning()
	_, put, err2 := c.countLast()
	if err1 != nil || err2 != nil {
		return 0
	}
	return int(min(max(int64(put-gone), 0), int64(c.slots)))
}

func (c *cast) stats() BroadcastStats {
	all := c.all
	tail, put, _ := c.countLast()
	s := BroadcastStats{
		Put: put, Missed: atomic.LoadUint64(&all.Missed),
		PutWaits: atomic.LoadUint64(&all.PutWaits), GetWaits: atomic.LoadUint64(&all.GetWaits),
		PutParks: atomic.LoadUint64(&all.PutParks), GetParks: atomic.LoadUint64(&all.GetParks),
		Takeovers: uint64(atomic.LoadUint32(&all.Takeovers)), Buried: atomic.LoadUint64(&all.Buried),
		Overrun: c.overrun, Publisher: atomic.LoadUint32(&all.Producer) >> ownerShift,
	}
	for i := range c.used() {
		p := &all.Places[i]
		w := atomic.LoadUint32(&p.Word)
		if w&abi.PlaceActive == 0 {
			continue
		}
		s.Subscribers++
		if n := tail - atomic.LoadUint64(&p.Pos); int64(n) >= int64(s.Behind) {
			s.Behind, s.Slowest = n, w>>ownerShift
		}
	}
	return s
}
