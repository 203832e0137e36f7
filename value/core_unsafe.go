package value

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/sem"
)

// core is what an open handle has. Geometry is copied here when the value is opened, and never read from shared
// memory again.
type core[T any] struct {
	number number
	word   *abi.Value // ctl; nil where the value is not one word, or where each operation needs the fault guard
	ctl    *abi.Value
	bell   *bell
	copies uintptr // of a T that is larger than a word; else 0
	stride uintptr
	guard  bool // operations run under the fault guard
	seg    *segment.Segment
	site   park.Site
	ends   ends
	pace   pace
	buf    T // what f of an Update works on; under the mutex
}

const ctlSize = unsafe.Sizeof(abi.Value{})

// bulk is the number of bytes from which a copy is worth the fault guard's 15 ns.
const bulk = 4096

func newCore[T any](s *segment.Segment) *core[T] {
	c := viewCore[T](s.Payload(), s.Shape())
	c.seg = s
	c.guard = s.Guarded() || !s.Sealed() && unsafe.Sizeof(c.buf) >= bulk
	switch {
	case c.guard:
		c.word = nil
	case c.word != nil && fence.PlainStore && scalar(reflect.TypeFor[T]().Kind()):
		c.number.at = unsafe.Pointer(&c.word.Word)
	}
	return c
}

// scalar says that the compiler loads such a T by one instruction.
func scalar(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Float64
}

// viewCore is a view of a payload whose size fits the shape.
func viewCore[T any](payload []byte, shape [4]uint64) *core[T] {
	ctl := (*abi.Value)(unsafe.Pointer(unsafe.SliceData(payload)))
	c := &core[T]{ctl: ctl, bell: (*bell)(unsafe.Pointer(&ctl.Changed))}
	if shape[abi.ValueForm] == abi.FormWord {
		c.word = ctl
	} else {
		c.copies, c.stride = uintptr(shape[abi.ValueCopies]), uintptr(shape[abi.ValueStride])
	}
	return c
}

func (c *core[T]) mutex() *sem.Mutex { return (*sem.Mutex)(unsafe.Pointer(&c.ctl.Mutex)) }

// at is the copy that is, or was, the value in that version.
func (c *core[T]) at(version uint64) unsafe.Pointer {
	i := uintptr(version % uint64(c.copies))
	return unsafe.Add(unsafe.Pointer(c.ctl), ctlSize+i*c.stride)
}

// raw is the word: the value, or its version. If it is another one the value may have changed.
func (c *core[T]) raw() uint64 { return atomic.LoadUint64(&c.ctl.Word) }

// The word as race hint: see package race.

func (c *core[T]) acquire() { race.Acquire(unsafe.Pointer(c.ctl)) }
func (c *core[T]) release() { race.Release(unsafe.Pointer(c.ctl)) }

// decode is the T in a word. Called with a larger T it does nothing.
func decode[T any](w uint64) (x T) {
	if unsafe.Sizeof(x) <= abi.WordSize {
		x = *(*T)(unsafe.Pointer(&w))
	}
	return x
}

// encode is the word with x in its first bytes, and zeros behind.
func encode[T any](x *T) (w uint64) {
	if unsafe.Sizeof(*x) <= abi.WordSize {
		*(*T)(unsafe.Pointer(&w)) = *x
	}
	return w
}

// small says that T fits into the word.
func small[T any]() bool {
	var x T
	return unsafe.Sizeof(x) <= abi.WordSize
}

// full says that T has all of the word's bytes.
func full[T any]() bool {
	var x T
	return unsafe.Sizeof(x) == abi.WordSize
}

// enter runs f, which touches the memory, under the fault guard if this value needs it. f may not be the user's.
func (c *core[T]) enter(op string, f func()) {
	if err := c.protect(f); err != nil {
		panic(fmt.Errorf("value: %s of %s: %w", op, c.label(), err))
	}
}

func (c *core[T]) protect(f func()) error {
	if !c.guard {
		f()
		return nil
	}
	return c.seg.Protect(f)
}

// park is protect for calls that wait, which are always worth it.
func (c *core[T]) park(f func()) error { return c.seg.Protect(f) }

// lock takes the mutex. There is nothing to repair after a holder's death.
func (c *core[T]) lock(ctx context.Context) error {
	m := c.mutex()
	if err := m.LockContext(ctx); err != nil {
		return err
	}
	if m.Abandoned() {
		m.Repaired()
	}
	return nil
}

func (c *core[T]) label() string {
	if name := c.seg.Name(); name != "" {
		return fmt.Sprintf("%q", name)
	}
	return "an unnamed value"
}

// spec describes a value of T. init is what it holds when it is made.
func spec[T any](init *T) (segment.Spec, error) {
	t, err := abi.Copyable(reflect.TypeFor[T]())
	if err != nil {
		return segment.Spec{}, err
	}
	made := shapeOf(t.Size)
	return segment.Spec{
		Kind:       abi.KindValue,
		Type:       t,
		Default:    made,
		ShapeNames: [4]string{"form", "copies", "stride"},
		Size:       func(s [4]uint64) int64 { return sizeOf(s, t.Size) },
		Init: func(payload []byte) error {
			if c := viewCore[T](payload, made); init != nil {
				c.initialise(init)
			}
			return nil
		},
	}, nil
}

func (c *core[T]) initialise(x *T) {
	if c.copies == 0 {
		c.ctl.Word = encode(x)
	} else {
		*(*T)(c.at(0)) = *x
	}
}

// A T of up to manyUpTo bytes has four copies, so that a reader is disturbed only when it is lapped by the third
// store that begins while it copies. A larger one has two: three times its size would be much memory, and its readers lock.
const manyUpTo = 64 << 10

func shapeOf(size uint64) [4]uint64 {
	if size <= abi.WordSize {
		return [4]uint64{abi.ValueForm: abi.FormWord}
	}
	copies := uint64(4)
	if size > manyUpTo {
		copies = 2
	}
	stride := (size + abi.CopyAlign - 1) &^ (abi.CopyAlign - 1)
	return [4]uint64{abi.ValueForm: abi.FormCopies, abi.ValueCopies: copies, abi.ValueStride: stride}
}

// sizeOf checks a shape that may come from a hostile header. The number of copies is whatever its maker chose.
func sizeOf(s [4]uint64, size uint64) int64 {
	want := shapeOf(size)
	if n := s[abi.ValueCopies]; want[abi.ValueForm] == abi.FormCopies && n >= 2 && n <= abi.MaxCopies {
		want[abi.ValueCopies] = n
	}
	if total := want[abi.ValueCopies] * want[abi.ValueStride]; s == want && total <= abi.MaxSize {
		return int64(ctlSize) + int64(total)
	}
	return -1
}
