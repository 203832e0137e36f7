// Package futex wraps the kernel's wait queues keyed by memory words, one function per call. Waits go
// through the scheduler (a thread that sleeps with its P stops the world at the next collection), wakes
// do not (they never block). EINTR is absorbed: a signal neither ends a wait nor lengthens it.
package futex

import "errors"

// What a wait may answer besides nil, which means woken, perhaps for no reason.
var (
	ErrChanged = errors.New("futex: the word has changed") // it did not sleep
	ErrTimeout = errors.New("futex: timed out")
)

// MaxMany is the number of words that one WaitMany takes.
const MaxMany = 128
