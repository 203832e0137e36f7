package array

import (
	"fmt"
	"io/fs"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/internal/wordwise"
	"github.com/shmkit/shmkit/sem"
)

// core is what an open handle has. Geometry is copied here when the array is opened, and never read from shared
// memory again.
type core[T any] struct {
	cells   cells
	elems   []T
	stripes []abi.Stripe
	log     unsafe.Pointer
	n       int
	block   int
	guard   bool // all operations run under the fault guard
	seg     *segment.Segment
	locked  atomic.Bool // by Lock of this handle
	bufs    []T         // what f of an Update works on: one for each stripe, under its lock
}

// bulk is the number of bytes from which a copy is worth the fault guard's 15 ns.
const bulk = 4096

const stripeSize = unsafe.Sizeof(abi.Stripe{})

func newCore[T any](s *segment.Segment) *core[T] {
	c := viewCore[T](s.Payload(), s.Shape())
	c.seg, c.guard = s, s.Guarded()
	c.bufs = make([]T, len(c.stripes))
	if fence.PlainStore && !c.guard && scalar(reflect.TypeFor[T]().Kind()) {
		c.cells.first, c.cells.n = unsafe.Pointer(unsafe.SliceData(c.elems)), c.n
	}
	c.slow()
	return c
}

// viewCore is a view of a payload whose size fits the shape.
func viewCore[T any](payload []byte, shape [4]uint64) *core[T] {
	p := unsafe.Pointer(unsafe.SliceData(payload))
	return &core[T]{
		elems:   unsafe.Slice((*T)(unsafe.Add(p, shape[abi.ArrayOffset])), shape[abi.ArrayLen]),
		stripes: unsafe.Slice((*abi.Stripe)(p), shape[abi.ArrayStripes]),
		log:     unsafe.Add(p, uintptr(shape[abi.ArrayStripes])*stripeSize),
		n:       int(shape[abi.ArrayLen]),
		block:   int(shape[abi.ArrayBlock]),
	}
}

// scalar says that the compiler loads and stores such a T by one instruction.
func scalar(k reflect.Kind) bool { return k >= reflect.Bool && k <= reflect.Float64 }

// size is that of an element.
func (c *core[T]) size() uintptr { return unsafe.Sizeof(*new(T)) }

// celled says that an element is loaded and stored in one step.
func (c *core[T]) celled() bool {
	n := c.size()
	return n <= 8 && n&(n-1) == 0
}

// at is the element i.
func (c *core[T]) at(i int) unsafe.Pointer { return unsafe.Pointer(&c.elems[i]) }

func (c *core[T]) mutex(stripe int) *sem.Mutex {
	return (*sem.Mutex)(unsafe.Pointer(&c.stripes[stripe].Mutex))
}

// stripe is the stripe of the element i.
func (c *core[T]) stripe(i int) int { return i / c.block }

// The stripe's version as race hint: see package race. Elements that are stored without a lock have none of their own: it
// is that of the whole array.

func (c *core[T]) acquire() { race.Acquire(unsafe.Pointer(unsafe.SliceData(c.stripes))) }
func (c *core[T]) release() { race.Release(unsafe.Pointer(unsafe.SliceData(c.stripes))) }

func (c *core[T]) label() string {
	if name := c.seg.Name(); name != "" {
		return fmt.Sprintf("%q", name)
	}
	return "an unnamed array"
}

// enter runs f, which touches the memory, under the fault guard if this array needs it. f may not be the user's.
func (c *core[T]) enter(op string, f func()) {
	if err := c.protect(false, f); err != nil {
		panic(fmt.Errorf("array: %s of %s: %w", op, c.label(), err))
	}
}

func (c *core[T]) protect(much bool, f func()) error {
	if !c.guard && !much {
		f()
		return nil
	}
	return c.seg.Protect(f)
}

// load is Load where it is not one plain load.
func (c *core[T]) load(i int, x *T) {
	if c.celled() {
		w := loadCell(c.at(i), c.size())
		c.acquire()
		*x = *(*T)(unsafe.Pointer(&w))
		return
	}
	c.read(unsafe.Pointer(x), i, i+1)
}

// store is Store where it is not one plain store.
func (c *core[T]) store(i int, x *T) {
	if c.celled() {
		c.release()
		storeCell(c.at(i), c.size(), cellOf(x))
		return
	}
	s := c.stripe(i)
	c.lock(s, s)
	c.write(unsafe.Pointer(x), i, i+1)
	c.unlock(s, s)
}

// fetch copies elements. Either nobody writes to them, or a version decides. Elements of one step each are whole.
func (c *core[T]) fetch(private unsafe.Pointer, from, to int) {
	n := uintptr(to-from) * c.size()
	if fence.PlainStore && c.celled() {
		loadCells(private, c.at(from), c.size(), to-from)
		return
	}
	wordwise.Load(private, c.at(from), n)
}

// spec describes an array of T.
func spec[T any](c Config[T]) (segment.Spec, error) {
	t, err := abi.Copyable(reflect.TypeFor[T]())
	if err != nil {
		return segment.Spec{}, err
	}
	n, stripes := c.len(), uint64(max(c.Stripes, 1))
	if c.Stripes < 0 || c.Stripes > abi.MaxStripes {
		return segment.Spec{}, fmt.Errorf("array: %d stripes: there are 1 to %d: %w", c.Stripes, abi.MaxStripes, fs.ErrInvalid)
	}
	switch most := most(stripes, t.Size); {
	case n < 0 || uint64(n) > most:
		return segment.Spec{}, fmt.Errorf("array: %d elements of %d bytes: there are 1 to %d: %w", n, t.Size, most, fs.ErrInvalid)
	case len(c.Init) > n:
		return segment.Spec{}, fmt.Errorf("array: %d initial elements for an array of %d: %w", len(c.Init), n, fs.ErrInvalid)
	}
	made := shapeOf(uint64(n), stripes, t.Size)
	return segment.Spec{
		Kind:       abi.KindArray,
		Type:       t,
		Shape:      [4]uint64{abi.ArrayLen: uint64(n), abi.ArrayStripes: uint64(c.Stripes)},
		Default:    made,
		ShapeNames: [4]string{"length", "stripes", "block", "offset"},
		Size:       func(s [4]uint64) int64 { return sizeOf(s, t.Size) },
		Init: func(payload []byte) error {
			copy(viewCore[T](payload, made).elems, c.Init)
			return nil
		},
	}, nil
}

// most is how many elements there may be: beside the stripes there is room for them twice.
func most(stripes, size uint64) uint64 {
	room := (abi.MaxSize - stripes*uint64(stripeSize)) / 2
	return room &^ (abi.ArrayAlign - 1) / size
}

// shapeOf is the shape of an array of n elements. A block ends at a multiple of ArrayAlign bytes, so that those who write
// to different stripes share no cache line.
func shapeOf(n, stripes, size uint64) [4]uint64 {
	step := abi.ArrayAlign / gcd(abi.ArrayAlign, size)
	block := (n + stripes - 1) / stripes
	block = (block + step - 1) / step * step
	log := (n*size + abi.ArrayAlign - 1) &^ (abi.ArrayAlign - 1)
	return [4]uint64{abi.ArrayLen: n, abi.ArrayStripes: stripes, abi.ArrayBlock: block,
		abi.ArrayOffset: stripes*uint64(stripeSize) + log}
}

// sizeOf checks a shape that may come from a hostile header.
func sizeOf(s [4]uint64, size uint64) int64 {
	n, stripes := s[abi.ArrayLen], s[abi.ArrayStripes]
	if stripes == 0 || stripes > abi.MaxStripes || n == 0 || n > most(stripes, size) || s != shapeOf(n, stripes, size) {
		return -1
	}
	return int64(s[abi.ArrayOffset] + n*size)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
