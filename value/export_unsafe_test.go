package value

import (
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
)

// Ctl is the control block of a value.
func Ctl[T any](v *Value[T]) *abi.Value { return v.at.Load().ctl }

// Memory is all of its payload.
func Memory[T any](v *Value[T]) []byte {
	c := v.at.Load()
	return unsafe.Slice((*byte)(unsafe.Pointer(c.ctl)), len(c.seg.Payload()))
}
