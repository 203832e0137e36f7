package lab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharedFile makes unnamed memory of n bytes that a child can inherit.
func sharedFile(n int) (*os.File, error) {
	fd, err := unix.MemfdCreate("lab", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "lab")
	if err := f.Truncate(int64(n)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mapFile maps the first n bytes of f.
func mapFile(f *os.File, n int) ([]byte, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return mem, os.NewSyscallError("mmap", err)
}

// unmap undoes mapFile.
func unmap(mem []byte) { unix.Munmap(mem) }

// monotonic is the time in nanoseconds on a clock that all processes share.
func monotonic() uint64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return uint64(t.Nano())
}

// usableCPUs lists the CPUs that this process may run on.
func usableCPUs() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var cpus []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}

// onCPU runs f on a thread that may run on cpu only; -1 is anywhere.
func onCPU(cpu int, f func() error) error {
	if cpu < 0 {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("lab: pin to CPU %d: %w", cpu, err)
	}
	defer unix.SchedSetaffinity(0, &old)
	return f()
}

// start starts cmd on a CPU. A child inherits the CPUs of the thread that
// forked it, all its threads from the first on, and Go takes its GOMAXPROCS
// from them. It dies with this process.
func start(cmd *exec.Cmd, cpu int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return onCPU(cpu, cmd.Start)
}

// Roam lets this process, which was started on one CPU, run on as many CPUs as it has workers for.
func Roam(workers int) error {
	var all unix.CPUSet
	all.Fill()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, &all); err != nil && err != unix.ESRCH {
			return os.NewSyscallError("sched_setaffinity", err)
		}
	}
	runtime.GOMAXPROCS(min(workers, len(usableCPUs())))
	return nil
}
