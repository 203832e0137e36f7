package ringbuf

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/race"
)

// Producer is the end of an SPSC ring that puts. It is for one goroutine at a time; only Close may come
// from another, to end a call that waits. The zero Producer answers os.ErrClosed.
type Producer[T any] struct {
	w     writer
	slots []T
}

func newProducer[T any](r *ring) (*Producer[T], error) {
	p := &Producer[T]{}
	if err := r.producerEnd().take(func() error { return p.w.init(r) }); err != nil {
		return nil, err
	}
	if !r.bytes {
		p.slots = items[T](r)
	}
	return p, nil
}

// TryPut puts v into the ring if there is room: else ErrFull. After Shutdown, and when the consumer has
// closed, it is io.ErrClosedPipe.
func (p *Producer[T]) TryPut(v T) error {
	pos := p.w.pos
	if int64(p.w.end-pos) <= p.w.stop.Load() {
		//lint:ignore SA1012 nil means: do not wait
		return p.putSlow(nil, v)
	}
	p.slots[pos&p.w.mask] = v
	p.w.pos = pos + 1
	if race.Enabled {
		raceRelease(p.w.tail)
	}
	fence.Publish(p.w.tail, pos+1)
	if atomic.LoadUint32(p.w.sleep) != 0 {
		return p.wake()
	}
	runtime.KeepAlive(p)
	return nil
}

// Put puts v into the ring, and waits while there is no room, until ctx ends: then its error, and v is not
// in the ring. ctx is looked at whenever the call waits, and once in 64 items. After Shutdown, and when
// the consumer has closed, it is io.ErrClosedPipe.
func (p *Producer[T]) Put(ctx context.Context, v T) error {
	// TryPut, written out once more: neither can be inlined, and a call between them would cost as much as
	// all the rest.
	pos := p.w.pos
	if int64(p.w.end-pos) <= p.w.stop.Load() {
		return p.putSlow(ctx, v)
	}
	p.slots[pos&p.w.mask] = v
	p.w.pos = pos + 1
	if race.Enabled {
		raceRelease(p.w.tail)
	}
	fence.Publish(p.w.tail, pos+1)
	if atomic.LoadUint32(p.w.sleep) != 0 {
		return p.wake()
	}
	runtime.KeepAlive(p)
	return nil
}

// wake is the end of a Put that finds the consumer asleep: a call of its own, so that the usual end keeps
// nothing alive across it.
//
//go:noinline
func (p *Producer[T]) wake() error {
	p.w.committed()
	return nil
}

//go:noinline
func (p *Producer[T]) putSlow(ctx context.Context, v T) error {
	defer p.w.leave()
	if p.w.b != nil {
		return p.w.b.put(ctx, *asBytes(&v))
	}
	if err := p.w.room(ctx, 1); err != nil {
		return err
	}
	if !p.w.r.seg.Guarded() {
		p.slots[p.w.pos&p.w.mask] = v
		p.Commit(1)
		return nil
	}
	err := p.w.r.protect(func() error { p.slots[p.w.pos&p.w.mask] = v; return nil })
	if err == nil {
		p.Commit(1)
	}
	p.w.end = p.w.pos // the next call comes here too
	return err
}

// Reserve returns up to n free slots in a row, in place, and waits while there is none, until ctx ends.
// They hold whatever was there. What is written there is in the ring after Commit; slots that are never
// committed are reserved again next time. A peer with write access may change them until the consumer
// has read them. It is an error for a ring of messages: see ReserveBytes.
func (p *Producer[T]) Reserve(ctx context.Context, n int) ([]T, error) {
	if n < 1 || int64(p.w.end-p.w.pos) < int64(n) || p.w.stop.Load() != 0 {
		err := p.w.reserve(ctx, n)
		p.w.leave()
		if err != nil {
			return nil, err
		}
	}
	at := p.w.pos & p.w.mask
	k := min(uint64(n), p.w.end-p.w.pos, p.w.mask+1-at)
	return p.slots[at : at+k : at+k], nil
}

// Commit publishes the first n of the slots that Reserve returned, with one store; those behind them stay
// reserved, so a run can be published piece by piece. Zero drops the reservation. More than were reserved
// is a bug in the caller, and the next call panics: a check here would keep Commit from being inlined.
func (p *Producer[T]) Commit(n int) { p.w.commit(n) }

// ReserveBytes returns room for one message of size bytes, in place, and waits while there is none, until
// ctx ends. Commit(1) puts it into the ring, Commit(0) drops it. A peer with write access may change it
// until the consumer has read it.
func ReserveBytes(ctx context.Context, p *Producer[[]byte], size int) ([]byte, error) {
	if p.w.b == nil {
		return nil, p.w.check()
	}
	if size < 0 {
		return nil, fmt.Errorf("ringbuf: ReserveBytes of %d bytes: %w", size, fs.ErrInvalid)
	}
	defer p.w.leave()
	return p.w.b.reserve(ctx, size)
}

// Name returns the ring's name, or an empty string if it has none.
func (p *Producer[T]) Name() string { return p.w.name() }

// Close gives the end up at once; another may claim it. What was committed stays in the ring. A call that
// waits in another goroutine ends with os.ErrClosed, and Close waits until it has; another call must not
// be under way, and what Reserve has returned is not to be used any more. A second Close is os.ErrClosed.
func (p *Producer[T]) Close() error { return p.w.close() }
