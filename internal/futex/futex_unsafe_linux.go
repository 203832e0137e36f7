package futex

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	opWait        = 0
	opWake        = 1
	opWaitBitset  = 9
	opWakeBitset  = 10
	opPrivate     = 128
	size32        = 2   // FUTEX2_SIZE_U32
	private2      = 128 // FUTEX2_PRIVATE
	sysFutexWaitv = 449 // the same number on every architecture
)

// Wait sleeps while *p == old, at most for d (0: without limit). The word is shared between processes.
func Wait(p *uint32, old uint32, d time.Duration) error {
	if d == 0 {
		return wait(p, old, opWait, nil, 0)
	}
	ts, start := unix.NsecToTimespec(int64(d)), time.Now()
	err := waitOnce(p, old, opWait, &ts, 0)
	for err == unix.EINTR {
		ts = unix.NsecToTimespec(int64(max(d-time.Since(start), 1)))
		err = waitOnce(p, old, opWait, &ts, 0)
	}
	return answer(err)
}

// WaitBits is Wait for a sleeper that WakeBits with a common bit can single out.
func WaitBits(p *uint32, old uint32, d time.Duration, bits uint32) error {
	var ts *unix.Timespec
	if d > 0 {
		ts = deadline(d)
	}
	return wait(p, old, opWaitBitset, ts, bits)
}

// wait sleeps until a moment, or without limit: a signal in between changes nothing.
func wait(p *uint32, old uint32, op uintptr, ts *unix.Timespec, bits uint32) error {
	for {
		if e := waitOnce(p, old, op, ts, bits); e != unix.EINTR {
			return answer(e)
		}
	}
}

func waitOnce(p *uint32, old uint32, op uintptr, ts *unix.Timespec, bits uint32) syscall.Errno {
	_, _, e := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), op, uintptr(old), uintptr(unsafe.Pointer(ts)), 0, uintptr(bits))
	return e
}

// Wake wakes up to n sleepers of the shared word p and says how many it woke. The word need not be
// mapped any more.
func Wake(p *uint32, n int) int {
	woken, _, e := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), opWake, uintptr(n), 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(woken)
}

// WakeBits wakes the sleepers of p that wait with one of bits.
func WakeBits(p *uint32, bits uint32) int {
	const all = 1<<31 - 1
	woken, _, e := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), opWakeBitset, all, 0, 0, uintptr(bits))
	if e != 0 {
		return 0
	}
	return int(woken)
}

// WakePrivate wakes all sleepers of p, a word of this process's own.
func WakePrivate(p *uint32) {
	const all = 1<<31 - 1
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), opWake|opPrivate, all, 0, 0, 0)
}

// Word is one entry of a WaitMany; the layout is the kernel's struct futex_waitv.
type Word struct {
	old   uint64
	addr  uint64
	flags uint32
	_     uint32
}

// Shared is an entry that waits while *p == old.
func Shared(p *uint32, old uint32) Word {
	return Word{old: uint64(old), addr: uint64(uintptr(unsafe.Pointer(p))), flags: size32}
}

// Private is Shared for a word that only this process uses.
func Private(p *uint32, old uint32) Word {
	w := Shared(p, old)
	w.flags |= private2
	return w
}

// WaitMany sleeps while every word has its old value, at most for d (0: without limit). It names one
// word that was woken; others may have been woken too. The caller keeps
// the words reachable, and off the stack, which moves.
func WaitMany(ws []Word, d time.Duration) (int, error) {
	var ts *unix.Timespec
	if d > 0 {
		ts = deadline(d)
	}
	for {
		i, _, e := syscall.Syscall6(sysFutexWaitv, uintptr(unsafe.Pointer(unsafe.SliceData(ws))), uintptr(len(ws)), 0, uintptr(unsafe.Pointer(ts)), unix.CLOCK_MONOTONIC, 0)
		switch e {
		case 0:
			return int(i), nil
		case unix.EINTR:
			continue
		}
		return -1, answer(e)
	}
}

var (
	manyState atomic.Int32 // 0 unknown, 1 there, 2 not
	zero      uint32       // never written: who expects something else does not sleep
)

// HaveMany reports whether the kernel has futex_waitv (5.16) and lets this process call it.
func HaveMany() bool {
	if s := manyState.Load(); s != 0 {
		return s == 1
	}
	_, err := WaitMany([]Word{Private(&zero, 1)}, 0)
	s := int32(2)
	if err == ErrChanged {
		s = 1
	}
	manyState.Store(s)
	return s == 1
}

func deadline(d time.Duration) *unix.Timespec {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic("futex: no monotonic clock: " + err.Error())
	}
	t := unix.NsecToTimespec(now.Nano() + int64(d))
	return &t
}

func answer(e syscall.Errno) error {
	switch e {
	case 0:
		return nil
	case unix.EAGAIN:
		return ErrChanged
	case unix.ETIMEDOUT:
		return ErrTimeout
	}
	return e
}
