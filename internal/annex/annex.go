// Package annex is how package queue builds on the rings of package ringbuf without a copy of them: what a ring shows to nobody
// else. Its types keep that inside this module.
package annex

import (
	"context"
	"errors"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/segment"
)

// As is a ring of items under another kind of object's flag. It lies in memory as a ring does.
type As struct {
	Kind abi.Kind
	Cap  int                                                // items; 0: whatever is there, or 1024
	Open func(segment.Spec) (s *segment.Segment, err error) // makes it, or finds it
}

// Order is a handle on a ring of many of words that is the beginning of a larger object, whose items lie elsewhere. A word says where, and
// the ring only in which order. Its errors, and whatever is not said here, are ringbuf.MPMC's. Nothing but Close is called after
// Close but by calls that are inside.
type Order interface {
	Full() bool                                        // whether there is no room at this moment
	Reserve(ctx context.Context) (x uint64, err error) // claims the next position; ctx nil: do not wait
	Commit(x, v uint64)                                // puts v there
	Abort(x uint64)                                    // gives it up
	Get(ctx context.Context) (v uint64, err error)     // the oldest word; or ErrAside
	Passed(x uint64) bool                              // whether what was committed there is taken, or it was skipped
	Wake()                                             // one consumer, to look aside
	WakeAll()                                          // all of them
	Shut() bool
	Shutdown() error
	Clone(Aside) Order // nil if the memory is gone
	Notify(ch chan<- struct{}) (stop func())
	Counts() Counts
	Close()
}

// Aside is where there may be something to take that is not in the ring.
type Aside interface {
	// Look reports whether there may be something to take. A consumer asks when the ring has nothing, and before it sleeps; and the
	// carrier of the slice, with its tick: then it is to look for what the dead have left.
	Look(t *park.Tick) bool
	// Out reports whether something may still come when the ring is shut down and drained: then that is not the end.
	Out() bool
}

// ErrAside is Order.Get's: there is nothing in the ring, and something aside.
var ErrAside = errors.New("annex: look aside")

// Counts are ringbuf.MPMCStats.
type Counts struct {
	Put, Got    uint64
	Skipped     uint64
	Redelivered uint64

	PutWaits, GetWaits uint64
	PutParks, GetParks uint64
	PutWakes, GetWakes uint64

	Writing, Reading int
	Writer, Reader   uint32
}

// Orders makes such rings. Package ringbuf fills it in.
var Orders struct {
	Init func(payload []byte, capacity uint64)                                             // makes an empty one of zeroed memory
	Open func(s *segment.Segment, capacity uint64, aside func(Order) Aside) (Order, error) // owns s
}
