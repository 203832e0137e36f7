package ringbuf

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/race"
)

// stand is what an open handle has of its own: the seat, and before it what the fast paths read.
type stand[T any] struct {
	fast  []cell[T] // the slots; none where each operation needs the fault guard, so that all take the slow path
	bound uint64    // as track.bound
	track           // a copy beside them
	shut  *uint32   // abi.MPMC.Shut
	gets  *uint32   // abi.MPMC.NotEmpty.Waiting: not 0 while a consumer may sleep. Or always
	puts  *uint32   // abi.MPMC.NotFull.Waiting, the same for producers
	all   []cell[T]
	seat
}

func newStand[T any](r *crowd) *stand[T] {
	p := &stand[T]{track: r.track, bound: r.bound(), all: cells[T](r), shut: r.shutWord(), gets: r.waitingGet(), puts: r.waitingPut()}
	if r.seg == nil || !r.seg.Guarded() {
		p.fast = p.all
	}
	if !fence.Ordered() {
		p.gets = &always
	}
	r.seats.Add(1)
	p.seat.init(r)
	if r.stock != nil {
		p.fast, p.all = nil, nil
		p.mail = newMail(&p.seat, r, p.gets, p.puts)
	}
	return p
}

// put is Put, or TryPut if ctx is nil: one load of the slot's word, one compare-and-swap that claims it, the item,
// one store that commits. Everything else is putSlow's.
func (p *stand[T]) putFast(v *T) bool {
	x := atomic.LoadUint64(&p.seat.put)
	i := x & p.mask
	if i >= uint64(len(p.fast)) || x&p.bound == 0 || atomic.LoadUint32(p.shut) != 0 {
		return false
	}
	c, free := &p.fast[i], p.free(x)
	if atomic.LoadUint64(&c.word) != free || !atomic.CompareAndSwapUint64(&c.word, free, p.writing(x)) {
		return false
	}
	if race.Enabled {
		cellAcquire(&c.word)
	}
	c.v = *v
	if race.Enabled {
		cellRelease(&c.word)
	}
	fence.Publish(&c.word, p.ready(x))
	fence.Publish(&p.seat.put, p.next(x))
	return true
}

// putSlow is put where there is more to it than one look.
//
//go:noinline
func (p *stand[T]) putSlow(ctx context.Context, v *T, wake bool) error {
	if p.mail != nil {
		return p.mail.put(ctx, *asBytes(v), wake)
	}
	defer runtime.KeepAlive(p)
	return p.enter(func() error {
		h := p.hunt(ctx)
		if err := p.seat.claim(&h); err != nil {
			return err
		}
		c := &p.all[h.pos&p.mask]
		c.v = *v
		cellRelease(&c.word)
		fence.Publish(&c.word, p.ready(h.pos))
		if wake && (h.slept || atomic.LoadUint32(p.gets) != 0) {
			p.published(&h)
		}
		return nil
	})
}

// wakeGet is published, for a put that has not waited.
//
//go:noinline
func (p *stand[T]) wakeGet() {
	if p.r.seg != nil && p.r.seg.Guarded() {
		_ = p.r.protect(func() error { p.published(nil); return nil })
	} else {
		p.published(nil)
	}
	runtime.KeepAlive(p)
}

// getFast is get: one load of the slot's word, the item, one compare-and-swap that takes it. What was copied in
// vain, because somebody else has taken it meanwhile, may be torn, and is not looked at.
func (p *stand[T]) getFast(v *T) bool {
	x := atomic.LoadUint64(&p.seat.get)
	i := x & p.mask
	if i >= uint64(len(p.fast)) {
		return false
	}
	c, ready := &p.fast[i], p.ready(x)
	if atomic.LoadUint64(&c.word) != ready {
		return false
	}
	peek(v, c)
	if race.Enabled {
		cellAcquire(&c.word)
		cellRelease(&c.word)
	}
	if !atomic.CompareAndSwapUint64(&c.word, ready, p.freed(x)) {
		return false
	}
	fence.Publish(&p.seat.get, p.next(x))
	return true
}

// peek copies an item that another one may take, and a producer overwrite, at the same time: the word decides
// afterwards. The race detector is not to look.
//
//go:norace
func peek[T any](v *T, c *cell[T]) { *v = c.v }

//go:noinline
func (p *stand[T]) getSlow(ctx context.Context, v *T, wake bool) error {
	if p.mail != nil {
		return p.mail.get(ctx, asBytes(v), wake)
	}
	defer runtime.KeepAlive(p)
	return p.enter(func() error {
		h := p.hunt(ctx)
		for {
			if err := p.item(&h); err != nil {
				return err
			}
			c := &p.all[h.pos&p.mask]
			peek(v, c)
			cellAcquire(&c.word)
			cellRelease(&c.word)
			if atomic.CompareAndSwapUint64(&c.word, h.word, p.freed(h.pos)) {
				break
			}
		}
		if !h.again {
			p.setGet(p.next(h.pos))
		}
		if wake && (h.slept || atomic.LoadUint32(p.puts) != 0) {
			p.vacated(&h)
		}
		return nil
	})
}

// wakePut is vacated, for a get that has not waited.
//
//go:noinline
func (p *stand[T]) wakePut() {
	if p.r.seg != nil && p.r.seg.Guarded() {
		_ = p.r.protect(func() error { p.vacated(nil); return nil })
	} else {
		p.vacated(nil)
	}
	runtime.KeepAlive(p)
}
