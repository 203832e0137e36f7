package ringbuf

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/prefetch"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
)

// OpenAs is for package queue, whose queues of plain data are rings by another kind: nobody else can make an As.
func OpenAs[T any](as annex.As) (*MPMC[T], error) {
	sp, err := crowdSpec[T](as.Cap, 0)
	if err != nil {
		return nil, err
	}
	sp.Kind = as.Kind
	s, err := as.Open(sp)
	if err != nil {
		return nil, err
	}
	return newMPMC[T](openCrowd(s))
}

func init() {
	o := &annex.Orders
	o.Init = func(payload []byte, capacity uint64) { newCrowd(payload, capacity, abi.OrderSlot).initialise(firstLap) }
	o.Open = func(s *segment.Segment, capacity uint64, aside func(annex.Order) annex.Aside) (annex.Order, error) {
		fence.Register()
		r := newCrowd(s.Payload(), capacity, abi.OrderSlot)
		r.seg = s
		o := &order{}
		err := r.protect(func() error { o.sit(r, aside); return nil })
		if err != nil {
			_ = s.Close()
			return nil, err
		}
		return o, nil
	}
}

// order is a handle on a ring of words: see package annex. Its hot calls are MPMC's.
type order struct{ *stand[uint64] }

func (o *order) sit(r *crowd, aside func(annex.Order) annex.Aside) {
	o.stand = newStand[uint64](r)
	o.aside = aside(o)
}

// Clone implements annex.Order.
func (o *order) Clone(aside annex.Aside) annex.Order {
	c := &order{}
	if o.r.protect(func() error { c.sit(o.r, func(annex.Order) annex.Aside { return aside }); return nil }) != nil {
		return nil
	}
	return c
}

// Full implements annex.Order.
func (o *order) Full() (full bool) {
	_ = o.r.protect(func() error {
		h := hunt{left: o.r.patience()}
		_, _, see := o.vacancy(&h, atomic.LoadUint64(&o.put))
		full = see == blocked
		return nil
	})
	return full
}

// Reserve implements annex.Order. Killed behind the claim: the consumer whose turn it is skips the position.
func (o *order) Reserve(ctx context.Context) (x uint64, err error) {
	p := o.stand
	x = atomic.LoadUint64(&p.seat.put)
	i := x & p.mask
	if i < uint64(len(p.fast)) && x&p.bound != 0 && atomic.LoadUint32(p.shut) == 0 {
		if k := i + p.leap; i&p.line == 0 && k < uint64(len(p.fast)) {
			prefetch.Write(&p.fast[k].word, 1)
		}
		c, free := &p.fast[i], p.free(x)
		if atomic.LoadUint64(&c.word) == free && atomic.CompareAndSwapUint64(&c.word, free, p.writing(x)) {
			if race.Enabled {
				cellAcquire(&c.word)
			}
			fence.Publish(&p.seat.put, p.next(x))
			return x, nil
		}
	}
	defer runtime.KeepAlive(p)
	err = p.enter(func() error {
		h := p.hunt(ctx)
		if err := p.seat.claim(&h); err != nil {
			return err
		}
		x = h.pos
		if h.slept {
			p.handRoomOn()
		}
		return nil
	})
	return x, err
}

// Commit implements annex.Order. Killed before the wake-up: the consumers' slices.
func (o *order) Commit(x, v uint64) {
	p := o.stand
	if len(p.fast) == 0 {
		_ = p.r.protect(func() error { p.commit(x, v); return nil })
		return
	}
	p.commit(x, v)
}

func (p *stand[T]) commit(x uint64, v T) {
	c := &p.all[x&p.mask]
	c.v = v
	if race.Enabled {
		cellRelease(&c.word)
	}
	fence.Publish(&c.word, p.ready(x))
	if atomic.LoadUint32(p.gets) != 0 {
		p.wakeGet()
	}
	runtime.KeepAlive(p)
}

// Abort implements annex.Order.
func (o *order) Abort(x uint64) { Slot[uint64]{p: o.stand, at: x}.Abort() }

// Get implements annex.Order.
func (o *order) Get(ctx context.Context) (v uint64, err error) {
	p := o.stand
	if p.closed.Load() {
		return 0, os.ErrClosed
	}
	x := atomic.LoadUint64(&p.seat.get)
	if i := x & p.mask; i < uint64(len(p.fast)) {
		c, ready := &p.fast[i], p.ready(x)
		if atomic.LoadUint64(&c.word) == ready {
			peek(&v, c)
			if race.Enabled {
				cellAcquire(&c.word)
				cellRelease(&c.word)
			}
			if atomic.CompareAndSwapUint64(&c.word, ready, p.freed(x)) {
				fence.Publish(&p.seat.get, p.next(x))
				if atomic.LoadUint32(p.puts) != 0 {
					p.wakePut()
				}
				runtime.KeepAlive(p)
				return v, nil
			}
		}
	}
	return p.waitGet(ctx)
}

// Passed implements annex.Order. x may be a peer's scribble.
func (o *order) Passed(x uint64) bool {
	r := o.r
	if x&r.mask >= r.cap {
		return true
	}
	w := atomic.LoadUint64(r.word(x))
	ahead, ok := r.ahead(w, x, atomic.LoadUint64(&r.ctl.Released))
	return ok && (ahead > 0 || ahead == 0 && stateOf(w) == abi.SlotClosed)
}

// Wake implements annex.Order.
func (o *order) Wake() {
	_ = o.r.protect(func() error { o.published(nil); return nil })
}

// WakeAll implements annex.Order.
func (o *order) WakeAll() {
	_ = o.r.protect(func() error { o.r.notEmpty().Signal(); return nil })
}

// Shut implements annex.Order.
func (o *order) Shut() bool { return o.r.shut() }

// Shutdown implements annex.Order.
func (o *order) Shutdown() error { return o.shutdown() }

// Notify implements annex.Order.
func (o *order) Notify(ch chan<- struct{}) (stop func()) { return o.notify(ch) }

// Counts implements annex.Order.
func (o *order) Counts() (c annex.Counts) {
	_ = o.enter(func() error {
		s, _ := o.r.census()
		c = annex.Counts(s)
		return nil
	})
	return c
}

// Close implements annex.Order: as MPMC.Close.
func (o *order) Close() {
	o.stand.close()
	lingerStand(o.stand, o.r.size())
}
