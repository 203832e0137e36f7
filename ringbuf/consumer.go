package ringbuf

import (
	"context"
	"io"
	"iter"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/race"
)

// Consumer is the end of an SPSC ring that takes. It is for one goroutine at a time; only Close may come
// from another, to end a call that waits, and Notify. The zero Consumer answers os.ErrClosed.
type Consumer[T any] struct {
	r     reader
	slots []T
}

func newConsumer[T any](r *ring) (*Consumer[T], error) {
	c := &Consumer[T]{}
	if err := r.consumerEnd().take(func() error { return c.r.init(r) }); err != nil {
		return nil, err
	}
	if !r.bytes {
		c.slots = items[T](r)
	}
	return c, nil
}

// TryGet takes the oldest item if there is one: else ErrEmpty, or io.EOF once the ring is shut down and
// drained. A message is a copy in memory of the consumer's, good until the next call.
func (c *Consumer[T]) TryGet() (T, error) {
	pos := c.r.pos
	if int64(c.r.end-pos) <= c.r.stop.Load() {
		//lint:ignore SA1012 nil means: do not wait
		return c.getSlow(nil)
	}
	v := c.slots[pos&c.r.mask]
	c.r.pos = pos + 1
	if race.Enabled {
		raceRelease(c.r.head)
	}
	fence.Publish(c.r.head, pos+1)
	if atomic.LoadUint32(c.r.sleep) != 0 {
		return c.wake(v)
	}
	runtime.KeepAlive(c)
	return v, nil
}

// Get takes the oldest item, and waits while there is none, until ctx ends: then its error, and nothing was
// taken. ctx is looked at whenever the call waits, and once in 64 items. It is io.EOF once the ring is
// shut down and drained. A message is a copy in memory of the consumer's, good until the next call.
func (c *Consumer[T]) Get(ctx context.Context) (T, error) {
	// TryGet, written out once more: see Put.
	pos := c.r.pos
	if int64(c.r.end-pos) <= c.r.stop.Load() {
		return c.getSlow(ctx)
	}
	v := c.slots[pos&c.r.mask]
	c.r.pos = pos + 1
	if race.Enabled {
		raceRelease(c.r.head)
	}
	fence.Publish(c.r.head, pos+1)
	if atomic.LoadUint32(c.r.sleep) != 0 {
		return c.wake(v)
	}
	runtime.KeepAlive(c)
	return v, nil
}

// wake is the end of a Get that finds the producer asleep; see Producer.wake.
//
//go:noinline
func (c *Consumer[T]) wake(v T) (T, error) {
	c.r.released()
	return v, nil
}

//go:noinline
func (c *Consumer[T]) getSlow(ctx context.Context) (v T, err error) {
	if ctx == nil && c.r.nothing() {
		return v, ErrEmpty
	}
	defer c.r.leave()
	if c.r.b != nil {
		*asBytes(&v), err = c.r.b.get(ctx)
		return v, err
	}
	if err := c.r.items(ctx, 1); err != nil {
		return v, err
	}
	if !c.r.r.seg.Guarded() {
		v = c.slots[c.r.pos&c.r.mask]
		c.Release(1)
		return v, nil
	}
	err = c.r.r.protect(func() error { v = c.slots[c.r.pos&c.r.mask]; return nil })
	if err == nil {
		c.Release(1)
	}
	c.r.end = c.r.pos // the next call comes here too
	return v, err
}

// Next returns up to n items in a row, in place, oldest first, and waits while there is none, until ctx
// ends. They stay in the ring until Release, and a peer with write access may change them until then:
// read each byte once, and check before use what an index or a length is computed from. Of a ring of
// []byte they are messages, each in place.
func (c *Consumer[T]) Next(ctx context.Context, n int) ([]T, error) {
	if n < 1 || int64(c.r.end-c.r.pos) < int64(n) || c.r.stop.Load() != 0 {
		if c.r.b != nil && n > 0 {
			ms, err := c.r.b.next(ctx, n)
			c.r.leave()
			return asMessages[T](ms), err
		}
		err := c.r.next(ctx, n)
		c.r.leave()
		if err != nil {
			return nil, err
		}
	}
	at := c.r.pos & c.r.mask
	k := min(uint64(n), c.r.end-c.r.pos, c.r.mask+1-at)
	return c.slots[at : at+k : at+k], nil
}

// Release hands the first n of the items that Next returned back to the producer; the others come again.
// More than there were is a bug in the caller, and the next call panics.
func (c *Consumer[T]) Release(n int) { c.r.release(n) }

// All returns the items as they come, until io.EOF, which it does not yield. Another error is yielded once,
// with a zero item, and ends it.
func (c *Consumer[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := c.Get(ctx)
			if err == io.EOF || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Notify joins the consumer to a Go select: until stop is called, ch receives a token, sent as
// signal.Notify does, when there may be something to take: an item, or the end of the stream. Drain the
// ring until ErrEmpty then. After Close it does nothing.
func (c *Consumer[T]) Notify(ch chan<- struct{}) (stop func()) {
	if c.r.check() != nil {
		return func() {}
	}
	return c.r.notify(ch)
}

// Name returns the ring's name, or an empty string if it has none.
func (c *Consumer[T]) Name() string { return c.r.name() }

// Close gives the end up at once; another may claim it, and goes on where this one has stopped. Until then
// the producer is told io.ErrClosedPipe, at the latest after 64 items, or what it
// has reserved. A call that waits in another goroutine ends with os.ErrClosed, and Close waits until it has;
// another call must not be under way, and what Next has returned is not to be used any more. Close ends
// Notify. A
// second Close is os.ErrClosed.
func (c *Consumer[T]) Close() error { return c.r.close() }
