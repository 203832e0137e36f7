package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/queue"
)

// box is a queue of some kind and of some T, as put and get see it.
type box struct {
	put      func(ctx context.Context, line []byte) error
	get      func(ctx context.Context) (letter, error)
	shutdown func() error // nil: it has no end
	close    func() error
	leases   bool // what get has in hand comes again
}

// letter is an item that get has in hand.
type letter struct {
	text []byte // JSON
	done func() error
}

// boxFlags say which queue.
type boxFlags struct {
	streamFlags
	capacity int
	joinable bool
}

func (f *boxFlags) add(c *cobra.Command, count, timeout string) {
	f.streamFlags.add(c, "queue", count, timeout)
	c.Flags().IntVar(&f.capacity, "capacity", 0, "items that the queue holds; of one that exists: must hold (default 1024, or what is there)")
	c.Flags().BoolVarP(&f.joinable, "joinable", "j", false, "with --create: make a JoinableQueue, from which no death loses an item")
}

func (f *boxFlags) check(c *cobra.Command) error {
	if c.Flags().Changed("capacity") && f.capacity <= 0 {
		return usageError{fmt.Errorf("--capacity %d: want 1 or more", f.capacity)}
	}
	if f.joinable && !f.create {
		return usageError{errors.New("--joinable: only with --create; of a queue that exists its kind is known")}
	}
	return f.streamFlags.check(c)
}

// open opens the queue, as what its header says it is.
func (f *boxFlags) open(name string) (*box, error) {
	b, err := f.find(name)
	if errors.Is(err, fs.ErrNotExist) && f.create {
		if b, err = f.make(name); errors.Is(err, fs.ErrExist) {
			b, err = f.find(name) // somebody has made it meanwhile
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; --create makes it", err)
	}
	return b, err
}

func (f *boxFlags) make(name string) (*box, error) {
	if f.joinable {
		q, err := queue.JoinableConfig[any]{Cap: f.capacity}.Create(name)
		return joinableBox(q, err, anyForm)
	}
	q, err := queue.Config[any]{Cap: f.capacity}.Create(name)
	return queueBox(q, err, anyForm)
}

// find opens what is there by the kind, codec and type in its header. If it is another one by then, that is an error of its own.
func (f *boxFlags) find(name string) (*box, error) {
	v, err := segment.Inspect(name, segment.Mem{})
	if err != nil {
		return nil, err
	}
	h, format := v.Header(), v.Format()
	if err := v.Close(); err != nil {
		return nil, err
	}
	if !isQueue(h.Kind) {
		return nil, fmt.Errorf("%s is a %v, and no queue", name, h.Kind)
	}
	opener := openers[h.CodecName()]
	if h.CodecName() == "" {
		opener = plainOpeners[format]
	}
	if opener == nil {
		what := "is encoded by " + h.CodecName()
		if h.CodecName() == "" {
			what = "is plain data of the type " + format
		}
		return nil, fmt.Errorf("what is in the queue %s %s: only a program that knows that can put and get", name, what)
	}
	return opener(name, h.Kind, f.capacity)
}

func isQueue(k abi.Kind) bool {
	return k == abi.KindQueue || k == abi.KindSimpleQueue || k == abi.KindJoinableQueue
}

// opener opens the queue of that name and kind.
type opener func(name string, k abi.Kind, capacity int) (*box, error)

// openers are by codec, plainOpeners by the type of plain data.
var (
	openers      = map[string]opener{"cbor": openAs(anyForm), "raw": openAs(textForm)}
	plainOpeners = map[string]opener{}
)

func init() {
	plain[bool]()
	plain[int8]()
	plain[uint8]()
	plain[int16]()
	plain[uint16]()
	plain[int32]()
	plain[uint32]()
	plain[int64]()
	plain[uint64]()
	plain[float32]()
	plain[float64]()
}

// plain adds a type of plain data.
func plain[T any]() {
	t, err := abi.Copyable(reflect.TypeFor[T]())
	if err != nil {
		panic(err)
	}
	plainOpeners[t.Format] = openAs(plainForm[T]())
}

func openAs[T any](f jsonForm[T]) opener {
	return func(name string, k abi.Kind, capacity int) (*box, error) {
		switch {
		case k == abi.KindJoinableQueue:
			q, err := queue.JoinableConfig[T]{Cap: capacity}.Open(name)
			return joinableBox(q, err, f)
		case k == abi.KindQueue:
			q, err := queue.Config[T]{Cap: capacity}.Open(name)
			return queueBox(q, err, f)
		case capacity != 0:
			return nil, usageError{fmt.Errorf("--capacity: %s is a simple queue, which has always the same", name)}
		}
		q, err := queue.OpenSimple[T](name)
		if err != nil {
			return nil, err
		}
		return &box{put: f.putter(q.Put), get: f.getter(q.Get), close: q.Close}, nil
	}
}

func queueBox[T any](q *queue.Queue[T], err error, f jsonForm[T]) (*box, error) {
	if err != nil {
		return nil, err
	}
	return &box{put: f.putter(q.Put), get: f.getter(q.Get), shutdown: q.Shutdown, close: q.Close}, nil
}

func joinableBox[T any](q *queue.JoinableQueue[T], err error, f jsonForm[T]) (*box, error) {
	if err != nil {
		return nil, err
	}
	get := func(ctx context.Context) (letter, error) {
		t, err := q.Get(ctx)
		if err != nil {
			return letter{}, err
		}
		text, err := f.out(t.Value)
		if err != nil {
			t.Fail()
			return letter{}, err
		}
		return letter{text, t.Done}, nil
	}
	return &box{put: f.putter(q.Put), get: get, shutdown: q.Shutdown, close: q.Close, leases: true}, nil
}

func (f jsonForm[T]) putter(put func(context.Context, T) error) func(context.Context, []byte) error {
	return func(ctx context.Context, line []byte) error {
		v, err := f.in(line)
		if err != nil {
			return err
		}
		return put(ctx, v)
	}
}

func (f jsonForm[T]) getter(get func(context.Context) (T, error)) func(context.Context) (letter, error) {
	return func(ctx context.Context) (letter, error) {
		v, err := get(ctx)
		if err != nil {
			return letter{}, err
		}
		text, err := f.out(v)
		return letter{text, func() error { return nil }}, err
	}
}

// completeBoxes offers the queues.
func completeBoxes(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(func(e segment.Entry) bool { return e.Err == nil && isQueue(e.Header.Kind) })
}
