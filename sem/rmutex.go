package sem

// RMutex is a Mutex that its owner may lock again while it holds it, and unlocks as often: Python's RLock.
// Eight bytes, ready when zeroed, not to be copied.
//
// Goroutines have no identity, so the owner is an object: lock through an Owner, and who shares the Owner
// shares the lock.
type RMutex struct {
	_ noCopy

	rmutex Mutex
	depth  uint32 // how often the holder has locked: for others to see, never believed
}

// Owner returns a new owner of m, which lies in the memory of this process, costs nothing but that, and
// need not be closed.
func (m *RMutex) Owner() *Owner { return &Owner{m: m} }
