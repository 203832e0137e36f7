package killstep

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ptrace is raw: none of its requests blocks, and the scheduler need not know.
func ptrace(request, tid int, data uintptr) error {
	_, _, e := syscall.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, data, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// seize makes this thread the tracer of tid, without stopping it.
func seize(tid int) error {
	return ptrace(unix.PTRACE_SEIZE, tid, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACESYSGOOD)
}

// await returns the next change of the tracee, or of any for tid -1; 0 when there
// was none for d. It asks again and again, since wait4 knows no time limit: at
// first in turns with the victim, which mostly needs some microseconds.
func await(tid int, d time.Duration) (int, unix.WaitStatus, error) {
	var st unix.WaitStatus
	var start time.Time
	for n := 0; ; n++ {
		got, err := unix.Wait4(tid, &st, unix.WALL|unix.WNOHANG|unix.WNOTHREAD, nil)
		if err == unix.EINTR {
			continue
		}
		if got != 0 || err != nil {
			return got, st, err
		}
		switch {
		case n < 200:
			syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		case n == 200:
			start = time.Now()
		case time.Since(start) > d:
			return 0, 0, nil
		default:
			nap := unix.NsecToTimespec(int64(min(time.Duration(n)*time.Microsecond/10, time.Millisecond, d/4)))
			unix.Nanosleep(&nap, nil)
		}
	}
}

// awaitDeath returns the next change of any tracee of a process that was killed,
// which may be awaited without a time limit.
func awaitDeath() (int, unix.WaitStatus, error) {
	for {
		var st unix.WaitStatus
		tid, err := unix.Wait4(-1, &st, unix.WALL|unix.WNOTHREAD, nil)
		if err != unix.EINTR {
			return tid, st, err
		}
	}
}

// stopKind tells why a tracee stands.
type stopKind int

const (
	gone     stopKind = iota
	stepDone          // the step is done, or a system call begins or ends
	signal            // a signal is about to be delivered
	event             // ptrace's own: a new thread, an interrupt
)

func kindOf(st unix.WaitStatus) stopKind {
	switch {
	case !st.Stopped():
		return gone
	case st>>16 != 0:
		return event
	case st.StopSignal()&^0x80 == unix.SIGTRAP:
		return stepDone
	}
	return signal
}

// newThread returns the thread that the tracee has just made, 0 if it did not.
func newThread(tid int, st unix.WaitStatus) int {
	if st>>16 != unix.PTRACE_EVENT_CLONE {
		return 0
	}
	n, err := unix.PtraceGetEventMsg(tid)
	if err != nil {
		return 0
	}
	return int(n)
}

// markOf returns which mark a signal is, 0 for other signals.
func markOf(tid int, st unix.WaitStatus) uint64 {
	var r unix.PtraceRegs
	if kindOf(st) != signal || st.StopSignal() != unix.SIGSTKFLT || unix.PtraceGetRegs(tid, &r) != nil {
		return 0
	}
	return r.R10
}

// synchronous signals are the program's own doing and must reach it at once.
func synchronous(s unix.Signal) bool {
	return s == unix.SIGSEGV || s == unix.SIGBUS || s == unix.SIGFPE || s == unix.SIGILL
}

func unsupported() string { return "" }
