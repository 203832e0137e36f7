package race_test

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// newFlag returns a word in mapped memory, like those of a segment: the detector does not see what atomic
// operations on it order.
func newFlag() *uint32 {
	mem, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*uint32)(unsafe.Pointer(&mem[0]))
}

func raise(p *uint32) { atomic.StoreUint32(p, 1) }

func raised(p *uint32) bool { return atomic.LoadUint32(p) == 1 }
