package queue

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/shmkit/shmkit/internal/codec"
)

// Codec turns items into bytes and back. Its methods may be called from any goroutine.
//
// Name stands in the queue's header, at most 16 bytes, so that both sides agree. Append appends v's bytes to b, and returns b as it was
// with an error. Decode sets what v points to, which is zero before; it does not keep b, and b may hold anything.
type Codec = codec.Codec

// ErrMessage is in the error of a get which met a message that cannot be read: cut short, or no T. It is dropped, and the
// next get goes on with the next one.
var ErrMessage = errors.New("a message that cannot be read")

func isGarbled(err error) bool { return errors.Is(err, ErrMessage) }

var errInline = fmt.Errorf("queue: Inline is for items that are encoded, and these are plain data: %w", errInvalid)

func (b *body[T]) encode(buf []byte, v *T) ([]byte, error) {
	m, err := b.form.codec.Append(buf, *v)
	if err != nil {
		return nil, fmt.Errorf("queue: put into %s: %w; nothing was put", b.desk.r.label(), err)
	}
	return m, nil
}

// GetBytes is Get into dst: the message lies in dst's memory if its capacity is large enough, else in new one, and what it
// returns is the message. With an error it returns dst.
func GetBytes(ctx context.Context, q *Queue[[]byte], dst []byte) ([]byte, error) {
	b := q.at.Load()
	if b == nil {
		return dst, os.ErrClosed
	}
	m := dst
	if err := b.get(ctx, &m); err != nil {
		return dst, err
	}
	return m, nil
}
