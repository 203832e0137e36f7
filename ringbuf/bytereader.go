package ringbuf

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
)

// byteReader takes messages. The header of a record is loaded once and checked against the private tail: a
// peer that scribbles gets ErrCorrupt, and nothing outside of the ring is read.
type byteReader struct {
	r     *reader
	pos   uint64 // the next position to take
	given uint64 // up to here space was handed back
	gets  uint64
	left  int      // messages until it is ctx's turn
	copy  []byte   // the message that Get has returned
	batch [][]byte // the messages that Next has returned
	ends  []uint64 // the positions behind them
	done  int      // how many of them have been released
}

func newByteReader(r *reader, pos uint64) *byteReader {
	gets := atomic.LoadUint64(&r.r.ctl.Gets)
	return &byteReader{r: r, pos: pos, given: pos, gets: gets}
}

func (b *byteReader) get(ctx context.Context) ([]byte, error) {
	b.batch, b.ends, b.done = b.batch[:0], b.ends[:0], 0
	m, end, err := b.first(ctx)
	if err != nil {
		return nil, err
	}
	if cap(b.copy) < len(m) {
		b.copy = make([]byte, len(m), min(2*len(m), int(b.r.r.most())))
	}
	b.copy = b.copy[:len(m)]
	if err := b.r.r.move(b.copy, m); err != nil {
		return nil, err
	}
	b.take(end, 1)
	return b.copy, nil
}

// next is Next of a ring of messages.
func (b *byteReader) next(ctx context.Context, n int) ([][]byte, error) {
	b.batch, b.ends, b.done = b.batch[:0], b.ends[:0], 0
	m, end, err := b.first(ctx)
	if err != nil {
		return nil, err
	}
	b.batch, b.ends = append(b.batch, m), append(b.ends, end)
	if n == 1 || end == b.r.tail {
		return b.batch, nil
	}
	if err := b.r.r.protect(func() error { b.gather(end, n); return nil }); err != nil {
		b.batch, b.ends = b.batch[:0], b.ends[:0]
		return nil, err
	}
	return b.batch, nil
}

// gather adds what follows to the batch. What is wrong with a record is said when it is the first.
func (b *byteReader) gather(at uint64, n int) {
	for len(b.batch) < n && at != b.r.tail {
		m, end, err := b.parse(at)
		if err != nil {
			return
		}
		b.batch, b.ends = append(b.batch, m), append(b.ends, end)
		at = end
	}
}

// first returns the oldest message in place, and waits for it.
func (b *byteReader) first(ctx context.Context) (m []byte, end uint64, err error) {
	if b.left--; b.left < 0 || b.r.tail == b.pos || b.r.stop.Load() != 0 {
		if err := b.look(ctx); err != nil {
			return nil, 0, err
		}
	}
	if b.r.r.seg.Guarded() {
		gone := b.r.r.protect(func() error { m, end, err = b.parse(b.pos); return nil })
		if gone != nil {
			return nil, 0, gone
		}
		return m, end, err
	}
	return b.parse(b.pos)
}

// parse returns the message whose record, or the skip before it, is at pos, and the position behind it.
func (b *byteReader) parse(pos uint64) (m []byte, end uint64, err error) {
	r := b.r.r
	at := pos & (r.slots - 1)
	h := atomic.LoadUint64(r.word(at))
	if h == abi.RecordSkip {
		pos += r.slots - at
		if b.r.tail-pos > r.slots || pos == b.r.tail {
			return nil, 0, r.corrupt("a skip", r.slots-at, b.r.tail-b.pos)
		}
		at = 0
		h = atomic.LoadUint64(r.word(0))
	}
	left := min(b.r.tail-pos, r.slots-at)
	if h > r.most() || record(h) > left {
		return nil, 0, r.corrupt("a message's length", h, left)
	}
	from := at + abi.RecordHeader
	return r.buf[from : from+h : from+h], pos + record(h), nil
}

// look hands space back, asks ctx, and makes tail show at least one record.
func (b *byteReader) look(ctx context.Context) error {
	return b.r.enter(func() error {
		b.handBack()
		if b.r.tail != b.pos && ctx != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		b.left = turn
		return b.r.arrived(ctx, b.pos)
	})
}

func (b *byteReader) handBack() {
	if b.given != b.pos {
		b.given = b.pos
		b.r.handBack(b.pos)
	}
}

// release is Release of messages that Next has returned.
func (b *byteReader) release(n int) {
	switch {
	case n < 0 || n > len(b.ends)-b.done:
		panic(fmt.Sprintf("ringbuf: Release(%d) of more messages than Next has returned", n))
	case n > 0:
		b.done += n
		b.take(b.ends[b.done-1], uint64(n))
	}
}

// take moves the exact position on, and hands space back when an eighth of the ring has gathered.
func (b *byteReader) take(end, n uint64) {
	if end-b.pos > bulk || b.r.r.seg.Guarded() {
		_ = b.r.r.protect(func() error { b.moveOn(end, n); return nil })
		return
	}
	b.moveOn(end, n)
}

func (b *byteReader) moveOn(end, n uint64) {
	ctl := b.r.r.ctl
	b.pos = end
	b.gets += n
	fence.Publish(&ctl.Gets, b.gets)
	raceRelease(&ctl.Head)
	fence.Publish(&ctl.Head, end)
	if !fence.Ordered() || b.pos-b.given >= b.r.r.slots/8 || b.r.r.notFull().Awaited() {
		b.given = b.pos
		b.r.released()
	}
}
