// Package hold is what flock(1) does, with the objects of package sem: it opens one by its name and runs a
// command while it is held, in such a way that it stays held for as long as the command runs, even if this
// process is killed.
//
// How: a word in shared memory names its holder by an id, and the id lives as long as the open file description
// that has its liveness byte locked (package owner). The command inherits a descriptor of that very
// description. So the id outlives this process, and is dead when the command, and whoever has inherited
// the descriptor from it, has ended; then the next one takes over.
package hold

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// Object is a T in a named segment of its own, the same as a shm.Var.
type Object[T any] struct {
	V    *T // good until Close
	seg  *segment.Segment
	lent int // a descriptor of the claim, which commands inherit; −1: none yet
}

// Open opens the T of that name, which it makes if there is none: zeroed, then init'ed unless init is nil.
func Open[T any](name string, init func(*T)) (*Object[T], error) {
	t, err := abi.Shareable(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	o := &Object[T]{lent: -1}
	spec := segment.Spec{
		Kind: abi.KindVar,
		Type: t,
		Size: func([4]uint64) int64 { return int64(t.Size) },
		Lend: o.lend,
	}
	if init != nil {
		spec.Init = func(payload []byte) error {
			init(at[T](payload))
			return nil
		}
	}
	if o.seg, err = segment.OpenOrCreate(name, spec, segment.Mem{}); err != nil {
		return nil, errors.Join(err, o.giveUp())
	}
	o.V = at[T](o.seg.Payload())
	return o, nil
}

// lend keeps a duplicate. It is called again when a name goes while it is being opened.
func (o *Object[T]) lend(fd int) error {
	err := o.giveUp()
	if err == nil {
		o.lent, err = inherited(fd)
	}
	return err
}

func (o *Object[T]) giveUp() error {
	fd := o.lent
	o.lent = -1
	if fd < 0 {
		return nil
	}
	return closeFD(fd)
}

// Close ends this process's part. What it holds should be given up before; a command that still runs keeps the id
// alive.
func (o *Object[T]) Close() error { return errors.Join(o.seg.Close(), o.giveUp()) }

// at is the T at the beginning of a payload, which begins on a page.
func at[T any](payload []byte) *T { return (*T)(unsafe.Pointer(unsafe.SliceData(payload))) }
