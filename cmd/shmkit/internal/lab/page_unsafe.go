package lab

import (
	"sync/atomic"
	"unsafe"
)

// word is the word at an offset, which is a multiple of 8 below pageSize.
func (p *page) word(off int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&p.mem[off]))
}
