// Package queue is Python's queues between processes: [Queue], [SimpleQueue], and [JoinableQueue], whose items are tasks that
// survive their worker.
//
//	q, err := queue.OpenOrCreate[Order]("shop.orders", 0)
//	err = q.Put(ctx, order)                    // the item survives this process from here on
//	for order, err := range q.All(ctx) { … }   // in any number of processes and goroutines
//
// There is no thread that feeds the queue, and nothing to join at exit: when Put returns the item is in shared memory,
// whatever becomes of the process.
package queue

import (
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// Results of calls that found nothing to do; they are ringbuf's. They come bare: compare with ==. So does io.EOF, from a
// queue that is shut down and drained.
var (
	ErrFull  = ringbuf.ErrFull  // there is no room at this moment
	ErrEmpty = ringbuf.ErrEmpty // there is no item at this moment
)

// Queue is a bounded queue of T for any number of producers and consumers, processes and goroutines alike. The zero Queue is
// a closed handle, which UnmarshalText opens. All methods may be called from any goroutine; one that wants a position of
// its own, and shares no cache line with others of its process, takes a Clone.
//
// A T of plain data, without locks or atomics, lies in the queue as it does in memory: such a queue is a ringbuf.MPMC by
// another name, and what that says of order, death and memory order holds.
type Queue[T any] struct{ stream[T] }

// New makes a queue without a name, gone with its last user. The capacity counts items; zero is 1024.
func New[T any](capacity int) (*Queue[T], error) { return Config[T]{Cap: capacity}.New() }

// Open opens the queue of that name, which must exist (fs.ErrNotExist) and be one of T (*shm.MismatchError).
func Open[T any](name string) (*Queue[T], error) { return Config[T]{}.Open(name) }

// OpenOrCreate opens the queue of that name, or makes it. A capacity that is not zero must agree with what is
// there (*shm.MismatchError).
func OpenOrCreate[T any](name string, capacity int) (*Queue[T], error) {
	return Config[T]{Cap: capacity}.OpenOrCreate(name)
}

// Config is the configuration of a Queue. The zero value is good.
type Config[T any] struct {
	Cap int // items; 0: 1024. At most 2^24 of encoded ones

	// Inline is how many bytes of an encoded item lie in the queue's own memory; 0: 256. A longer item, up to 64 GiB, lies in the
	// queue's file behind that, in memory that is taken when it is put, and given back when it is got; but for 2 MiB in each of eight places, which are kept
	// for the next ones. That needs a file system in memory (tmpfs, as /dev/shm is). Not for plain data.
	Inline int

	// Codec encodes the items. nil: none for plain data, bytes and strings, else CBOR. A handle that is decoded from its text (UnmarshalText)
	// has T's own: a queue with another codec is opened by its name.
	Codec Codec

	Mem shm.Mem // memory knobs
}

// New makes a queue without a name, gone with its last user.
func (c Config[T]) New() (*Queue[T], error) { return c.make(unnamed(c.Mem)) }

// Create makes a queue of that name, which must be free (fs.ErrExist).
func (c Config[T]) Create(name string) (*Queue[T], error) { return c.make(create(name, c.Mem)) }

// Open opens the queue of that name, which must exist (fs.ErrNotExist).
func (c Config[T]) Open(name string) (*Queue[T], error) { return c.make(open(name, c.Mem)) }

// OpenOrCreate opens the queue of that name, or makes it.
func (c Config[T]) OpenOrCreate(name string) (*Queue[T], error) {
	return c.make(openOrCreate(name, c.Mem))
}

func (c Config[T]) make(from opener) (*Queue[T], error) {
	b, err := newBody[T](plan{kind: abi.KindQueue, capacity: c.Cap, inline: c.Inline, codec: c.Codec}, from)
	if err != nil {
		return nil, err
	}
	q := &Queue[T]{}
	q.at.Store(b)
	return q, nil
}

// UnmarshalText opens the queue that a handle text stands for. The handle must be zero or closed.
func (q *Queue[T]) UnmarshalText(text []byte) error {
	return q.decode(text, plan{kind: abi.KindQueue})
}

// Clone returns another handle on the same queue, with a position of its own, for a goroutine that is not to share
// one. It is closed by itself. The clone of a closed handle is closed.
func (q *Queue[T]) Clone() *Queue[T] {
	c := &Queue[T]{}
	q.cloneTo(&c.handle)
	return c
}
