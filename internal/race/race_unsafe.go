//go:build race

package race

import (
	"runtime"
	"unsafe"
)

// Enabled is true in a build with the race detector.
const Enabled = true

var shadow [1 << 14]uint64

func of(p unsafe.Pointer) unsafe.Pointer {
	h := uint64(uintptr(p)>>2) * 0x9e3779b97f4a7c15
	return unsafe.Pointer(&shadow[h>>(64-14)])
}

// Acquire says that what was released at p happened before.
func Acquire(p unsafe.Pointer) { runtime.RaceAcquire(of(p)) }

// Release says that what has been done so far happens before a later Acquire at p.
func Release(p unsafe.Pointer) { runtime.RaceReleaseMerge(of(p)) }
