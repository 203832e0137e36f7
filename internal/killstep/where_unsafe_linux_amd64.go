package killstep

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// callers returns the thread's next instruction and, along the frame pointers, a
// few callers. A function that has not set up its frame yet hides its caller.
func callers(tid int) []uintptr {
	var r unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &r) != nil {
		return nil
	}
	pcs := []uintptr{uintptr(r.Rip)}
	for fp := uintptr(r.Rbp); len(pcs) < 5 && fp != 0; {
		var frame struct{ fp, pc uintptr }
		local := []unix.Iovec{{Base: (*byte)(unsafe.Pointer(&frame)), Len: uint64(unsafe.Sizeof(frame))}}
		remote := []unix.RemoteIovec{{Base: fp, Len: int(unsafe.Sizeof(frame))}}
		if n, err := unix.ProcessVMReadv(tid, local, remote, 0); err != nil || n != int(unsafe.Sizeof(frame)) {
			break
		}
		pcs = append(pcs, frame.pc)
		fp = frame.fp
	}
	return pcs
}
