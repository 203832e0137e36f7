//go:build !linux

package futex

import (
	"errors"
	"sync/atomic"
	"time"
)

// Where there is no futex there are no segments either. What is used inside one process polls.
const nap = time.Millisecond

// Wait sleeps a moment unless the word has changed.
func Wait(p *uint32, old uint32, d time.Duration) error {
	if atomic.LoadUint32(p) != old {
		return ErrChanged
	}
	time.Sleep(nap)
	if d > 0 && d <= nap {
		return ErrTimeout
	}
	return nil
}

// WaitBits is Wait.
func WaitBits(p *uint32, old uint32, d time.Duration, _ uint32) error { return Wait(p, old, d) }

// Wake has nobody to wake: sleepers poll.
func Wake(*uint32, int) int { return 1 }

// WakeBits has nobody to wake: sleepers poll.
func WakeBits(*uint32, uint32) int { return 1 }

// WakePrivate has nobody to wake: sleepers poll.
func WakePrivate(*uint32) {}

// Word is one entry of a WaitMany.
type Word struct{}

// Shared is an entry of a WaitMany.
func Shared(*uint32, uint32) Word { return Word{} }

// Private is an entry of a WaitMany.
func Private(*uint32, uint32) Word { return Word{} }

// WaitMany is not there.
func WaitMany([]Word, time.Duration) (int, error) { return -1, errors.ErrUnsupported }

// HaveMany is false: see Wait.
func HaveMany() bool { return false }
