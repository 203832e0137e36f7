package queue

import (
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/annex"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// opener makes a segment, or finds it.
type opener func(segment.Spec) (*segment.Segment, error)

func unnamed(mem shm.Mem) opener {
	return func(s segment.Spec) (*segment.Segment, error) { return segment.New(s, segment.Mem(mem)) }
}

func create(name string, mem shm.Mem) opener {
	return func(s segment.Spec) (*segment.Segment, error) { return segment.Create(name, s, segment.Mem(mem)) }
}

func open(name string, mem shm.Mem) opener {
	return func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(mem)) }
}

func openOrCreate(name string, mem shm.Mem) opener {
	return func(s segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, s, segment.Mem(mem))
	}
}

// plan is what a queue is to be, as a Config says it.
type plan struct {
	kind     abi.Kind
	capacity int
}

// newBody opens a queue.
func newBody[T any](p plan, from opener) (*body[T], error) {
	r, err := ringbuf.OpenAs[T](annex.As{Kind: p.kind, Cap: p.capacity, Open: from})
	if err != nil {
		return nil, err
	}
	return &body[T]{ring: r}, nil
}
