package queue

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/segment"
)

// handle is what all queues have in common. It is embedded, so its methods are theirs.
type handle[T any] struct {
	mu sync.Mutex // one Close, Clone or UnmarshalText at a time
	at atomic.Pointer[body[T]]
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
	return b.name()
}

// MarshalText returns the handle as text, for another process to open.
func (h *handle[T]) MarshalText() ([]byte, error) {
	b, err := h.open()
	if err != nil {
		return nil, err
	}
	if b.ring != nil {
		return b.ring.MarshalText()
	}
	return b.segment().Text()
}

// Unlink removes the queue's name. Users keep the queue.
func (h *handle[T]) Unlink() error {
	b, err := h.open()
	if err != nil {
		return err
	}
	if b.ring != nil {
		return b.ring.Unlink()
	}
	return b.segment().Unlink()
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
	return b.close()
}

// decode is UnmarshalText.
func (h *handle[T]) decode(text []byte, p plan) error {
	return h.decodeWith(text, p, func(b *body[T]) { h.at.Store(b) })
}

func (h *handle[T]) decodeWith(text []byte, p plan, begin func(*body[T])) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.at.Load(); b != nil {
		return fmt.Errorf("queue: unmarshal into a handle that is open on %s: close it first: %w", label(b.name()), fs.ErrInvalid)
	}
	b, err := newBody[T](p, func(s segment.Spec) (*segment.Segment, error) { return segment.FromText(text, s) })
	if err == nil {
		begin(b)
	}
	return err
}

func (h *handle[T]) cloneTo(c *handle[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.at.Load(); b != nil {
		c.at.Store(b.clone())
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
	if b.ring != nil {
		return b.ring.Notify(ch)
	}
	return b.desk.order.Notify(ch)
}

// Shutdown ends the stream for ever, for all: a put is io.ErrClosedPipe from now on, and a get is io.EOF once the queue is
// drained. Puts that are under way either fail or are drained too.
func (h *stream[T]) Shutdown() error {
	b, err := h.open()
	if err != nil {
		return err
	}
	if b.ring != nil {
		return b.ring.Shutdown()
	}
	return b.desk.shutdown()
}

// Len is the number of items in the queue at about this moment: put, and not taken. Each place is looked at. Zero once closed, or
// when the memory is gone.
func (h *stream[T]) Len() int {
	b, err := h.open()
	if err != nil {
		return 0
	}
	return b.len()
}

// Cap is the capacity that the queue was made with, in items. Zero once closed.
func (h *stream[T]) Cap() int {
	b, err := h.open()
	if err != nil {
		return 0
	}
	if b.ring != nil {
		return b.ring.Cap()
	}
	return int(b.desk.r.Capacity)
}

// Stats reads the counters, each by itself, and looks at each place. Zeros once closed, or when the memory is gone.
func (h *stream[T]) Stats() (s Stats) {
	b, err := h.open()
	if err != nil {
		return s
	}
	return b.stats()
}

func (b *body[T]) name() string {
	if b.ring != nil {
		return b.ring.Name()
	}
	return b.segment().Name()
}

func (b *body[T]) len() int {
	if b.ring != nil {
		return b.ring.Len()
	}
	s := b.desk.census()
	return s.Ready + s.Returned
}

func label(name string) string {
	if name == "" {
		return "an unnamed queue"
	}
	return fmt.Sprintf("%q", name)
}
