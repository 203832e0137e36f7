package ringbuf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/race"
)

// From says where a subscriber begins.
type From int

const (
	// Latest begins with the first item that is put after Subscribe has returned, or with one that is put meanwhile.
	Latest From = iota
	// Oldest begins with the oldest item that is still there.
	Oldest
)

// ErrTooManySubscribers says that a broadcast has 64 subscribers, and that all of them live.
var ErrTooManySubscribers = errors.New("too many subscribers")

// MissedError says that the publisher has overwritten items before this subscriber has read them. It comes once for
// each time that this happens; the next call goes on with the oldest item left.
type MissedError struct {
	N uint64 // how many items, or messages, exactly
}

// Error says how many, and what to do.
func (e *MissedError) Error() string {
	return fmt.Sprintf("ringbuf: %d items missed: the publisher was faster; read sooner, or make the broadcast with a larger capacity", e.N)
}

// Subscriber sees every item of a broadcast, in order, from where it has begun. It is for one goroutine at a time;
// only Close may come from another, to end a call that waits, and Notify. The zero Subscriber answers os.ErrClosed.
type Subscriber[T any] struct {
	l     listener
	slots []T
}

// TryGet takes the next item if there is one: else ErrEmpty, or io.EOF once the broadcast is shut down and all was
// taken. What was overwritten before it could be taken is a *MissedError. A message is a copy in memory of the
// subscriber's, good until the next call.
func (s *Subscriber[T]) TryGet() (T, error) {
	pos := s.l.pos
	if int64(s.l.end-pos) <= s.l.stop.Load() {
		//lint:ignore SA1012 nil means: do not wait
		return s.getSlow(nil)
	}
	v := s.slots[pos&s.l.mask]
	if s.l.oldest != nil && s.l.torn(pos) {
		//lint:ignore SA1012 nil means: do not wait
		return s.getSlow(nil)
	}
	s.l.pos = pos + 1
	if race.Enabled {
		raceRelease(s.l.head)
	}
	fence.Publish(s.l.head, pos+1)
	if atomic.LoadUint32(s.l.sleep) != 0 {
		return s.wake(v)
	}
	runtime.KeepAlive(s)
	return v, nil
}

// Get takes the next item, and waits while there is none, until ctx ends: then its error, and nothing was taken. ctx
// is looked at whenever the call waits, and once in 64 items. It is io.EOF once the broadcast is shut down and all
// was taken. What was overwritten before it could be taken is a *MissedError. A message is a copy in memory of the
// subscriber's, good until the next call.
func (s *Subscriber[T]) Get(ctx context.Context) (T, error) {
	// TryGet, written out once more: see Producer.Put.
	pos := s.l.pos
	if int64(s.l.end-pos) <= s.l.stop.Load() {
		return s.getSlow(ctx)
	}
	v := s.slots[pos&s.l.mask]
	if s.l.oldest != nil && s.l.torn(pos) {
		return s.getSlow(ctx)
	}
	s.l.pos = pos + 1
	if race.Enabled {
		raceRelease(s.l.head)
	}
	fence.Publish(s.l.head, pos+1)
	if atomic.LoadUint32(s.l.sleep) != 0 {
		return s.wake(v)
	}
	runtime.KeepAlive(s)
	return v, nil
}

// wake is the end of a Get that finds the publisher asleep; see Producer.wake.
//
//go:noinline
func (s *Subscriber[T]) wake(v T) (T, error) {
	s.l.released(s.l.pos - 1)
	return v, nil
}

//go:noinline
func (s *Subscriber[T]) getSlow(ctx context.Context) (v T, err error) {
	if ctx == nil && s.l.nothing() {
		return v, ErrEmpty
	}
	defer s.l.leave()
	if s.l.c != nil && s.l.c.bytes {
		*asBytes(&v), err = s.l.message(ctx)
		return v, err
	}
	var one [1]T
	_, err = s.run(ctx, one[:])
	return one[0], err
}

// GetBatch takes up to len(dst) items, as many as there are, and at least one: it waits while there is none, until
// ctx ends. It returns n > 0, or an error and nothing was taken. Messages are taken one a call: each is a copy in
// the same memory.
func (s *Subscriber[T]) GetBatch(ctx context.Context, dst []T) (n int, err error) {
	if len(dst) == 0 {
		return 0, s.l.check()
	}
	defer s.l.leave()
	if s.l.c != nil && s.l.c.bytes {
		*asBytes(&dst[0]), err = s.l.message(ctx)
		if err != nil {
			return 0, err
		}
		return 1, nil
	}
	return s.run(ctx, dst)
}

// run takes what there is, up to len(dst). What is at hand it takes without a look.
func (s *Subscriber[T]) run(ctx context.Context, dst []T) (n int, err error) {
	for {
		if int64(s.l.end-s.l.pos) < int64(len(dst)) || s.l.stop.Load() != 0 {
			if err := s.l.items(ctx, uint64(len(dst))); err != nil {
				return 0, err
			}
		}
		pos, end := s.l.pos, s.l.end
		err := s.l.shield(func() error {
			at := pos & s.l.mask
			n = copy(dst, s.slots[at:min(at+(end-pos), s.l.mask+1)])
			if rest := end - pos - uint64(n); rest != 0 && n < len(dst) {
				n += copy(dst[n:], s.slots[:rest])
			}
			return nil
		})
		if err == nil && s.l.oldest != nil && s.l.spoilt(pos) {
			s.l.end = pos // look, and hear of it
			continue
		}
		if err == nil {
			s.l.pos += uint64(n)
			err = s.l.shield(func() error { s.l.moved(pos); return nil })
		}
		if err != nil {
			clear(dst)
			return 0, err
		}
		if s.l.c.seg.Guarded() { // the next call comes here too
			s.l.end = s.l.pos
		}
		runtime.KeepAlive(s)
		return n, nil
	}
}

// Next returns up to n items in a row, in place, and waits while there is none, until ctx ends. They are the
// subscriber's until Release, and hold the publisher up as any that were not taken. A peer with write access may change
// them: read each byte once, and check before use what an index or a length is computed from. Of a broadcast of
// []byte they are messages. It is an error for a broadcast that overruns slow subscribers, which might change what is
// being read in place: see GetBatch.
func (s *Subscriber[T]) Next(ctx context.Context, n int) ([]T, error) {
	switch {
	case s.l.check() != nil:
		return nil, s.l.check()
	case n < 1:
		return nil, fmt.Errorf("ringbuf: Next of %d items: %w", n, fs.ErrInvalid)
	case s.l.oldest != nil:
		return nil, fmt.Errorf("ringbuf: Next of %s, which overruns slow subscribers: use Get or GetBatch: %w", s.l.c.label(), errors.ErrUnsupported)
	}
	defer s.l.leave()
	if s.l.c.bytes {
		ms, err := s.l.nextMessages(ctx, n)
		return asMessages[T](ms), err
	}
	if int64(s.l.end-s.l.pos) < int64(n) || s.l.stop.Load() != 0 {
		if err := s.l.items(ctx, uint64(n)); err != nil {
			return nil, err
		}
	}
	at := s.l.pos & s.l.mask
	k := min(uint64(n), s.l.end-s.l.pos, s.l.mask+1-at)
	return s.slots[at : at+k : at+k], nil
}

// Release hands the first n of the items that Next returned back; the others come again. More than there were is a bug
// in the caller: it, or the next call, panics.
func (s *Subscriber[T]) Release(n int) {
	switch {
	case s.l.check() != nil || n == 0:
	case s.l.c.bytes:
		s.l.releaseMessages(n)
	case n < 0 || int64(s.l.end-s.l.pos) < int64(n):
		panic(errOverreleased)
	default:
		pos := s.l.pos
		s.l.pos += uint64(n)
		_ = s.l.shield(func() error { s.l.moved(pos); return nil }) // the next call says that the memory is gone
	}
	runtime.KeepAlive(s)
}

// All returns the items as they come, until io.EOF, which it does not yield. A *MissedError is yielded with a zero
// item, and it goes on; another error is yielded once, and ends it.
func (s *Subscriber[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := s.Get(ctx)
			_, missed := err.(*MissedError)
			if err == io.EOF || !yield(v, err) || err != nil && !missed {
				return
			}
		}
	}
}

// Notify joins the subscriber to a Go select: until stop is called, ch receives a token, sent as signal.Notify does,
// when there may be something to take: an item, or the end of the stream. Drain until ErrEmpty then. After Close
// it does nothing.
func (s *Subscriber[T]) Notify(ch chan<- struct{}) (stop func()) {
	if s.l.check() != nil {
		return func() {}
	}
	return s.l.notify(ch)
}

// Name returns the broadcast's name, or an empty string if it has none.
func (s *Subscriber[T]) Name() string { return s.l.name() }

// Close gives the place up at once: the publisher waits for this subscriber no more. A call that waits in another
// goroutine ends with os.ErrClosed, and Close waits until it has; another call must not be under way, and what Next
// has returned is not to be used any more. Close ends Notify. A second Close is os.ErrClosed.
func (s *Subscriber[T]) Close() error { return s.l.close() }
