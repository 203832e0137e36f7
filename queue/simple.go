package queue

import (
	"context"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/shm"
)

// SimpleQueue is the least of a queue: Put, Get, Empty, Close. It is a [Queue] of 1024 items otherwise, and what that says
// holds. The zero SimpleQueue is a closed handle, which UnmarshalText opens.
type SimpleQueue[T any] struct{ handle[T] }

var simple = plan{kind: abi.KindSimpleQueue}

// NewSimple makes a queue without a name, gone with its last user.
func NewSimple[T any]() (*SimpleQueue[T], error) { return newSimple[T](unnamed(shm.Mem{})) }

// OpenSimple opens the queue of that name, which must exist (fs.ErrNotExist) and be one of T (*shm.MismatchError).
func OpenSimple[T any](name string) (*SimpleQueue[T], error) {
	return newSimple[T](open(name, shm.Mem{}))
}

// OpenOrCreateSimple opens the queue of that name, or makes it.
func OpenOrCreateSimple[T any](name string) (*SimpleQueue[T], error) {
	return newSimple[T](openOrCreate(name, shm.Mem{}))
}

func newSimple[T any](from opener) (*SimpleQueue[T], error) {
	b, err := newBody[T](simple, from)
	if err != nil {
		return nil, err
	}
	q := &SimpleQueue[T]{}
	q.at.Store(b)
	return q, nil
}

// UnmarshalText opens the queue that a handle text stands for. The handle must be zero or closed.
func (q *SimpleQueue[T]) UnmarshalText(text []byte) error { return q.decode(text, simple) }

// Put puts v into the queue, and waits while there is no room, until ctx ends: then its error, and v is not in the
// queue. ctx is looked at only where the call waits.
func (q *SimpleQueue[T]) Put(ctx context.Context, v T) error { return q.put(ctx, v) }

// Get takes the oldest item, and waits while there is none, until ctx ends: then its error, and nothing was taken.
// ctx is looked at only where the call waits.
func (q *SimpleQueue[T]) Get(ctx context.Context) (T, error) { return q.get(ctx) }

// Empty reports whether there is no item at about this moment. True once closed.
func (q *SimpleQueue[T]) Empty() bool {
	b := q.at.Load()
	return b == nil || b.len() == 0
}
