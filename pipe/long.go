package pipe

import (
	"context"
	"io"

	"github.com/shmkit/shmkit/internal/abi"
)

// longMessage is a message of which some pieces have come. They are out of the ring, so that the rest can come in; a
// call that ends before the last one leaves them here for the next call.
type longMessage struct {
	kind, size uint64 // kind 0: there is none
	got        []byte
}

// believed is how much memory is made on a sender's word alone.
const believed = 1 << 20

// message receives a whole message of a kind, or of its long form, into dst; if dst is nil into memory of its own. A nil
// ctx does not wait.
func (r *receiver) message(ctx context.Context, call string, short, long uint64, dst []byte) ([]byte, error) {
	for {
		if r.rest > 0 {
			return nil, otherKind(call, abi.FrameStream)
		}
		kind, n := r.long.kind, r.long.size
		if kind == 0 {
			var err error
			if kind, n, err = r.next(ctx); err != nil {
				return nil, err
			}
		}
		switch {
		case kind == abi.FramePiece || kind == abi.FrameAbort:
			return nil, corrupt("a piece of no message", kind, 0)
		case kind != short && kind != long:
			return nil, otherKind(call, kind)
		case dst != nil && n > uint64(len(dst)):
			return nil, &TooShortError{Size: int(n), Room: len(dst)}
		case kind == short:
			return r.whole(n, dst), nil
		}
		if r.long.kind == 0 {
			r.long = longMessage{kind: kind, size: n, got: r.long.got[:0]}
			r.moveOn(r.pos + abi.FrameWord)
		}
		if m, err := r.pieces(ctx, dst); m != nil || err != nil {
			return m, err
		}
	}
}

// whole takes a message that lies in the ring.
func (r *receiver) whole(n uint64, dst []byte) []byte {
	if dst == nil {
		dst = make([]byte, n)
	}
	r.get(dst[:n], r.pos+abi.FrameWord)
	r.gets++
	r.moveOn(r.pos + frame(n))
	return dst[:n:n]
}

// pieces gathers the pieces of the long message. It returns nil and no error when that was taken back.
func (r *receiver) pieces(ctx context.Context, dst []byte) ([]byte, error) {
	// What was kept stays where it is, else it would be copied there and back by each call that polls.
	b, direct := r.long.got, dst != nil && len(r.long.got) == 0
	if direct {
		b = dst[:0]
	}
	for uint64(len(b)) < r.long.size {
		kind, n, err := r.next(ctx)
		switch {
		case err == io.EOF:
			err = cutShort(uint64(len(b)), r.long.size)
			r.long = longMessage{}
			return nil, err
		case err != nil:
			r.keep(b, direct)
			return nil, err
		case kind == abi.FrameAbort:
			r.long = longMessage{}
			r.moveOn(r.pos + abi.FrameWord)
			return nil, nil
		case kind != abi.FramePiece || n == 0 || n > r.long.size-uint64(len(b)):
			r.keep(b, direct)
			return nil, corrupt("a piece of a long message", n, r.long.size-uint64(len(b)))
		}
		b = r.grow(b, n)
		r.get(b[uint64(len(b))-n:], r.pos+abi.FrameWord)
		if uint64(len(b)) == r.long.size {
			r.gets++
		}
		r.moveOn(r.pos + frame(n))
	}
	r.long = longMessage{}
	if dst != nil && !direct {
		b = dst[:copy(dst, b)]
	}
	return b, nil
}

// grow makes b longer by n bytes. Memory grows with what has come, not with what was announced.
func (r *receiver) grow(b []byte, n uint64) []byte {
	have := uint64(len(b))
	if have+n > uint64(cap(b)) {
		more := make([]byte, have, min(max(2*uint64(cap(b)), believed, have+n), r.long.size))
		copy(more, b)
		b = more
	}
	return b[:have+n]
}

// keep keeps what has come for the next call.
func (r *receiver) keep(b []byte, foreign bool) {
	if foreign {
		b = append(r.long.got[:0], b...)
	}
	r.long.got = b
}
