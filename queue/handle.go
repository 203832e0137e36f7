package queue

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/ringbuf"
)

// handle is what all queues have in common. It is embedded, so its methods are theirs.
type handle[T any] struct {
	mu sync.Mutex // one Close, Clone or UnmarshalText at a time
	at atomic.Pointer[body[T]]
}

// body is what an open handle has.
type body[T any] struct {
	ring *ringbuf.MPMC[T]
}

// open returns what an open handle has, or os.ErrClosed.
func (h *handle[T]) open() (*body[T], error) {
	if b := h.at.Load(); b != nil {
		return b, nil
	}
	return nil, os.ErrClosed
}

// Name returns the queue's name, or an empty string if it has none.
func (h *handle[T]) Name() string {
	b, err := h.open()
	if err != nil {
		return ""
	}
	return b.ring.Name()
}

// MarshalText returns the handle as text, for another process to open.
func (h *handle[T]) MarshalText() ([]byte, error) {
	b, err := h.open()
	if err != nil {
		return nil, err
	}
	return b.ring.MarshalText()
}

// Unlink removes the queue's name. Users keep the queue.
func (h *handle[T]) Unlink() error {
	b, err := h.open()
	if err != nil {
		return err
	}
	return b.ring.Unlink()
}

// Close closes the handle, ending calls that wait in it with os.ErrClosed, and waits until they have left; from any
// goroutine, also while others call. It ends Notify. The queue goes on: services close, only a finite stream
// is shut down. The memory stays mapped until the collector has found that no other goroutine is still on its way out of a call.
func (h *handle[T]) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.at.Swap(nil)
	if b == nil {
		return os.ErrClosed
	}
	return b.ring.Close()
}

// decode is UnmarshalText.
func (h *handle[T]) decode(text []byte, p plan) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.at.Load(); b != nil {
		return fmt.Errorf("queue: unmarshal into a handle that is open on %s: close it first: %w", label(b.ring.Name()), fs.ErrInvalid)
	}
	b, err := newBody[T](p, func(s segment.Spec) (*segment.Segment, error) { return segment.FromText(text, s) })
	if err == nil {
		h.at.Store(b)
	}
	return err
}

func (h *handle[T]) cloneTo(c *handle[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.at.Load(); b != nil {
		c.at.Store(&body[T]{ring: b.ring.Clone()})
	}
}

// stream is what Queue and JoinableQueue have in common beyond that.
type stream[T any] struct{ handle[T] }

// Notify joins the queue to a Go select: until stop is called, or the handle is closed, ch receives a token, sent as
// signal.Notify does, when there may be something to take: an item, or the end of the stream. Drain the queue until
// ErrEmpty then.
func (h *stream[T]) Notify(ch chan<- struct{}) (stop func()) {
	b, err := h.open()
	if err != nil {
		return func() {}
	}
	return b.ring.Notify(ch)
}

// Shutdown ends the stream for ever, for all: a put is io.ErrClosedPipe from now on, and a get is io.EOF once the queue is
// drained. Puts that are under way either fail or are drained too.
func (h *stream[T]) Shutdown() error {
	b, err := h.open()
	if err != nil {
		return err
	}
	return b.ring.Shutdown()
}

// Len is the number of items in the queue at about this moment: put, and not taken. Each place is looked at. Zero once closed, or
// when the memory is gone.
func (h *stream[T]) Len() int {
	b, err := h.open()
	if err != nil {
		return 0
	}
	return b.ring.Len()
}

// Cap is the capacity that the queue was made with, in items. Zero once closed.
func (h *stream[T]) Cap() int {
	b, err := h.open()
	if err != nil {
		return 0
	}
	return b.ring.Cap()
}

// Stats reads the counters, each by itself, and looks at each place. Zeros once closed, or when the memory is gone.
func (h *stream[T]) Stats() (s Stats) {
	b, err := h.open()
	if err != nil {
		return s
	}
	return b.stats()
}

func label(name string) string {
	if name == "" {
		return "an unnamed queue"
	}
	return fmt.Sprintf("%q", name)
}
