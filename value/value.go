// Package value is a T in shared memory that is never torn, whoever dies.
//
//	hits, err := value.OpenOrCreate[int64]("app.hits", 0)
//	defer hits.Close()
//	value.Add(hits, 1) // one step: no lock to take, none to leave behind
//
//	pos, err := value.OpenOrCreate("app.position", Position{})
//	pos.Update(func(p *Position) { p.X++; p.Y-- }) // both, or neither
//	now := pos.Load()                              // without waiting for who updates
//
// What Python's Value is for: but an update that is killed, or panics, leaves the old value and a free lock, += is one
// step (Add), and readers need no lock. The unlocked raw form is a shm.Var; several things behind one lock are a
// struct with a sem.Mutex in a shm.Var.
package value

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// Value is a T that several processes load, store and update. T is plain data, without locks or atomics. The zero Value is a
// closed handle, which UnmarshalText opens. All methods may be called from any goroutine.
//
// A T of up to eight bytes is one word: Load, Store, Swap, Add and CompareAndSwap are single atomic steps that wait for
// nobody. A larger one has several copies, of which one is the value: who stores fills another one under a
// lock, and one store then makes that the value. Load takes no lock, and does not hold up who stores; only when it has been
// lapped several times does it queue for the lock, so that it ends. Loads through one handle that find new versions one after
// the other keep two microseconds apart, for the sake of the writer.
//
// # Death
//
// A process that is killed in Store, Swap, Update, Add or CompareAndSwap has changed the value or has not; nothing
// is ever half done, and there is nothing to repair. If it had the lock, the next one takes over. One that is
// stopped, but alive, in the midst of a Store of a large T, or in f of an Update, keeps the lock:
// UpdateContext ends with its context, Load needs no lock.
//
// # Memory order
//
// Store, and whatever else changes the value, synchronizes before the Load that returns what it wrote, in whichever
// process.
//
// # Faults
//
// Methods without an error panic where there is no answer: on a closed handle, with an error that is
// os.ErrClosed, and with one that is shm.ErrTruncated when somebody has truncated the named file, if Mem.Guard
// is set or T has 4 KiB and more; without the guard the process ends.
//
// Several copies and a version are Lamport's idea ("Concurrent Reading and Writing", 1977); a word to flip is that of
// "left-right" and RCU.
type Value[T any] struct {
	number atomic.Pointer[number] // nil where Load is more than one load. It comes first: see Load
	mu     sync.Mutex             // one Close or UnmarshalText at a time
	at     atomic.Pointer[core[T]]
}

// New makes a value without a name, gone with its last user.
func New[T any](init T) (*Value[T], error) { return Config[T]{Init: init}.New() }

// Open opens the value of that name, which must exist (fs.ErrNotExist) and be a T (*shm.MismatchError).
func Open[T any](name string) (*Value[T], error) { return Config[T]{}.Open(name) }

// OpenOrCreate opens the value of that name, or makes it with init in it.
func OpenOrCreate[T any](name string, init T) (*Value[T], error) {
	return Config[T]{Init: init}.OpenOrCreate(name)
}

// Config is the configuration of a Value. The zero value is good.
type Config[T any] struct {
	Init T       // what it holds when it is made; of no account when it is opened
	Mem  shm.Mem // memory knobs
}

// New makes a value without a name, gone with its last user.
func (c Config[T]) New() (*Value[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.New(s, segment.Mem(c.Mem)) })
}

// Create makes a value of that name, which must be free (fs.ErrExist).
func (c Config[T]) Create(name string) (*Value[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.Create(name, s, segment.Mem(c.Mem))
	})
}

// Open opens the value of that name, which must exist (fs.ErrNotExist).
func (c Config[T]) Open(name string) (*Value[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(c.Mem)) })
}

// OpenOrCreate opens the value of that name, or makes it.
func (c Config[T]) OpenOrCreate(name string) (*Value[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, s, segment.Mem(c.Mem))
	})
}

func (c Config[T]) make(open func(segment.Spec) (*segment.Segment, error)) (*Value[T], error) {
	sp, err := spec(&c.Init)
	if err != nil {
		return nil, err
	}
	s, err := open(sp)
	if err != nil {
		return nil, err
	}
	v := &Value[T]{}
	v.begin(newCore[T](s))
	return v, nil
}

// begin makes v an open handle.
func (v *Value[T]) begin(c *core[T]) {
	v.at.Store(c)
	if c.number.at != nil {
		v.number.Store(&c.number)
	}
}

// open returns what an open handle has, or os.ErrClosed.
func (v *Value[T]) open() (*core[T], error) {
	if c := v.at.Load(); c != nil {
		return c, nil
	}
	return nil, os.ErrClosed
}

// must is open for methods without an error.
func (v *Value[T]) must(op string) *core[T] {
	c := v.at.Load()
	if c == nil {
		panic(fmt.Errorf("value: %s of a value that is not open: %w", op, os.ErrClosed))
	}
	return c
}

// Store makes x the value.
func (v *Value[T]) Store(x T) {
	c := v.at.Load()
	if c == nil || c.word == nil {
		v.storeSlow(&x)
		return
	}
	if race.Enabled {
		c.release()
	}
	atomic.StoreUint64(&c.word.Word, encode(&x))
	c.changed()
	runtime.KeepAlive(c)
}

// Swap makes x the value and returns what it was before, in one step.
func (v *Value[T]) Swap(x T) (old T) {
	c := v.at.Load()
	if c == nil || c.word == nil {
		return v.swapSlow(&x)
	}
	if race.Enabled {
		c.release()
		defer c.acquire()
	}
	w := atomic.SwapUint64(&c.word.Word, encode(&x))
	c.changed()
	runtime.KeepAlive(c)
	return decode[T](w)
}

//go:noinline
func (v *Value[T]) storeSlow(x *T) {
	c := v.must("Store")
	c.enter("Store", func() { c.store(x) })
	runtime.KeepAlive(c)
}

//go:noinline
func (v *Value[T]) swapSlow(x *T) (old T) {
	c := v.must("Swap")
	c.enter("Swap", func() { c.swap(x, &old) })
	runtime.KeepAlive(c)
	return old
}

// Name returns the value's name, or an empty string if it has none.
func (v *Value[T]) Name() string {
	c, err := v.open()
	if err != nil {
		return ""
	}
	return c.seg.Name()
}

// MarshalText returns the handle as text, for another process to open.
func (v *Value[T]) MarshalText() ([]byte, error) {
	c, err := v.open()
	if err != nil {
		return nil, err
	}
	return c.seg.Text()
}

// UnmarshalText opens the value that a handle text stands for. The handle must be zero or closed.
func (v *Value[T]) UnmarshalText(text []byte) error {
	sp, err := spec[T](nil)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.at.Load(); c != nil {
		return fmt.Errorf("value: unmarshal into a handle that is open on %s: close it first: %w", c.label(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, sp)
	if err != nil {
		return err
	}
	v.begin(newCore[T](s))
	return nil
}

// Unlink removes the value's name. Users keep the value.
func (v *Value[T]) Unlink() error {
	c, err := v.open()
	if err != nil {
		return err
	}
	return c.seg.Unlink()
}

// Close closes the handle, ending calls of Wait in it with os.ErrClosed, and Notify; from any goroutine, also while
// others call. The value stays as it is.
//
// Another goroutine may still be on its way out of a call. So the memory stays mapped until the collector has
// found that there is none; when much has gathered Close runs it.
func (v *Value[T]) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.number.Store(nil)
	c := v.at.Swap(nil)
	if c == nil {
		return os.ErrClosed
	}
	c.ends.end()
	segment.CloseBehind(c.seg, c)
	return nil
}
