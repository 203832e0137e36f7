// Package fence lets one side publish with a plain store and pays for the order on the side that goes
// to sleep (an asymmetric Dekker: Dice, Huang, Yang, "Asymmetric Dekker Synchronization", 2001).
//
// A publisher stores its index and then loads the sleepers' word; a sleeper stores the sleepers' word
// and then loads the index. One of them must see the other, so the publisher's store must not be passed
// by the load behind it. On amd64 that costs an XCHG, ten times the publisher's whole work when the
// line is shared. Instead the sleeper calls membarrier(GLOBAL_EXPEDITED), which puts a full barrier
// into every running thread of every process that has registered: 8 to 13 µs, on its way to sleep.
//
// On arm64 atomic.Store and atomic.Load (STLR, LDAR) keep that order by themselves, and the race
// detector wants to see atomics: there Publish is atomic, and nothing more is needed.
//
// A process that may not call membarrier (a kernel before 4.16, a seccomp filter) must call Full
// between Publish and the load, so that everybody can rely on what it publishes; and when it sleeps it
// trusts no wake-up but naps, because Heavy reports false.
package fence

import (
	"sync"
	"sync/atomic"
)

// Publish stores v at p, behind all earlier stores. Only a monotone index may be published so: of two
// plain stores to one word without a load between them the compiler keeps the last.
func Publish(p *uint64, v uint64) {
	if PlainStore {
		*p = v
	} else {
		atomic.StoreUint64(p, v)
	}
}

// Register lets the membarriers of others reach this process. It comes before the first Publish of a
// process that relies on Ordered; who has not called it, or was refused, publishes with Full. The kernel
// waits for all CPUs to pass a quiet point, once a process: some 10 ms, which a process that only ever uses
// locks, or a short-lived one, must not pay for. So whoever opens a ring calls it, and not an init.
func Register() { once.Do(register) }

var once sync.Once

// Ordered reports whether a load behind a Publish of this process is ordered behind it, for a sleeper
// that has called Heavy. If not, Full must stand between them.
func Ordered() bool { return !PlainStore || registered }

var full atomic.Uint32

// Full is a full barrier.
func Full() { full.Add(1) }

// Heavy orders the caller's stores before its later loads, against every publisher of every process.
// It reports false when it could not: then a publisher may have missed what the caller announced.
func Heavy() bool { return heavy() }
