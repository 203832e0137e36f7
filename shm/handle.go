package shm

import (
	"fmt"
	"io/fs"

	"github.com/shmkit/shmkit/internal/segment"
)

// handle is what Var and Segment have in common. It is embedded, so its methods are theirs.
type handle struct{ s *segment.Segment }

// Name returns the object's name, or an empty string if it has none.
func (h *handle) Name() string { return h.s.Name() }

// MarshalText returns the handle as text, for another process to open.
func (h *handle) MarshalText() ([]byte, error) { return h.s.Text() }

// Close gives this handle up. The last handle that a process closes on an object unmaps it: what the
// process still held in it then counts as held by the dead, unless it opens the object again, which makes
// its old locks look held. If goroutines of this process are waiting inside, that last Close
// changes nothing and returns an error that is syscall.EBUSY; those that are inside and do not wait are not
// seen, so they must have returned. Pointers and slices into the memory are good until then. A second Close is os.ErrClosed.
//
// A handle that is dropped without Close stays mapped: the collector cannot know who still has a pointer
// into it. With SHMKIT_LEAKS=1 in the environment it says so on standard error.
func (h *handle) Close() error { return h.s.Close() }

// Unlink removes the object's name, if that still stands for this object. Users keep the object.
func (h *handle) Unlink() error { return h.s.Unlink() }

// decode opens what text stands for. A handle that is in use stays as it is: overwriting it would leak
// the mapping.
func (h *handle) decode(text []byte, spec segment.Spec) error {
	if !h.s.Closed() {
		return fmt.Errorf("shm: unmarshal into a handle that is open on %q: close it first: %w", h.Name(), fs.ErrInvalid)
	}
	s, err := segment.FromText(text, spec)
	if err == nil {
		h.s = s
	}
	return err
}
