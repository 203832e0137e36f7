package ringbuf

import (
	"context"
	"math/bits"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/prefetch"
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
	size  uintptr // of a slot
	line  uint64  // selects what is zero in the first slot of a line
	leap  uint64  // how many slots ahead a put fetches
	seat
}

// leap is how far ahead of its position a put fetches, in bytes. Farther, and it takes lines away that consumers are
// still busy with, when the ring is nearly full; nearer, and they come too late.
const leap = 4 * prefetch.Line

func newStand[T any](r *crowd) *stand[T] {
	p := &stand[T]{track: r.track, bound: r.bound(), all: cells[T](r), size: uintptr(r.stride), shut: r.shutWord(), gets: r.waitingGet(), puts: r.waitingPut()}
	p.leap = max(leap/r.stride, 1)
	p.line = 1<<bits.Len64(max(prefetch.Line/r.stride, 1)-1) - 1
	if r.seg == nil || !r.seg.Guarded() {
		p.fast = p.all
	}
	if !fence.Ordered() {
		p.gets = &always
	}
	p.seat.init(r)
	if r.stock != nil {
		p.fast, p.all = nil, nil
		p.mail = newMail(&p.seat, r, p.gets, p.puts)
	}
	r.seats.Add(1) // behind the first look at the memory, which may be gone
	return p
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
		item := *v // before anything is claimed: the caller's memory may fault
		h := p.hunt(ctx)
		if err := p.seat.claim(&h); err != nil {
			return err
		}
		c := &p.all[h.pos&p.mask]
		c.v = item
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

// peek copies an item that another one may take, and a producer overwrite, at the same time: the word decides
// afterwards. The race detector is not to look.
//
//go:norace
func peek[T any](v *T, c *cell[T]) { *v = c.v }

// waitGet is Get where there is more to it than one look.
//
//go:noinline
func (p *stand[T]) waitGet(ctx context.Context) (v T, err error) {
	if err := p.getSlow(ctx, &v, true); err != nil {
		var zero T // what was copied in vain is nobody's business
		return zero, err
	}
	return v, nil
}

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
