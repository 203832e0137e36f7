// Package ringbuf is lock-free rings in shared memory: bounded queues between processes, at the speed of
// a cache line. An [SPSC] ring has one [Producer] and one [Consumer]; an [MPMC] ring any number of both; a [Broadcast] has one
// publisher, and each [Subscriber] sees every item. T is plain data without locks or
// atomics, which is copied as it lies in memory; or []byte, for messages of any length.
//
//	r, err := ringbuf.OpenOrCreateSPSC[Trade]("md.trades", 4096)
//	p, err := r.Producer()
//	err = p.Put(ctx, t)
//
// Three ways to the same SPSC ring, from the simplest to the fastest:
//
//	p.Put(ctx, v)                    v, err := c.Get(ctx)            one item a call
//	run, err := p.Reserve(ctx, 64)   run, err := c.Next(ctx, 64)     in place: a run of slots
//	for k := range run {             for k := range run {
//		run[k] = v                       use(run[k])
//		p.Commit(1)                      c.Release(1)
//	}                                }
//	… p.Commit(len(run))             … c.Release(len(run))           and published as a batch
//
// # Death
//
// What follows is of SPSC; the documentation of MPMC and of Broadcast has its own. An item is in the ring once Put or Commit has returned, and stays there whoever dies. A producer that
// is killed before leaves nothing behind, however far it had come. A consumer that is killed leaves what
// it had not released to the next one; at most the one item in hand (in place: the items not yet
// released) is seen twice. What Get has taken out is its process's alone: who must not lose an item to its
// own death works in place, and releases when it is done. An end whose holder is dead can be claimed at once by another process, also in
// another PID namespace; one whose holder lives, stopped or slow, cannot (ErrClaimed).
//
// # Memory order
//
// Put and Commit of an item synchronize before the Get or Next that returns it; Get and Release of a slot
// before the Put or Reserve that uses it again.
package ringbuf

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// SPSC is a ring with one producer and one consumer, which are claimed with Producer and Consumer. The
// zero SPSC is a closed handle, which UnmarshalText opens. Its methods may be called from any goroutine.
type SPSC[T any] struct {
	mu       sync.Mutex
	r        *ring
	producer *Producer[T] // the ends claimed through this handle
	consumer *Consumer[T]
}

// NewSPSC makes a ring without a name, gone with its last user. The capacity counts items; of a ring of
// []byte, the bytes of messages, each with 8 to 15 bytes of its own. Zero is 1024 items, or 64 KiB.
func NewSPSC[T any](capacity int) (*SPSC[T], error) { return SPSCConfig[T]{Cap: capacity}.New() }

// OpenSPSC opens the ring of that name, which must exist (fs.ErrNotExist).
func OpenSPSC[T any](name string) (*SPSC[T], error) { return SPSCConfig[T]{}.Open(name) }

// OpenOrCreateSPSC opens the ring of that name, or makes it. A capacity that is not zero must agree with
// what is there (*shm.MismatchError).
func OpenOrCreateSPSC[T any](name string, capacity int) (*SPSC[T], error) {
	return SPSCConfig[T]{Cap: capacity}.OpenOrCreate(name)
}

// SPSCConfig is the configuration of an SPSC ring. The zero value is good.
type SPSCConfig[T any] struct {
	Cap int     // as NewSPSC's capacity
	Mem shm.Mem // memory knobs
}

// New makes a ring without a name, gone with its last user.
func (c SPSCConfig[T]) New() (*SPSC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.New(s, segment.Mem(c.Mem)) })
}

// Create makes a ring of that name, which must be free (fs.ErrExist).
func (c SPSCConfig[T]) Create(name string) (*SPSC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.Create(name, s, segment.Mem(c.Mem))
	})
}

// Open opens the ring of that name, which must exist (fs.ErrNotExist).
func (c SPSCConfig[T]) Open(name string) (*SPSC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(c.Mem)) })
}

// OpenOrCreate opens the ring of that name, or makes it.
func (c SPSCConfig[T]) OpenOrCreate(name string) (*SPSC[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, s, segment.Mem(c.Mem))
	})
}

func (c SPSCConfig[T]) make(open func(segment.Spec) (*segment.Segment, error)) (*SPSC[T], error) {
	sp, err := spec[T](c.Cap)
	if err != nil {
		return nil, err
	}
	s, err := open(sp)
	if err != nil {
		return nil, err
	}
	return &SPSC[T]{r: newRing(s)}, nil
}

// ring returns the open ring, or os.ErrClosed.
func (r *SPSC[T]) ring() (*ring, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.r == nil {
		return nil, os.ErrClosed
	}
	return r.r, nil
}

// Producer claims the producer's end. While a live process has it, this one included, that is
// ErrClaimed; from a dead one it is taken over, and goes on behind the last item that was committed.
func (r *SPSC[T]) Producer() (*Producer[T], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.r == nil {
		return nil, os.ErrClosed
	}
	p, err := newProducer[T](r.r)
	if err == nil {
		r.producer = p
	}
	return p, err
}

// Consumer claims the consumer's end, as Producer does the other. It begins at the oldest item that has
// not been released.
func (r *SPSC[T]) Consumer() (*Consumer[T], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.r == nil {
		return nil, os.ErrClosed
	}
	c, err := newConsumer[T](r.r)
	if err == nil {
		r.consumer = c
	}
	return c, err
}

// Shutdown ends the stream for ever: Put is io.ErrClosedPipe from now on, and Get is io.EOF once the ring
// is drained. It belongs to the producer: it may be called through the handle that has the producer's
// end, from the goroutine that uses it, or while nobody has it; otherwise it is ErrClaimed.
func (r *SPSC[T]) Shutdown() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.r == nil {
		return os.ErrClosed
	}
	if p := r.producer; p == nil || p.w.closed.Load() {
		if err := r.r.producerEnd().take(func() error { return nil }); err != nil {
			return err
		}
		defer r.r.producerEnd().release(0)
	} else {
		p.w.stop.Store(stopped) // the next Put has to look
	}
	return r.r.protect(func() error { r.r.shut(); return nil })
}

// Len is the number of items, or messages, in the ring at about this moment. Zero once closed, or when the
// memory is gone.
func (r *SPSC[T]) Len() int {
	in, err := r.ring()
	if err != nil {
		return 0
	}
	n := 0
	_ = in.protect(func() error { n = in.len(); return nil })
	return n
}

// Cap is the capacity that the ring was made with: items, or bytes of messages. Zero once closed.
func (r *SPSC[T]) Cap() int {
	in, err := r.ring()
	if err != nil {
		return 0
	}
	return int(in.cap)
}

// SPSCStats are a ring's counters since it was made, over all its holders. Of a ring of messages Put and
// Got are about right: a process that is killed may have counted what it had in hand, and its successor
// counts that once more.
type SPSCStats struct {
	Put, Got           uint64 // items, or messages, committed and released
	PutWaits, GetWaits uint64 // how often a producer found the ring full, a consumer found it empty
	PutParks, GetParks uint64 // how often it slept for that
	Takeovers          uint64 // ends taken over from the dead
	Producer, Consumer uint32 // who has the ends, or zero; see `shmkit show` for who of them lives
}

// Stats reads the counters, each by itself. Zeros once closed, or when the memory is gone.
func (r *SPSC[T]) Stats() SPSCStats {
	in, err := r.ring()
	if err != nil {
		return SPSCStats{}
	}
	var s SPSCStats
	_ = in.protect(func() error { s = in.stats(); return nil })
	return s
}

// Name returns the ring's name, or an empty string if it has none.
func (r *SPSC[T]) Name() string {
	in, err := r.ring()
	if err != nil {
		return ""
	}
	return in.seg.Name()
}

// MarshalText returns the handle as text, for another process to open. The ends stay where they are: an
// end belongs to who claims it.
func (r *SPSC[T]) MarshalText() ([]byte, error) {
	in, err := r.ring()
	if err != nil {
		return nil, err
	}
	return in.seg.Text()
}

// UnmarshalText opens the ring that a handle text stands for. r must be zero or closed.
func (r *SPSC[T]) UnmarshalText(text []byte) error {
	sp, err := spec[T](0)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.r != nil {
		return fmt.Errorf("ringbuf: unmarshal into a handle that is open on %s: close it first: %w", r.r.label(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, sp)
	if err == nil {
		r.r = newRing(s)
	}
	return err
}

// Unlink removes the ring's name. Users keep the ring.
func (r *SPSC[T]) Unlink() error {
	in, err := r.ring()
	if err != nil {
		return err
	}
	return in.seg.Unlink()
}

// Close closes the ends that were claimed through this handle, ending calls that wait in them with
// os.ErrClosed, and then the handle. The ring goes on: services close, only a finite stream is shut down.
//
// Memory that an end may still be using in another goroutine stays mapped until the collector finds the
// end unreachable; an end that was closed first, as it should be, lets go at once.
func (r *SPSC[T]) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.r == nil {
		return os.ErrClosed
	}
	l := &lingerer{seg: r.r.seg, bytes: int64(len(r.r.buf))}
	if p := r.producer; p != nil {
		l.follow(&p.w, p.w.close() == nil, &p.w.inside)
	}
	if c := r.consumer; c != nil {
		l.follow(&c.r, c.r.close() == nil, &c.r.inside)
	}
	r.r, r.producer, r.consumer = nil, nil, nil
	return l.close()
}

// shut marks the end of the stream. Everything was published before: a consumer that sees the mark and
// looks at the tail once more has seen it all. Killed between the mark and the wake-up: the consumer's
// slice sees the mark.
func (r *ring) shut() {
	raceRelease(&r.ctl.Tail)
	atomic.StoreUint32(&r.ctl.Shut, 1)
	r.notEmpty().Signal()
}

func (r *ring) isShut() bool { return atomic.LoadUint32(&r.ctl.Shut) != 0 }

// len is the number of items between two words that move meanwhile, kept within what is possible.
func (r *ring) len() int {
	head := atomic.LoadUint64(&r.ctl.Head)
	n := int64(atomic.LoadUint64(&r.ctl.Tail) - head)
	if r.bytes && n > 0 {
		// The counters are stored beside the positions, not with them: each death in between leaves one off
		// by what was in hand. Whether there is something, the positions say.
		got := atomic.LoadUint64(&r.ctl.Gets)
		n = max(int64(atomic.LoadUint64(&r.ctl.Puts)-got), 1)
	}
	return int(min(max(n, 0), int64(r.slots)))
}

func (r *ring) stats() SPSCStats {
	c := r.ctl
	s := SPSCStats{
		Put: atomic.LoadUint64(&c.Tail) - start, Got: atomic.LoadUint64(&c.Head) - start,
		PutWaits: atomic.LoadUint64(&c.PutWaits), GetWaits: atomic.LoadUint64(&c.GetWaits),
		PutParks: atomic.LoadUint64(&c.PutParks), GetParks: atomic.LoadUint64(&c.GetParks),
		Takeovers: uint64(atomic.LoadUint32(&c.Takeovers)),
		Producer:  atomic.LoadUint32(&c.Producer) >> ownerShift, Consumer: atomic.LoadUint32(&c.Consumer) >> ownerShift,
	}
	if r.bytes {
		s.Put, s.Got = atomic.LoadUint64(&c.Puts), atomic.LoadUint64(&c.Gets)
	}
	return s
}
