package pipe

import (
	"context"
	"fmt"
	"io/fs"
	"reflect"
	"sync"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/codec"
)

// SendBytes sends p as one message, and waits while there is no room, until ctx ends: then its error, and nothing was sent.
// A done ctx does not fail a call that need not wait, but for one in 64. When the far end is closed, or its process
// dead, it is an error that is syscall.EPIPE and io.ErrClosedPipe.
func (c *Conn) SendBytes(ctx context.Context, p []byte) error {
	e := c.at.Load()
	if e == nil {
		return errClosed
	}
	return e.out.message(ctx, abi.FrameBytes, abi.FrameLong, p)
}

// RecvBytes receives one message of SendBytes into dst and returns the part of it that the message has; if dst is nil, into
// new memory, as much as it takes, which with a peer that is not to be trusted has no bound. It waits until ctx ends: then its error, and the message is still to come. When dst is too short
// that is a *TooShortError (ErrTooShort), and the next call gets the message. It is io.EOF when the far end is closed, or its
// process dead, and all has been received.
func (c *Conn) RecvBytes(ctx context.Context, dst []byte) ([]byte, error) {
	e := c.at.Load()
	if e == nil {
		return nil, errClosed
	}
	if err := e.in.enter(ctx); err != nil {
		return nil, err
	}
	m, err := e.in.message(ctx, "RecvBytes", abi.FrameBytes, abi.FrameLong, dst)
	e.in.give(e)
	return m, err
}

// TryRecvBytes is RecvBytes that does not wait: ErrEmpty, if no whole message has come.
func (c *Conn) TryRecvBytes(dst []byte) ([]byte, error) {
	//lint:ignore SA1012 nil means: do not wait
	return c.RecvBytes(nil, dst)
}

// encoded are buffers for values on their way out.
var encoded = sync.Pool{New: func() any { return new([]byte) }}

// tooMuch is what no buffer is kept for.
const tooMuch = 1 << 20

// Send sends a value: anything that has exported fields or marshals itself, maps, slices, numbers, strings, nil, and handles
// of this toolkit; see Recv for what arrives. What cannot travel is an error that names the field, and nothing
// was sent. Else it is as SendBytes.
func (c *Conn) Send(ctx context.Context, v any) error {
	e := c.at.Load()
	if e == nil {
		return errClosed
	}
	buf := encoded.Get().(*[]byte)
	defer encoded.Put(buf)
	b, err := codec.CBOR.Append((*buf)[:0], v)
	if err != nil {
		return fmt.Errorf("pipe: send: %w", err)
	}
	if cap(b) <= tooMuch {
		*buf = b
	}
	return e.out.message(ctx, abi.FrameValue, abi.FrameLongV, b)
}

// Recv receives a value into what v points to, as json.Unmarshal does, but that this is zeroed first: if it is an any, then as
// nil, bool, int64 (a big.Int where that is too small), float64, string, []byte, time.Time, []any or map[string]any. A handle
// needs a field, or a v, of its type, and is open then. What has come and does not fit v is an error, with
// *v zero, and gone: the next call gets the next value. Else it is as RecvBytes with nil.
func (c *Conn) Recv(ctx context.Context, v any) error {
	e := c.at.Load()
	if e == nil {
		return errClosed
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("pipe: receive into a %T: it must be a pointer to what is to hold the value: %w", v, fs.ErrInvalid)
	}
	if err := e.in.enter(ctx); err != nil {
		return err
	}
	defer e.in.give(e)
	return e.in.value(ctx, p)
}

// TryRecv is Recv that does not wait: ErrEmpty, if no whole value has come.
func (c *Conn) TryRecv(v any) error {
	//lint:ignore SA1012 nil means: do not wait
	return c.Recv(nil, v)
}

func (r *receiver) value(ctx context.Context, p reflect.Value) error {
	b, err := r.encoded(ctx)
	if err != nil {
		return err
	}
	p.Elem().SetZero()
	if err := codec.CBOR.Decode(b, p.Interface()); err != nil {
		return fmt.Errorf("pipe: receive: what was sent does not fit: %w", err)
	}
	return nil
}

// encoded receives a value as it travels, into memory that is used again.
func (r *receiver) encoded(ctx context.Context) ([]byte, error) {
	if r.room == nil {
		r.room = make([]byte, 512)
	}
	m, err := r.message(ctx, "Recv", abi.FrameValue, abi.FrameLongV, r.room)
	if long, ok := err.(*TooShortError); ok {
		if uint64(long.Size) > r.most() { // it grows with what has come
			return r.message(ctx, "Recv", abi.FrameValue, abi.FrameLongV, nil)
		}
		r.room = make([]byte, max(long.Size, min(2*len(r.room), int(r.most()))))
		return r.message(ctx, "Recv", abi.FrameValue, abi.FrameLongV, r.room)
	}
	return m, err
}
