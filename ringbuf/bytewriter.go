package ringbuf

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
)

// byteWriter puts messages. A message is a record (abi.RecordHeader); one that would be broken by the end
// of the ring goes to its beginning, behind a record that skips the rest. Both become visible by the one
// store of tail.
type byteWriter struct {
	w     *writer
	pos   uint64 // the next position to publish
	limit uint64 // up to here is free, as last seen
	next  uint64 // where pos goes when the reserved record is committed
	puts  uint64
	left  int // messages until it is ctx's turn
}

func newByteWriter(w *writer, pos uint64) *byteWriter {
	puts := atomic.LoadUint64(&w.r.ctl.Puts)
	return &byteWriter{w: w, pos: pos, limit: pos, next: pos, puts: puts}
}

// record is the size of a message of n bytes with its header and padding.
func record(n uint64) uint64 {
	return (abi.RecordHeader + n + abi.RecordAlign - 1) &^ (abi.RecordAlign - 1)
}

// most is the longest message: with its record it takes half the ring, so there is room for it, and for
// what is skipped before it, wherever the positions stand.
func (r *ring) most() uint64 { return min(r.slots/2-abi.RecordHeader, abi.RecordSkip-1) }

func (b *byteWriter) put(ctx context.Context, m []byte) error {
	dst, err := b.reserve(ctx, len(m))
	if err != nil {
		return err
	}
	if err := b.w.r.move(dst, m); err != nil {
		return err
	}
	b.commit(1)
	return nil
}

// reserve makes room for a message of n bytes and writes its header.
func (b *byteWriter) reserve(ctx context.Context, n int) ([]byte, error) {
	r := b.w.r
	if uint64(n) > r.most() {
		return nil, fmt.Errorf("ringbuf: %s: a message of %d bytes: it takes %d: %w; make it with a larger capacity",
			r.label(), n, r.most(), ErrTooLarge)
	}
	size := record(uint64(n))
	at := b.pos & (r.slots - 1)
	skip := uint64(0)
	if at+size > r.slots {
		skip = r.slots - at
	}
	if b.left--; b.left < 0 || b.limit-b.pos < skip+size || b.w.stop.Load() != 0 {
		if err := b.room(ctx, skip+size); err != nil {
			return nil, err
		}
	}
	return b.lay(at, skip, size, uint64(n))
}

// lay writes the headers and returns the place of the message.
func (b *byteWriter) lay(at, skip, size, n uint64) (dst []byte, err error) {
	r := b.w.r
	if n >= bulk || r.seg.Guarded() {
		err = r.protect(func() error { b.headers(at, skip, n); return nil })
	} else {
		b.headers(at, skip, n)
	}
	b.next = b.pos + skip + size
	at = (at + skip) & (r.slots - 1)
	from := at + abi.RecordHeader
	return r.buf[from : from+n : from+n], err
}

func (b *byteWriter) headers(at, skip, n uint64) {
	r := b.w.r
	if skip != 0 {
		*r.word(at) = abi.RecordSkip
		at = 0
	}
	*r.word(at) = n
}

// room waits until n bytes are free.
func (b *byteWriter) room(ctx context.Context, n uint64) error {
	return b.w.enter(func() error { return b.makeRoom(ctx, n) })
}

func (b *byteWriter) makeRoom(ctx context.Context, n uint64) error {
	free, err := b.w.free(b.pos, n, ctx == nil)
	switch {
	case err != nil:
		return err
	case free < n:
		if free, err = b.w.await(ctx, n); err != nil {
			return err
		}
	case ctx != nil && ctx.Err() != nil:
		return ctx.Err()
	}
	b.limit, b.left = b.pos+free, turn
	return nil
}

// commit publishes the reserved message, or drops it.
func (b *byteWriter) commit(n int) {
	switch {
	case n == 0:
		b.next = b.pos
		return
	case n != 1 || b.next == b.pos:
		panic(fmt.Sprintf("ringbuf: Commit(%d) of more messages than were reserved", n))
	}
	if b.next-b.pos > bulk || b.w.r.seg.Guarded() {
		_ = b.w.r.protect(func() error { b.publish(); return nil })
	} else {
		b.publish()
	}
}

func (b *byteWriter) publish() {
	ctl := b.w.r.ctl
	b.pos = b.next
	b.puts++
	if b.w.grants != nil {
		b.w.grants.mark(b.pos, b.puts)
	}
	fence.Publish(&ctl.Puts, b.puts)
	raceRelease(&ctl.Tail)
	fence.Publish(&ctl.Tail, b.pos)
	if !fence.Ordered() || b.w.r.notEmpty().Awaited() {
		b.w.committed()
	}
}
