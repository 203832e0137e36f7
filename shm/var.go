package shm

import (
	"reflect"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// Var is a T in a segment of its own. T is plain data: numbers, arrays and structs of them, locks and
// events of package sem, atomics; no pointers, strings, slices, maps, channels, functions or interfaces.
// A T without any bytes is refused.
//
// Its methods may be called from any goroutine. The zero Var is a closed handle, which UnmarshalText opens.
type Var[T any] struct{ handle }

// Config is a Var's configuration. The zero value is good.
type Config[T any] struct {
	// Init, if there is one, is run on the zeroed T before anybody else can see it. If several processes
	// create a name at once, each runs its own and one result is kept: it touches nothing but its *T.
	Init func(*T)
	// Mem is the memory knobs.
	Mem Mem
}

// New makes a zeroed T without a name, gone with its last user.
func New[T any]() (*Var[T], error) { return Config[T]{}.New() }

// Open maps the T of that name. It must exist (fs.ErrNotExist) and be a T (*MismatchError).
func Open[T any](name string) (*Var[T], error) { return Config[T]{}.Open(name) }

// OpenOrCreate maps the T of that name, which it makes, zeroed, if there is none.
func OpenOrCreate[T any](name string) (*Var[T], error) { return Config[T]{}.OpenOrCreate(name) }

// New makes a T without a name, gone with its last user.
func (c Config[T]) New() (*Var[T], error) {
	return c.make(func(spec segment.Spec) (*segment.Segment, error) { return segment.New(spec, segment.Mem(c.Mem)) })
}

// Create makes a T of that name, which must be free (fs.ErrExist).
func (c Config[T]) Create(name string) (*Var[T], error) {
	return c.make(func(spec segment.Spec) (*segment.Segment, error) {
		return segment.Create(name, spec, segment.Mem(c.Mem))
	})
}

// Open maps the T of that name. It must exist (fs.ErrNotExist) and be a T (*MismatchError).
func (c Config[T]) Open(name string) (*Var[T], error) {
	return c.make(func(spec segment.Spec) (*segment.Segment, error) {
		return segment.Open(name, spec, segment.Mem(c.Mem))
	})
}

// OpenOrCreate maps the T of that name, which it makes if there is none.
func (c Config[T]) OpenOrCreate(name string) (*Var[T], error) {
	return c.make(func(spec segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, spec, segment.Mem(c.Mem))
	})
}

func (c Config[T]) make(open func(segment.Spec) (*segment.Segment, error)) (*Var[T], error) {
	spec, err := c.spec()
	if err != nil {
		return nil, err
	}
	s, err := open(spec)
	if err != nil {
		return nil, err
	}
	return &Var[T]{handle{s}}, nil
}

func (c Config[T]) spec() (segment.Spec, error) {
	t, err := abi.Shareable(reflect.TypeFor[T]())
	spec := segment.Spec{Kind: abi.KindVar, Type: t, Size: func(s [4]uint64) int64 { return varSize(s, t.Size) }}
	if c.Init != nil {
		spec.Init = func(payload []byte) error {
			c.Init(at[T](payload, 0))
			return nil
		}
	}
	return spec, err
}

// Ptr returns the T itself, or nil once v is closed. The pointer is good until Close, which the collector
// never does for you; using it afterwards ends the process with a fault. Peers may write to *Ptr() at any
// moment: what is not an atomic or behind a lock, read once and check.
func (v *Var[T]) Ptr() *T {
	p := v.s.Payload()
	if p == nil {
		return nil
	}
	return at[T](p, 0)
}

// UnmarshalText opens the T that a handle text stands for. v must be zero or closed.
func (v *Var[T]) UnmarshalText(text []byte) error {
	spec, err := Config[T]{}.spec()
	if err != nil {
		return err
	}
	return v.decode(text, spec)
}

// varSize checks a shape that may come from a hostile header, or from a later version: nothing is said in it yet.
func varSize(s [4]uint64, size uint64) int64 {
	if s != [4]uint64{} {
		return -1
	}
	return int64(size)
}
