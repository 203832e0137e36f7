package queue

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
)

// TryPut puts v into the queue if there is room: else ErrFull. After Shutdown it is io.ErrClosedPipe.
func (q *Queue[T]) TryPut(v T) error {
	//lint:ignore SA1012 nil means: do not wait
	return q.put(nil, v)
}

// Put puts v into the queue, and waits while there is no room, until ctx ends: then its error, and v is not in the
// queue. ctx is looked at only where the call waits. After Shutdown it is io.ErrClosedPipe.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	return q.put(ctx, v)
}

// PutBatch puts the first n of vs into the queue, as many as there is room for, and at least one: it waits while there is
// no room at all, until ctx ends. It returns n > 0, or an error and nothing has happened. Each item is put by itself, in the
// order of vs; those of others may come between. If the process is killed on the way the first so many are in the queue.
func (q *Queue[T]) PutBatch(ctx context.Context, vs []T) (n int, err error) {
	b := q.at.Load()
	if b == nil {
		return 0, os.ErrClosed
	}
	if b.ring != nil {
		return b.ring.PutBatch(ctx, vs)
	}
	for n < len(vs) {
		if err = b.put(ctx, &vs[n]); err != nil {
			break
		}
		ctx = nil // from the second one on it does not wait
		n++
	}
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// TryGet takes the oldest item if there is one: else ErrEmpty, or io.EOF once the queue is shut down and drained.
func (q *Queue[T]) TryGet() (T, error) {
	//lint:ignore SA1012 nil means: do not wait
	return q.get(nil)
}

// Get takes the oldest item, and waits while there is none, until ctx ends: then its error, and nothing was taken.
// ctx is looked at only where the call waits. It is io.EOF once the queue is shut down and drained.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	return q.get(ctx)
}

// GetBatch takes up to len(dst) of the oldest items, as many as there are, and at least one: it waits while there
// is none, until ctx ends. It returns n > 0, or an error and nothing was taken. Each item is taken by
// itself; others may take what is between. A message that cannot be read (ErrMessage) ends a batch, and if that is not empty its error is that of the next get
// of this handle. A []byte in dst whose capacity is large enough lends its memory to the message that is put there: so do not keep
// what an earlier call has put into the same dst.
func (q *Queue[T]) GetBatch(ctx context.Context, dst []T) (n int, err error) {
	b := q.at.Load()
	if b == nil {
		return 0, os.ErrClosed
	}
	if b.ring != nil {
		return b.ring.GetBatch(ctx, dst)
	}
	for n < len(dst) {
		old := dst[n]
		if err = b.get(ctx, &dst[n]); err != nil {
			dst[n] = old
			break
		}
		ctx = nil
		n++
	}
	if n > 0 {
		if isGarbled(err) {
			b.desk.tellLater(err)
		}
		return n, nil
	}
	return 0, err
}

// tellLater keeps an error for the next get.
func (d *desk) tellLater(err error) {
	for {
		old, e := d.unread.Load(), err
		if old != nil {
			e = errors.Join(*old, err)
		}
		if d.unread.CompareAndSwap(old, &e) {
			return
		}
	}
}

// All returns the items as they come, until io.EOF, which it does not yield. Another error is yielded with a zero item, and ends
// it, unless it is one of a message that cannot be read (ErrMessage).
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := q.Get(ctx)
			if err == io.EOF || !yield(v, err) || err != nil && !isGarbled(err) {
				return
			}
		}
	}
}
