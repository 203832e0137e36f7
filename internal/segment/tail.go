package segment

import (
	"fmt"
	"os"
	"runtime"

	"github.com/shmkit/shmkit/internal/abi"
)

// The tail of a segment is the part of its file from abi.TailBase on, behind the liveness bytes. It is not mapped, and nothing is reserved
// for it: a full file system is an error of WriteTail, and no access to it can fault. What is not written, or was punched, takes no
// memory. Offsets count from TailBase.

// setTail gives a new file its length with the tail.
func (m *mapping) setTail(fd int, spec Spec, shape [4]uint64) error {
	if spec.Tail == nil {
		return nil
	}
	n := spec.Tail(shape)
	if n <= 0 {
		return nil
	}
	return lengthen(fd, abi.TailBase+n)
}

// WriteTail writes b at off. With an error part of it may be written; punch it.
func (s *Segment) WriteTail(b []byte, off int64) error {
	if !s.open() {
		return os.ErrClosed
	}
	defer runtime.KeepAlive(s)
	return writeAt(s.m.query, b, abi.TailBase+off)
}

// ReadTail fills b from off. A file that ends before is ErrTruncated.
func (s *Segment) ReadTail(b []byte, off int64) error {
	if !s.open() {
		return os.ErrClosed
	}
	defer runtime.KeepAlive(s)
	n, err := readFrom(s.m.query, b, abi.TailBase+off)
	if err == nil && n < len(b) {
		err = fmt.Errorf("the file's tail ends %d bytes early: %w", len(b)-n, abi.ErrTruncated)
	}
	return err
}

// PunchTail gives the memory of n bytes from off on back. They read as zeros.
func (s *Segment) PunchTail(off, n int64) {
	if s.open() {
		punch(s.m.query, abi.TailBase+off, n)
		runtime.KeepAlive(s)
	}
}

// Used is how many bytes of memory the file takes, the payload included.
func (s *Segment) Used() int64 {
	if !s.open() {
		return 0
	}
	defer runtime.KeepAlive(s)
	st, err := stat(s.m.query)
	if err != nil {
		return 0
	}
	return st.used
}
