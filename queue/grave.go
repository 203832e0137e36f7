package queue

import (
	"sync"
	"sync/atomic"
)

// grave is the dead-letter queue, opened when it is first needed.
type grave[T any] struct {
	config Config[T]
	name   string
	mu     sync.Mutex
	q      *Queue[T]
	closed bool
}

func (g *grave[T]) open() (*Queue[T], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	if g.q == nil && !g.closed {
		g.q, err = g.config.OpenOrCreate(g.name)
	}
	return g.q, err
}

func (g *grave[T]) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.q != nil {
		_ = g.q.Close()
	}
}

// roomy reports whether a task may find room. It is called in a slice, and opens nothing; true if it is not known.
func (g *grave[T]) roomy() bool {
	if g.name == "" {
		return false
	}
	if !g.mu.TryLock() {
		return true
	}
	defer g.mu.Unlock()
	return !g.closed && (g.q == nil || !g.q.full())
}

func (q *Queue[T]) full() bool {
	b := q.at.Load()
	switch {
	case b == nil:
		return true
	case b.ring != nil:
		return b.ring.Len() >= b.ring.Cap()
	}
	return b.desk.order.Full()
}

// bury moves a task to the dead-letter queue, as it is. Only one whose bytes are gone, or were never there, is dropped.
func (b *body[T]) bury(l *lease) bool {
	if b.grave.name == "" {
		return false
	}
	q, err := b.grave.open()
	if err != nil || q == nil {
		return false
	}
	g := q.at.Load()
	if g == nil || q.full() {
		return false
	}
	if b.desk.credible(l) != nil {
		return true
	}
	if g.ring != nil {
		var v T
		m, err := b.form.room(&v, l.n)
		if err != nil {
			_ = b.desk.garbled(l, err)
			return true
		}
		if b.desk.read(l, m) != nil {
			return true
		}
		err = g.ring.TryPut(v)
		return b.buried(err)
	}
	buf := scratch.Get().(*[]byte)
	defer putScratch(buf)
	if uint64(cap(*buf)) < l.n {
		*buf = make([]byte, l.n)
	}
	m := (*buf)[:l.n]
	if b.desk.read(l, m) != nil {
		return true
	}
	//lint:ignore SA1012 nil means: do not wait
	return b.buried(g.desk.put(nil, m))
}

func (b *body[T]) buried(err error) bool {
	if err == nil {
		atomic.AddUint64(&b.desk.r.ctl.Buried, 1)
	}
	return err == nil
}
