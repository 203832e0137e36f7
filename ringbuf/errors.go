package ringbuf

import (
	"errors"
	"fmt"

	"github.com/shmkit/shmkit/internal/abi"
)

// Results of calls that found nothing to do. They come bare: compare with ==. So does io.EOF, from a
// consumer whose ring is shut down and drained.
var (
	// ErrFull says that there is no room at this moment.
	ErrFull = errors.New("ringbuf: full")
	// ErrEmpty says that there is no item at this moment.
	ErrEmpty = errors.New("ringbuf: empty")
)

// Errors that come with an explanation around them: match them with errors.Is.
var (
	// ErrTooLarge says that a message will never fit into the ring.
	ErrTooLarge = errors.New("message too large for the ring")
	// ErrClaimed says that a live process has that end of the ring, perhaps this one.
	ErrClaimed = errors.New("that end of the ring is taken")
)

// corrupt says that the ring's words contradict each other: a peer has scribbled over them.
func (r *ring) corrupt(what string, have, most uint64) error {
	return fmt.Errorf("ringbuf: %s: %s is %d, which cannot exceed %d: %w; unlink it and create it anew",
		r.label(), what, have, most, abi.ErrCorrupt)
}

// misplaced says that a position is not where only we could have put it, or where no record can be.
func (r *ring) misplaced(what string, at uint64) error {
	return fmt.Errorf("ringbuf: %s: %s is at %#x, where it cannot be: %w; unlink it and create it anew", r.label(), what, at, abi.ErrCorrupt)
}
