package segment

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/shmkit/shmkit/internal/abi"
)

// Protect runs f, which touches the segment, with the fault guard armed: if the file has been truncated
// under it, f is cut short where it touched the missing page and Protect returns ErrTruncated; from then
// on the mapping is poisoned, since the file may grow back, zeroed. Any other panic passes, a fault
// outside this mapping too. What f had locked stays locked: f should touch memory and nothing else.
//
// A sealed segment cannot be truncated and runs f bare. Arming costs about 15 ns.
func (s *Segment) Protect(f func()) error {
	if !s.open() {
		return wrap("use", s.Name(), os.ErrClosed)
	}
	if s.m.sealed {
		f()
		runtime.KeepAlive(s)
		return nil
	}
	err := s.m.protect(f)
	runtime.KeepAlive(s)
	if err != nil {
		return wrap("use", s.Name(), err)
	}
	return nil
}

// Sealed reports whether the memory can never go away: nobody can truncate it, and Protect runs bare.
func (s *Segment) Sealed() bool { return s != nil && s.m != nil && s.m.sealed }

// PermIs reports whether the file has the mode that mem gives to a new one.
func (s *Segment) PermIs(mem Mem) (bool, error) {
	if !s.open() {
		return false, wrap("use", s.Name(), os.ErrClosed)
	}
	perm, err := mem.perm()
	if err != nil {
		return false, wrap("use", s.Name(), err)
	}
	st, err := stat(s.m.query)
	return fs.FileMode(st.mode)&0o7777 == perm, wrap("use", s.Name(), err)
}

// Guarded reports whether Mem.Guard asks for Protect around each operation, however small.
func (s *Segment) Guarded() bool { return s != nil && s.guard }

func (m *mapping) protect(f func()) (err error) {
	if m.poisoned.Load() {
		return errGone()
	}
	armed := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(armed)
		if r := recover(); r != nil {
			if !m.faulted(r) {
				panic(r)
			}
			m.poisoned.Store(true)
			err = errGone()
		}
	}()
	f()
	return nil
}

func errGone() error {
	return fmt.Errorf("its memory went away under this process: %w", abi.ErrTruncated)
}
