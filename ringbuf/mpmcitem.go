package ringbuf

import (
	"context"
	"io"
	"iter"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/prefetch"
	"github.com/shmkit/shmkit/internal/race"
)

// TryPut puts v into the ring if there is room: else ErrFull. After Shutdown it is io.ErrClosedPipe.
func (m *MPMC[T]) TryPut(v T) error {
	//lint:ignore SA1012 nil means: do not wait
	return m.put(nil, v)
}

// Put puts v into the ring, and waits while there is no room, until ctx ends: then its error, and v is not in the
// ring. ctx is looked at only where the call waits. After Shutdown it is io.ErrClosedPipe.
func (m *MPMC[T]) Put(ctx context.Context, v T) error { return m.put(ctx, v) }

// put is one load of the slot's word, one compare-and-swap that claims it, the item, and one store that commits; and
// now and then a line is fetched that will be written to soon. Everything else is putSlow's.
func (m *MPMC[T]) put(ctx context.Context, v T) error {
	p := m.at.Load()
	if p == nil {
		return os.ErrClosed
	}
	x := atomic.LoadUint64(&p.seat.put)
	i := x & p.mask
	if i >= uint64(len(p.fast)) || x&p.bound == 0 || atomic.LoadUint32(p.shut) != 0 {
		return p.putSlow(ctx, &v, true)
	}
	if k := i + p.leap; i&p.line == 0 && k < uint64(len(p.fast)) {
		prefetch.Write(&p.fast[k].word, 1)
	}
	c, free := &p.fast[i], p.free(x)
	if atomic.LoadUint64(&c.word) != free || !atomic.CompareAndSwapUint64(&c.word, free, p.writing(x)) {
		return p.putSlow(ctx, &v, true)
	}
	if race.Enabled {
		cellAcquire(&c.word)
	}
	c.v = v
	if race.Enabled {
		cellRelease(&c.word)
	}
	fence.Publish(&c.word, p.ready(x))
	fence.Publish(&p.seat.put, p.next(x))
	if atomic.LoadUint32(p.gets) != 0 {
		p.wakeGet()
	}
	runtime.KeepAlive(p)
	return nil
}

// TryGet takes the oldest item if there is one: else ErrEmpty, or io.EOF once the ring is shut down and drained.
func (m *MPMC[T]) TryGet() (T, error) {
	//lint:ignore SA1012 nil means: do not wait
	return m.get(nil)
}

// Get takes the oldest item, and waits while there is none, until ctx ends: then its error, and nothing was taken.
// ctx is looked at only where the call waits. It is io.EOF once the ring is shut down and drained.
func (m *MPMC[T]) Get(ctx context.Context) (T, error) { return m.get(ctx) }

// get is one load of the slot's word, the item, and one compare-and-swap that takes it. What was copied in vain, because
// somebody else has taken it meanwhile, may be torn, and is not looked at.
func (m *MPMC[T]) get(ctx context.Context) (v T, err error) {
	p := m.at.Load()
	if p == nil {
		return v, os.ErrClosed
	}
	x := atomic.LoadUint64(&p.seat.get)
	i := x & p.mask
	if i >= uint64(len(p.fast)) {
		return p.waitGet(ctx)
	}
	c, ready := &p.fast[i], p.ready(x)
	if atomic.LoadUint64(&c.word) != ready {
		return p.waitGet(ctx)
	}
	peek(&v, c)
	if race.Enabled {
		cellAcquire(&c.word)
		cellRelease(&c.word)
	}
	if !atomic.CompareAndSwapUint64(&c.word, ready, p.freed(x)) {
		return p.waitGet(ctx)
	}
	fence.Publish(&p.seat.get, p.next(x))
	if atomic.LoadUint32(p.puts) != 0 {
		p.wakePut()
	}
	runtime.KeepAlive(p)
	return v, nil
}

// PutBatch puts the first n of vs into the ring, as many as there is room for, and at least one: it waits while there is
// no room at all, until ctx ends. It returns n > 0, or an error and nothing has happened. Each item is
// committed by itself, in the order of vs; those of others may come between. If the process is killed on the way the
// first so many are in the ring. Consumers are woken once.
func (m *MPMC[T]) PutBatch(ctx context.Context, vs []T) (n int, err error) {
	p := m.at.Load()
	if p == nil {
		return 0, os.ErrClosed
	}
	if n = p.putRun(vs); n == 0 && len(vs) > 0 {
		if err := p.putSlow(ctx, &vs[0], true); err != nil {
			return 0, err
		}
		n = 1 + p.putRun(vs[1:])
	}
	if atomic.LoadUint32(p.gets) != 0 {
		p.wakeGet()
	}
	runtime.KeepAlive(p)
	return n, nil
}

// putRun puts as many as there is room for, and wakes nobody.
func (p *stand[T]) putRun(vs []T) (n int) {
	err := error(nil)
	for n < len(vs) && err == nil {
		if k := p.putRow(vs[n:]); k > 0 {
			n += k
			//lint:ignore SA1012 nil means: do not wait
		} else if err = p.putSlow(nil, &vs[n], false); err == nil {
			n++
		}
	}
	return n
}

// GetBatch takes up to len(dst) of the oldest items, as many as there are, and at least one: it waits while there
// is none, until ctx ends. It returns n > 0, or an error and nothing was taken. Each item is taken by
// itself; others may take what is between. Producers are woken once. Of messages, the memory of dst's elements behind n may have
// been written to: somebody else took what was to lie there.
func (m *MPMC[T]) GetBatch(ctx context.Context, dst []T) (n int, err error) {
	p := m.at.Load()
	if p == nil {
		return 0, os.ErrClosed
	}
	if n = p.getRun(dst); n == 0 && len(dst) > 0 {
		if err := p.getSlow(ctx, &dst[0], true); err != nil {
			return 0, err
		}
		n = 1 + p.getRun(dst[1:])
	}
	if atomic.LoadUint32(p.puts) != 0 {
		p.wakePut()
	}
	runtime.KeepAlive(p)
	return n, nil
}

func (p *stand[T]) getRun(dst []T) (n int) {
	err := error(nil)
	for n < len(dst) && err == nil {
		if k := p.getRow(dst[n:]); k > 0 {
			n += k
			//lint:ignore SA1012 nil means: do not wait
		} else if err = p.getSlow(nil, &dst[n], false); err == nil {
			n++
		}
	}
	return n
}

// All returns the items as they come, until io.EOF, which it does not yield. Another error is yielded once,
// with a zero item, and ends it.
func (m *MPMC[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := m.Get(ctx)
			if err == io.EOF || !yield(v, err) || err != nil {
				return
			}
		}
	}
}
