package sem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// MaxBounded is the most permits that a Bounded has.
const MaxBounded = abi.MaxBounded

// Bounded is a BoundedSemaphore of up to MaxBounded permits, 65536, in a segment of its own: 128 bytes and 8 for each
// permit, so 512 KiB at the most, and the header's page. The zero Bounded is a closed handle, which UnmarshalText
// opens. All methods may be called from any goroutine.
//
// What is said of BoundedSemaphore holds here: each permit that is taken names its process, those of a process
// that dies come back, all of them, to those who wait, and Release synchronizes before the return of a later
// Acquire that takes the same permit. A process may release what another goroutine, or another of its handles, has
// acquired.
//
// # What it costs
//
// A process looks for a permit, or for one to give back, where it last found one. While that is there, or less
// than 64 permits from there, how large the semaphore is does not matter: a pair of calls takes about twice as long as a
// BoundedSemaphore's. When permits are scarce a call looks at more, at all of them at the worst, at one to two
// nanoseconds each; one that wakes up is told where to look first.
type Bounded struct {
	mu sync.Mutex // one Close or UnmarshalText at a time
	at atomic.Pointer[stock]
}

// NewBounded makes a semaphore of n permits without a name, gone with its last user.
func NewBounded(n int) (*Bounded, error) { return BoundedConfig{N: n}.New() }

// OpenBounded opens the semaphore of that name, which must exist (fs.ErrNotExist).
func OpenBounded(name string) (*Bounded, error) { return BoundedConfig{}.Open(name) }

// OpenOrCreateBounded opens the semaphore of that name, or makes it, of n permits. If there is one it must have n
// (*shm.MismatchError).
func OpenOrCreateBounded(name string, n int) (*Bounded, error) {
	return BoundedConfig{N: n}.OpenOrCreate(name)
}

// BoundedConfig is the configuration of a Bounded.
type BoundedConfig struct {
	N   int     // permits, 1 to MaxBounded. To make one takes a number; Open with zero takes any
	Mem shm.Mem // memory knobs
}

// New makes a semaphore without a name, gone with its last user.
func (c BoundedConfig) New() (*Bounded, error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.New(s, segment.Mem(c.Mem)) })
}

// Create makes a semaphore of that name, which must be free (fs.ErrExist).
func (c BoundedConfig) Create(name string) (*Bounded, error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.Create(name, s, segment.Mem(c.Mem))
	})
}

// Open opens the semaphore of that name, which must exist (fs.ErrNotExist).
func (c BoundedConfig) Open(name string) (*Bounded, error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) { return segment.Open(name, s, segment.Mem(c.Mem)) })
}

// OpenOrCreate opens the semaphore of that name, or makes it.
func (c BoundedConfig) OpenOrCreate(name string) (*Bounded, error) {
	return c.make(func(s segment.Spec) (*segment.Segment, error) {
		return segment.OpenOrCreate(name, s, segment.Mem(c.Mem))
	})
}

func (c BoundedConfig) make(open func(segment.Spec) (*segment.Segment, error)) (*Bounded, error) {
	if c.N < 0 || c.N > MaxBounded {
		return nil, fmt.Errorf("sem: a Bounded of %d permits: it has 1 to %d: %w", c.N, MaxBounded, fs.ErrInvalid)
	}
	s, err := open(c.spec())
	if err != nil {
		return nil, err
	}
	b := &Bounded{}
	b.at.Store(newStock(s))
	return b, nil
}

func (c BoundedConfig) spec() segment.Spec {
	return segment.Spec{
		Kind:       abi.KindBounded,
		Shape:      [4]uint64{abi.ShapePermits: uint64(c.N)},
		ShapeNames: [4]string{abi.ShapePermits: "permits"},
		Size:       abi.BoundedSize,
	}
}

// TryAcquire takes a permit if there is one, and reports whether it did. It does not wait, may overtake those who
// do, and does take over permits of the dead, about whom it asks at most once a millisecond.
//
// To say no it looks at all permits twice, and reports false if at the instant between the looks all were taken.
// While others give permits back so fast that there is no such instant it looks again, 262144/n times, but at
// least 16 times; then it reports false although a permit may have been free, each time where it had just looked. It
// also reports false when the handle is closed, or its memory is gone.
func (b *Bounded) TryAcquire() bool {
	s := b.at.Load()
	return s != nil && (s.quick() || s.tryAcquire())
}

// Acquire waits for a permit and takes it, unless ctx ends first: then it returns ctx's error and has taken none. A
// context that has ended already does not fail a call that need not wait. A closed handle is os.ErrClosed, one
// whose file has been cut short shm.ErrTruncated.
func (b *Bounded) Acquire(ctx context.Context) error {
	s := b.at.Load()
	switch {
	case s == nil:
		return os.ErrClosed
	case s.quick():
		return nil
	}
	return s.acquire(ctx)
}

// Release gives one permit back. If the process has none it returns an error and changes nothing. A closed handle
// is os.ErrClosed.
func (b *Bounded) Release() error {
	s := b.at.Load()
	switch {
	case s == nil:
		return os.ErrClosed
	case s.quickRelease():
		return nil
	}
	return s.release()
}

var errHasNone = errors.New("sem: Bounded.Release: " + hasNone)

// Value is the number of free permits at about this moment: each is looked at. Zero once closed, or when the memory
// is gone.
func (b *Bounded) Value() (n int) {
	if s := b.at.Load(); s != nil {
		_ = s.seg.Protect(func() { n = s.value() })
	}
	return n
}

// Cap is the number of permits in all. Zero once closed.
func (b *Bounded) Cap() int {
	if s := b.at.Load(); s != nil {
		return s.n
	}
	return 0
}

// Name returns the semaphore's name, or an empty string if it has none.
func (b *Bounded) Name() string {
	if s := b.at.Load(); s != nil {
		return s.seg.Name()
	}
	return ""
}

// MarshalText returns the handle as text, for another process to open.
func (b *Bounded) MarshalText() ([]byte, error) {
	s := b.at.Load()
	if s == nil {
		return nil, os.ErrClosed
	}
	return s.seg.Text()
}

// UnmarshalText opens the semaphore that a handle text stands for. The handle must be zero or closed.
func (b *Bounded) UnmarshalText(text []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.at.Load(); s != nil {
		return fmt.Errorf("sem: unmarshal into a handle that is open on %q: close it first: %w", s.seg.Name(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, BoundedConfig{}.spec())
	if err == nil {
		b.at.Store(newStock(s))
	}
	return err
}

// Unlink removes the semaphore's name, if that still stands for it. Users keep the semaphore.
func (b *Bounded) Unlink() error {
	s := b.at.Load()
	if s == nil {
		return os.ErrClosed
	}
	return s.seg.Unlink()
}

// Close gives this handle up. The last one that a process closes unmaps the semaphore: permits that the process
// still has then count as those of the dead, unless it opens the semaphore again, which makes them look held. If
// goroutines of this process are waiting, that last Close changes nothing and returns an error that is
// syscall.EBUSY. Those that are inside and do not wait are not seen, so their calls must have returned. A
// second Close is os.ErrClosed.
func (b *Bounded) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.at.Swap(nil)
	if s == nil {
		return os.ErrClosed
	}
	err := s.seg.Close()
	if err != nil {
		b.at.Store(s)
	}
	return err
}
