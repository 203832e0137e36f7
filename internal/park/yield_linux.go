package park

import "golang.org/x/sys/unix"

// yield lets the kernel run another thread on this CPU. The goroutine keeps its P, as one does that the kernel takes the CPU from
// in the midst of a computation. If it told the scheduler of goroutines that it is in a system call, each longer turn of
// another process would end with the P taken away, and keep that scheduler's watchdog awake: 50 000 times a second.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
