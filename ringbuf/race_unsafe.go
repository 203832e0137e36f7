package ringbuf

import (
	"unsafe"

	"github.com/shmkit/shmkit/internal/race"
)

// The race detector does not see what the words of a ring order; see package race. A position is released
// by who stores it and acquired by who loads it, from the other side or in another process.

func raceRelease(position *uint64) { race.Release(unsafe.Pointer(position)) }

func raceAcquire(position *uint64) { race.Acquire(unsafe.Pointer(position)) }
