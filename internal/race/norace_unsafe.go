//go:build !race

// Package race tells the race detector what the toolkit's words order. The detector does not see
// atomic operations on mapped memory, nor what another process or the kernel orders: without a hint it
// would report heap data that a shared lock guards.
//
// A word is represented by one of a fixed set of shadow words, chosen by its address. Words that share
// one are ordered where they need not be, which hides a race and never invents one.
package race

import "unsafe"

// Enabled is true in a build with the race detector.
const Enabled = false

// Acquire says that what was released at p happened before.
func Acquire(unsafe.Pointer) {}

// Release says that what has been done so far happens before a later Acquire at p.
func Release(unsafe.Pointer) {}
