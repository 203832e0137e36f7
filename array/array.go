// Package array is n of T in shared memory: one flat array, for any language, whose changes are all or nothing, whoever
// dies.
//
//	a, err := array.New[float64](1000)
//	defer a.Close()
//	a.Store(3, 1.5)                           // one element, in one step
//	array.Add(a, 3, 0.5)                      // likewise
//	a.Update(4, func(x *float64) { *x *= 2 }) // f works on a copy
//	a.WriteAt([]float64{1, 2, 3}, 10)         // all three, or none
//
// What Python's Array is for: but a process that is killed in the midst of a change leaves no half of it, and no
// lock that hangs; writers of different parts need not wait for each other (Config.Stripes); and an index
// that is out of range is said to be. The unlocked raw form is shm.Slice.
package array

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// Array is a fixed number of T that several processes load, store and update. T is plain data, without locks or atomics.
// The zero Array is a closed handle, which UnmarshalText opens. All methods may be called from any goroutine.
//
// Elements of 1, 2, 4 or 8 bytes are loaded, stored and added to by single atomic steps that wait for nobody. Those
// of other sizes are stored under the lock of their stripe, and loaded without one. The array is cut into
// Config.Stripes runs of elements, of one lock each; by default there is one. What changes a range takes the locks of
// its stripes, in ascending order.
//
// # Death
//
// A process that is killed in WriteAt, Update or SetString has changed all that it was to change, or nothing. What it had
// decided to write, but not written, is written by the next one who takes the lock; nobody ever sees a value that is taken
// back. Until then a Load or Store of an element of 1, 2, 4 or 8 bytes, which takes no lock, may come between. What a process
// did through Slice, under Lock, is its own affair: the next one finds it as it is.
//
// # Snapshots
//
// ReadAt returns a range as it was at one moment, as far as WriteAt, SetString and Lock are concerned, and Store and Update of elements
// of other sizes than 1, 2, 4 or 8 bytes. Store, Add and Update of elements of these sizes are not held up by it: each such
// element is whole, but of two that were changed one after the other it may have the second change only.
//
// # Memory order
//
// Store, and whatever else changes an element, synchronizes before the Load or ReadAt that returns what it wrote; Unlock
// before the next Lock returns; in whichever process.
//
// # Faults
//
// Methods without an error panic where there is no answer: when an index is out of range; on a closed handle, with an error
// that is os.ErrClosed; and with one that is shm.ErrTruncated when somebody has truncated the named file, and Mem.Guard is
// set; without the guard the process ends. ReadAt and WriteAt of 4 KiB and more are guarded.
//
// Twice the elements' size is reserved, for what is to be written is first written to a log (a redo log, as databases
// have it), which must be able to hold it all.
type Array[T any] struct {
	cells atomic.Pointer[cells] // of an open handle. It comes first: see Load
	mu    sync.Mutex            // one Close or UnmarshalText at a time
	at    atomic.Pointer[core[T]]
}

// New makes an array of n zeroed elements without a name, gone with its last user. n is at least 1: none of 0 elements can
// be made (fs.ErrInvalid).
func New[T any](n int) (*Array[T], error) { return Config[T]{Len: n}.New() }

// From makes an array of a copy of xs without a name. xs has at least one element (else fs.ErrInvalid).
func From[T any](xs []T) (*Array[T], error) { return Config[T]{Init: xs}.New() }

// Open opens the array of that name, which must exist (fs.ErrNotExist) and be one of T (*shm.MismatchError).
func Open[T any](name string) (*Array[T], error) { return Config[T]{}.Open(name) }

// OpenOrCreate opens the array of that name, which must have n elements unless n is zero (*shm.MismatchError), or makes it,
// zeroed, for which n must be at least 1.
func OpenOrCreate[T any](name string, n int) (*Array[T], error) {
	return Config[T]{Len: n}.OpenOrCreate(name)
}

// Config is the configuration of an Array. To make one Len or Init is needed.
type Config[T any] struct {
	Init    []T     // its first elements when it is made; the others are zero. Of what is opened only the length counts
	Len     int     // elements; 0: as many as Init has. What is opened must have as many, if it is not 0
	Stripes int     // locks, up to 1024; 0: 1. What is opened must have as many, if it is not 0
	Mem     shm.Mem // memory knobs
}

// New makes an array without a name, gone with its last user.
func (c Config[T]) New() (*Array[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		if c.len() == 0 {
			return nil, errNone
		}
		return segment.New(s, segment.Mem(c.Mem))
	})
}

// Create makes an array of that name, which must be free (fs.ErrExist).
func (c Config[T]) Create(name string) (*Array[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		if c.len() == 0 {
			return nil, errNone
		}
		return segment.Create(name, s, segment.Mem(c.Mem))
	})
}

// Open opens the array of that name, which must exist (fs.ErrNotExist).
func (c Config[T]) Open(name string) (*Array[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(c.Mem)) })
}

// OpenOrCreate opens the array of that name, or makes it, for which it needs Len or Init.
func (c Config[T]) OpenOrCreate(name string) (*Array[T], error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		if c.len() == 0 {
			found, err := segment.Open(name, s, segment.Mem(c.Mem))
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("array: open or create %q, which does not exist: %w", name, errNone)
			}
			return found, err
		}
		return segment.OpenOrCreate(name, s, segment.Mem(c.Mem))
	})
}

var errNone = fmt.Errorf("array: an array of no elements cannot be made: let Len be at least 1, or Init not empty: %w", fs.ErrInvalid)

// len is the number of elements; 0 if the configuration leaves it open.
func (c Config[T]) len() int {
	if c.Len == 0 {
		return len(c.Init)
	}
	return c.Len
}

func (c Config[T]) make(open func(segment.Spec) (*segment.Segment, error)) (*Array[T], error) {
	sp, err := spec(c)
	if err != nil {
		return nil, err
	}
	s, err := open(sp)
	if err != nil {
		return nil, err
	}
	a := &Array[T]{}
	a.begin(newCore[T](s))
	return a, nil
}

// begin makes a an open handle.
func (a *Array[T]) begin(c *core[T]) {
	a.at.Store(c)
	a.cells.Store(&c.cells)
}

// open returns what an open handle has, or os.ErrClosed.
func (a *Array[T]) open() (*core[T], error) {
	if c := a.at.Load(); c != nil {
		return c, nil
	}
	return nil, os.ErrClosed
}

// must is open for methods without an error.
func (a *Array[T]) must(op string) *core[T] {
	c := a.at.Load()
	if c == nil {
		panic(closed(op))
	}
	return c
}

// element is must, for an operation on the element i.
func (a *Array[T]) element(op string, i int) *core[T] {
	c := a.must(op)
	c.check(op, i)
	return c
}

// Len is the number of elements. Zero once closed.
func (a *Array[T]) Len() int {
	c, err := a.open()
	if err != nil {
		return 0
	}
	return c.n
}

// All returns the indices and the elements, each as Load returns it at its turn.
func (a *Array[T]) All() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i := range a.Len() {
			if !yield(i, a.Load(i)) {
				return
			}
		}
	}
}

// Slice returns the elements themselves, or nil once closed. It is good until Close; using it afterwards ends the process with a
// fault. Hold the Lock for as long as you change more than one element that belong together; what your process leaves half changed
// when it is killed is found so by the next one. Others may Store and Add to elements of 1, 2, 4 or 8 bytes meanwhile: read once,
// and check.
func (a *Array[T]) Slice() []T {
	c, err := a.open()
	if err != nil {
		return nil
	}
	return c.elems
}

// Name returns the array's name, or an empty string if it has none.
func (a *Array[T]) Name() string {
	c, err := a.open()
	if err != nil {
		return ""
	}
	return c.seg.Name()
}

// MarshalText returns the handle as text, for another process to open.
func (a *Array[T]) MarshalText() ([]byte, error) {
	c, err := a.open()
	if err != nil {
		return nil, err
	}
	return c.seg.Text()
}

// UnmarshalText opens the array that a handle text stands for. The handle must be zero or closed.
func (a *Array[T]) UnmarshalText(text []byte) error {
	sp, err := spec(Config[T]{})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.at.Load(); c != nil {
		return fmt.Errorf("array: unmarshal into a handle that is open on %s: close it first: %w", c.label(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, sp)
	if err != nil {
		return err
	}
	a.begin(newCore[T](s))
	return nil
}

// Unlink removes the array's name. Users keep the array.
func (a *Array[T]) Unlink() error {
	c, err := a.open()
	if err != nil {
		return err
	}
	return c.seg.Unlink()
}

// Close closes the handle, and gives the Lock back if it was taken through it; from any goroutine, also while others
// call. The array stays as it is. A slice of it must not be used any more.
//
// Another goroutine may still be on its way out of a call. So the memory stays mapped until the collector has
// found that there is none; when much has gathered Close runs it.
func (a *Array[T]) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cells.Store(nil)
	c := a.at.Swap(nil)
	if c == nil {
		return os.ErrClosed
	}
	if c.locked.CompareAndSwap(true, false) {
		_ = c.protect(true, c.unlockAll)
	}
	segment.CloseBehind(c.seg, c)
	return nil
}
