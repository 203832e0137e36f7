package ringbuf

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
)

// hearing is a listener's part of a ring of messages; compare byteReader.
type hearing struct {
	count uint64   // taken or missed, in all that were ever published
	left  int      // until it is ctx's turn
	copy  []byte   // the one that Get has returned
	batch [][]byte // those that Next has returned
	ends  []uint64 // the positions behind them
	done  int      // how many of them have been released
}

// message is Get of a ring of messages.
func (l *listener) message(ctx context.Context) ([]byte, error) {
	l.msgs.forget()
	for {
		if err := l.record(ctx); err != nil {
			return nil, err
		}
		m, end, err := l.read()
		if l.oldest != nil && l.spoilt(l.pos) { // then an error means nothing either
			if err = l.record(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		l.take(end, 1)
		return m, nil
	}
}

// read copies the next message, which may be overwritten meanwhile.
func (l *listener) read() (m []byte, end uint64, err error) {
	err = l.shield(func() error { m, end, err = l.parse(l.pos); return err })
	if err != nil || l.oldest != nil && l.spoilt(l.pos) { // its length is nobody's
		return nil, end, err
	}
	b := &l.msgs
	if cap(b.copy) < len(m) {
		b.copy = make([]byte, len(m), min(2*len(m), int(l.c.most())))
	}
	b.copy = b.copy[:len(m)]
	return b.copy, end, l.c.move(b.copy, m)
}

// shield runs f with the fault guard armed if each operation is to be.
func (l *listener) shield(f func() error) error {
	if l.c.seg.Guarded() {
		return l.c.protect(f)
	}
	return f()
}

// record makes tail show at least one record.
func (l *listener) record(ctx context.Context) error {
	b := &l.msgs
	if b.left--; b.left >= 0 && l.tail != l.pos && !l.closed.Load() && (l.oldest == nil || !l.spoilt(l.pos)) {
		return nil
	}
	b.left = turn
	return l.enter(func() error { return l.look(ctx, 1) })
}

// nextMessages is Next of a ring of messages, which nobody overruns.
func (l *listener) nextMessages(ctx context.Context, n int) ([][]byte, error) {
	l.msgs.forget()
	if err := l.record(ctx); err != nil {
		return nil, err
	}
	b := &l.msgs
	err := l.c.protect(func() error {
		for at := l.pos; len(b.batch) < n && at != l.tail; {
			m, end, err := l.parse(at)
			if err != nil {
				return err
			}
			b.batch, b.ends = append(b.batch, m), append(b.ends, end)
			at = end
		}
		return nil
	})
	if len(b.batch) == 0 { // what is wrong with a record is said when it is the first
		return nil, err
	}
	return b.batch, nil
}

func (b *hearing) forget() { b.batch, b.ends, b.done = b.batch[:0], b.ends[:0], 0 }

// releaseMessages is Release of messages that Next has returned.
func (l *listener) releaseMessages(n int) {
	b := &l.msgs
	switch {
	case n < 0 || n > len(b.ends)-b.done:
		panic(fmt.Sprintf("ringbuf: Release(%d) of more messages than Next has returned", n))
	case n > 0:
		b.done += n
		l.take(b.ends[b.done-1], uint64(n))
	}
}

// parse returns the message whose record, or the skip before it, is at pos, and the position behind it. Each header
// is loaded once and checked against the private tail.
func (l *listener) parse(pos uint64) (m []byte, end uint64, err error) {
	c := l.c
	at := pos & l.mask
	h := atomic.LoadUint64(c.word(at))
	if h == abi.RecordSkip {
		pos += c.slots - at
		if l.tail-pos > c.slots || pos == l.tail {
			return nil, 0, c.corrupt("a skip", c.slots-at, l.tail-l.pos)
		}
		at = 0
		h = atomic.LoadUint64(c.word(0))
	}
	left := min(l.tail-pos, c.slots-at)
	if h > c.most() || record(h) > left {
		return nil, 0, c.corrupt("a message's length", h, left)
	}
	from := at + abi.RecordHeader
	return c.buf[from : from+h : from+h], pos + record(h), nil
}

// take moves on to end, behind n messages.
func (l *listener) take(end, n uint64) {
	_ = l.shield(func() error { // the next call says that the memory is gone
		from := l.pos
		l.pos, l.end = end, end
		l.msgs.count += n
		fence.Publish(&l.place.Count, l.msgs.count)
		if l.pos-l.given >= l.c.slots/8 {
			l.given = l.pos
			l.handBack()
		}
		l.moved(from)
		return nil
	})
}
