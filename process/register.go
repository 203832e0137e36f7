package process

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/shmkit/shmkit/internal/codec"
)

// Func is a function that was registered, to be run in new processes.
type Func[A any] struct{ name string }

// Register makes f known to new processes under a name, which must be the same in parent and child and unique in
// the program. It is called when package variables are initialised, so that every process of the program knows f;
// after Main it panics, as it does for a name that is taken, and for an A that cannot travel.
//
// f's context ends when the parent's does that was given to Start, with SIGTERM and with SIGINT; its cause says which. When f returns
// the process exits: with 0, or with 1 if it is an error, whose text the parent gets; other goroutines are not waited
// for. If any goroutine panics it exits with 2, and the parent gets the stacks.
func Register[A any](name string, f func(ctx context.Context, arg A) error) *Func[A] {
	t := reflect.TypeFor[A]()
	c := codec.For(t)
	switch {
	case name == "" || f == nil:
		panic("process: register: empty name or nil function")
	case c == codec.CBOR && !marked: // the parent has looked
		if err := codec.Check(t); err != nil {
			panic(fmt.Sprintf("process: register %q: its argument cannot travel: %v", name, err))
		}
	}
	register(name, func(b []byte) (func(context.Context) error, error) {
		var arg A
		if t.Size() > 0 {
			if err := c.Decode(b, &arg); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context) error { return f(ctx, arg) }, nil
	})
	return &Func[A]{name}
}

// Start starts a child that runs the function, and returns when it has its argument. ctx is the child's life; if
// it ends before, that is Start's error, and there is no child.
func (f *Func[A]) Start(ctx context.Context, arg A) (*Process, error) {
	p := f.Command(ctx, arg)
	if err := p.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// Command prepares a child, for its fields to be set before its Start. The argument is encoded there.
func (f *Func[A]) Command(ctx context.Context, arg A) *Process {
	p := newChild(ctx)
	p.call = func() (*call, error) {
		if f == nil || f.name == "" {
			return nil, fmt.Errorf("its function was not made by Register")
		}
		b, err := codec.For(reflect.TypeFor[A]()).Append(nil, arg)
		if err != nil {
			return nil, fmt.Errorf("argument %w", err)
		}
		return &call{f.name, b}, nil
	}
	return p
}

// call is what a child is to run.
type call struct {
	name string
	arg  []byte
}

// body decodes the argument, and gives what is left to do.
type body = func(arg []byte) (run func(context.Context) error, err error)

var registry = struct {
	sync.Mutex
	bodies map[string]body
}{bodies: map[string]body{}}

func register(name string, b body) {
	registry.Lock()
	defer registry.Unlock()
	if registry.bodies[name] != nil {
		panic(fmt.Sprintf("process: register %q: registered twice", name))
	}
	if passed.Load() {
		panic(fmt.Sprintf("process: register %q: too late: after Main no child would know it; register package variables", name))
	}
	registry.bodies[name] = b
}

func registered(name string) body {
	registry.Lock()
	defer registry.Unlock()
	return registry.bodies[name]
}
