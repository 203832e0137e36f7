package queue

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/ringbuf"
)

func isAside(err error) bool { return err == annex.ErrAside }

// body is what an open handle has: a ring of T, or cells.
type body[T any] struct {
	ring *ringbuf.MPMC[T]
	desk *desk
	form form[T]

	grave *grave[T] // of a joinable queue
}

// newBody opens a queue. Tasks have cells even if they are plain data.
func newBody[T any](p plan, from opener) (*body[T], error) {
	f, l, err := formOf[T](p.codec)
	if err != nil {
		return nil, err
	}
	if f.how == plain && p.inline != 0 {
		return nil, errInline
	}
	if f.how == plain && !p.joinable() {
		r, err := ringbuf.OpenAs[T](annex.As{Kind: p.kind, Cap: p.capacity, Open: from})
		return &body[T]{ring: r}, err
	}
	sp, err := p.spec(l)
	if err != nil {
		return nil, err
	}
	s, err := from(sp)
	if err != nil {
		return nil, err
	}
	if err := p.agrees(s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	d, err := openDesk(s, p.kind)
	return &body[T]{desk: d, form: f}, err
}

// clone is nil if the memory is gone: a closed handle's.
func (b *body[T]) clone() *body[T] {
	if b.ring != nil {
		return &body[T]{ring: b.ring.Clone()}
	}
	if d := b.desk.clone(); d != nil {
		return &body[T]{desk: d, form: b.form}
	}
	return nil
}

func (b *body[T]) segment() *segment.Segment { return b.desk.r.seg }

// put is Put, or TryPut if ctx is nil. What cannot be encoded is an error before anything is claimed.
func (b *body[T]) put(ctx context.Context, v *T) error {
	defer runtime.KeepAlive(b.desk)
	if b.form.how != coded {
		err := b.desk.put(ctx, b.form.bytes(v))
		runtime.KeepAlive(v)
		return err
	}
	buf := scratch.Get().(*[]byte)
	defer putScratch(buf)
	m, err := b.encode((*buf)[:0], v)
	if err != nil {
		return err
	}
	*buf = m
	return b.desk.put(ctx, m)
}

// get is Get, or TryGet if ctx is nil.
func (b *body[T]) get(ctx context.Context, v *T) error {
	defer runtime.KeepAlive(b.desk)
	if at := b.desk.unread.Load(); at != nil && b.desk.unread.CompareAndSwap(at, nil) {
		return *at
	}
	if b.desk.r.bare {
		return b.getBare(ctx, v)
	}
	return b.desk.r.protect(func() error { return b.getBare(ctx, v) })
}

func (b *body[T]) getBare(ctx context.Context, v *T) error {
	l, err := b.desk.take(ctx)
	if err != nil {
		return err
	}
	opened := false
	defer func() { // Killed before: the item is returned
		if !opened { // the codec has panicked
			atomic.AddUint64(&b.desk.r.ctl.Garbled, 1)
		}
		b.desk.finish(&l)
	}()
	err = b.open(&l, v)
	opened = true
	return err
}

// open copies an item, or decodes it.
func (b *body[T]) open(l *lease, v *T) error {
	d := b.desk
	if err := d.credible(l); err != nil {
		return err
	}
	if b.form.how != coded {
		m, err := b.form.room(v, l.n)
		if err != nil {
			return d.garbled(l, err)
		}
		return d.read(l, m)
	}
	buf := scratch.Get().(*[]byte)
	defer putScratch(buf)
	if uint64(cap(*buf)) < l.n {
		*buf = make([]byte, l.n)
	}
	m := (*buf)[:l.n] // a private copy: a peer could change it under the decoder
	if err := d.read(l, m); err != nil {
		return err
	}
	p := new(T) // not v: what an interface is given escapes, and then every get would allocate
	if err := b.form.codec.Decode(m, p); err != nil {
		return d.garbled(l, err)
	}
	*v = *p
	return nil
}

// close closes what there is.
func (b *body[T]) close() error {
	if b.ring != nil {
		return b.ring.Close()
	}
	b.desk.close()
	if b.grave != nil {
		b.grave.close()
	}
	return nil
}

func (h *handle[T]) put(ctx context.Context, v T) error {
	b := h.at.Load()
	switch {
	case b == nil:
		return os.ErrClosed
	case b.ring == nil:
		return b.put(ctx, &v)
	case ctx == nil:
		return b.ring.TryPut(v)
	}
	return b.ring.Put(ctx, v)
}

func (h *handle[T]) get(ctx context.Context) (v T, err error) {
	b := h.at.Load()
	switch {
	case b == nil:
		return v, os.ErrClosed
	case b.ring == nil:
		if err = b.get(ctx, &v); err != nil {
			var zero T // what was copied in part is no item
			return zero, err
		}
		return v, nil
	case ctx == nil:
		return b.ring.TryGet()
	}
	return b.ring.Get(ctx)
}
