package queue

import (
	"io/fs"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

var errInvalid = fs.ErrInvalid

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
	inline   int
	attempts int
	dead     string
	codec    Codec
}

func (p *plan) joinable() bool { return p.kind == abi.KindJoinableQueue }
