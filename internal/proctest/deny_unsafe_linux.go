//go:build amd64 || arm64

package proctest

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var syscalls = map[string]uintptr{
	"futex_waitv":  unix.SYS_FUTEX_WAITV,
	"membarrier":   unix.SYS_MEMBARRIER,
	"memfd_create": unix.SYS_MEMFD_CREATE,
}

// Where a filter finds the number and the architecture (struct seccomp_data).
const (
	dataNr   = 0
	dataArch = 4
)

func denySyscalls(nrs []uintptr) error {
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	skip := func(ifEqual uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: ifEqual, Jt: yes, Jf: no}
	}
	answer := func(with uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: with}
	}
	allow := answer(unix.SECCOMP_RET_ALLOW)
	prog := []unix.SockFilter{load(dataArch), skip(arch, 1, 0), allow, load(dataNr)}
	for _, nr := range nrs {
		prog = append(prog, skip(uint32(nr), 0, 1), answer(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
	}
	return installFilter(append(prog, allow))
}

// installFilter filters all threads at once. No-new-privileges belongs to the
// thread and is carried over by TSYNC, so both calls come from one thread.
func installFilter(prog []unix.SockFilter) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	p := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	_, _, e := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p)))
	if e != 0 {
		return e
	}
	return nil
}

func reexec() error { return syscall.Exec(self(), os.Args, os.Environ()) }
