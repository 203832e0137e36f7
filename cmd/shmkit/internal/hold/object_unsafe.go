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
	"reflect"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// Object is a T in a named segment of its own, the same as a shm.Var.
type Object[T any] struct {
	V *T // good until Close
	held
}

// Open opens the T of that name, which it makes if there is none: zeroed, then init'ed unless init is nil.
func Open[T any](name string, init func(*T)) (*Object[T], error) {
	t, err := abi.Shareable(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	spec := segment.Spec{
		Kind: abi.KindVar,
		Type: t,
		Size: func([4]uint64) int64 { return int64(t.Size) },
	}
	if init != nil {
		spec.Init = func(payload []byte) error {
			init(at[T](payload))
			return nil
		}
	}
	o := &Object[T]{held: held{lent: -1}}
	if err := o.open(name, spec); err != nil {
		return nil, err
	}
	o.V = at[T](o.seg.Payload())
	return o, nil
}

// at is the T at the beginning of a payload, which begins on a page.
func at[T any](payload []byte) *T { return (*T)(unsafe.Pointer(unsafe.SliceData(payload))) }
