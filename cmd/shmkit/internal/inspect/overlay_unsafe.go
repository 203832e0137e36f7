package inspect

import "unsafe"

// overlay copies the T at the beginning of b, which may have any alignment; nil
// if b is too short. T is plain data: any bytes are a T.
func overlay[T any](b []byte) *T {
	t := new(T)
	if uintptr(len(b)) < unsafe.Sizeof(*t) {
		return nil
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(t)), unsafe.Sizeof(*t)), b)
	return t
}
