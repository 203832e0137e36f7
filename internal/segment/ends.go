package segment

import "sync"

// ends are the claims that this process's handles have made in one mapping, by offset in the payload. A
// word in shared memory that names this process may be a leftover of an earlier mapping by the same
// process, whose id is the same: only what is in here is held.
type ends struct {
	mu   sync.Mutex
	held map[uintptr]struct{}
}

// ClaimEnd notes that this process holds the thing at off, and reports false if it did already.
func (s *Segment) ClaimEnd(off uintptr) bool {
	if !s.open() {
		return false
	}
	e := &s.m.ends
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.held[off]; ok {
		return false
	}
	if e.held == nil {
		e.held = map[uintptr]struct{}{}
	}
	e.held[off] = struct{}{}
	return true
}

// ReleaseEnd undoes ClaimEnd. It works on a closed handle too: the mapping may have others.
func (s *Segment) ReleaseEnd(off uintptr) {
	if s == nil || s.m == nil {
		return
	}
	e := &s.m.ends
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.held, off)
}
