package shm

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
)

// at lays a T over b at off. The caller has checked that T is shareable, fits and is aligned.
func at[T any](b []byte, off int) *T { return (*T)(unsafe.Pointer(&b[off])) }

// Slice returns n of T inside s, beginning at byte off: n locks, n counters. T as for Var. off must be a
// multiple of T's alignment. The slice is good until s.Close, as Bytes is.
func Slice[T any](s *Segment, off, n int) ([]T, error) {
	t, err := abi.Shareable(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	b := s.Bytes()
	if b == nil {
		return nil, fmt.Errorf("shm: slice of %q: %w", s.Name(), os.ErrClosed)
	}
	size := int(t.Size)
	switch {
	case off < 0 || n < 0 || off > len(b) || n > (len(b)-off)/size:
		return nil, fmt.Errorf("shm: slice of %q: %d of %d bytes at %d do not fit into %d bytes: %w", s.Name(), n, size, off, len(b), fs.ErrInvalid)
	case off%int(t.Align) != 0:
		return nil, fmt.Errorf("shm: slice of %q: byte %d is not a multiple of %d, the alignment of %v: %w", s.Name(), off, t.Align, reflect.TypeFor[T](), fs.ErrInvalid)
	case n == 0:
		return []T{}, nil
	}
	return unsafe.Slice(at[T](b, off), n), nil
}
