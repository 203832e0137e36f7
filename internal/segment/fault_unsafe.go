package segment

import "unsafe"

// faulted reports whether the panic r is a memory fault inside the mapping.
func (m *mapping) faulted(r any) bool {
	f, ok := r.(interface{ Addr() uintptr })
	if !ok {
		return false
	}
	base := uintptr(unsafe.Pointer(unsafe.SliceData(m.mem)))
	return f.Addr() >= base && f.Addr()-base < uintptr(len(m.mem))
}
