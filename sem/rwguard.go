package sem

import "sync"

// Guard returns rw as a lock that repairs: when Lock or RLock finds rw Abandoned, repair is called, holding
// rw for writing, and then Repaired, before it returns. If repair panics, rw is unlocked and stays Abandoned.
//
// repair sees what the dead writer left: anything that it may have been in the midst of writing.
func (rw *RWMutex) Guard(repair func()) *RWGuard {
	return &RWGuard{rw, guard{&rw.rwmutex, repair}}
}

// RWGuard is an RWMutex that is whole whenever it is held. It belongs to the process; its methods are safe
// for concurrent use.
type RWGuard struct {
	rw *RWMutex
	guard
}

// Lock locks for writing, and repairs what a dead writer left.
func (g *RWGuard) Lock() {
	g.rw.Lock()
	if g.rw.Abandoned() {
		g.mend()
	}
}

// Unlock unlocks for writing.
func (g *RWGuard) Unlock() { g.rw.Unlock() }

// RLock locks for reading, after it has locked for writing and repaired if a dead writer left anything. Then it
// waits as a writer does, also for readers that came in behind another's repair.
func (g *RWGuard) RLock() {
	for g.rw.RLock(); g.rw.Abandoned(); g.rw.RLock() {
		g.rw.RUnlock()
		g.repaired()
	}
}

// repaired locks for writing, which is all it takes.
func (g *RWGuard) repaired() {
	g.Lock()
	defer g.Unlock()
}

// RUnlock gives back one read lock.
func (g *RWGuard) RUnlock() { g.rw.RUnlock() }

// RLocker returns the guard as a sync.Locker for readers.
func (g *RWGuard) RLocker() sync.Locker { return (*rguard)(g) }

type rguard RWGuard

func (r *rguard) Lock()   { (*RWGuard)(r).RLock() }
func (r *rguard) Unlock() { (*RWGuard)(r).RUnlock() }
