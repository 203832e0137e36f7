package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const supported = true

// self is this program, also when its file was replaced, removed or lies where the child's user may not look.
func self() string { return "/proc/self/exe" }

// callFile is a file without a name that holds a message, to be read from its beginning.
func callFile(message []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("process", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "call")
	if _, err := f.WriteAt(message, 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mark is the numbers of files by which they are told from all others.
func mark(files []*os.File) (m string, err error) {
	for _, f := range files {
		c, err := f.SyscallConn()
		if err != nil {
			return "", err
		}
		if err2 := c.Control(func(fd uintptr) { m, err = addMark(m, int(fd)) }); err == nil {
			err = err2
		}
		if err != nil {
			return "", err
		}
	}
	return m, nil
}

func addMark(m string, fd int) (string, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return m + strconv.FormatUint(st.Ino, 36) + ",", err
}

// inherit reports whether the files that a mark names are there, and keeps them from what this process executes.
func inherit(m string) bool {
	here := ""
	for fd := fdCall; fd <= fdUp; fd++ {
		var err error
		if here, err = addMark(here, fd); err != nil {
			return false
		}
	}
	if here != m {
		return false
	}
	for fd := fdCall; fd <= fdUp; fd++ {
		unix.CloseOnExec(fd)
		_ = unix.SetNonblock(fd, false)
	}
	return true
}

// socketPair makes two connected ends, ours and a child's. Only ours is for the poller.
func socketPair() (ours, theirs *os.File, err error) {
	fd, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	_ = unix.SetNonblock(fd[0], true)
	return os.NewFile(uintptr(fd[0]), "up"), os.NewFile(uintptr(fd[1]), "up"), nil
}

// lifeline makes the pipe whose far end closes when this process ends. Nobody reads or writes it, so no poller needs to know it.
func lifeline() (theirs, ours *os.File, err error) {
	var fd [2]int
	if err := unix.Pipe2(fd[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(fd[0]), "life"), os.NewFile(uintptr(fd[1]), "life"), nil
}

func attributes(cmd *exec.Cmd, p *Process) {
	a := &syscall.SysProcAttr{}
	if p.SysProcAttr != nil {
		*a = *p.SysProcAttr
	}
	if p.Detached && !a.Setpgid {
		a.Setsid = true
	}
	cmd.SysProcAttr = a
}

// withCPUs runs f on a thread that for so long may only run on some CPUs, which what f starts inherits.
func withCPUs(cpus []int, f func() error) error {
	if cpus == nil {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, set unix.CPUSet
	for _, n := range cpus {
		if n < 0 || n >= 64*len(set) {
			return fmt.Errorf("no CPU %d", n)
		}
		set.Set(n)
	}
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return fmt.Errorf("CPUs %v: %w", cpus, err)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("CPUs %v: %w", cpus, err)
	}
	defer unix.SchedSetaffinity(0, &old)
	return f()
}

// awaitExit waits until a child has ended, without a thread that waits with it, where the kernel can do that
// (Linux 5.10). Whoever reaps it then waits with a thread.
func awaitExit(pid int) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close()
	c, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = c.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

// arm makes the kernel kill process pid when the far end of its lifeline closes, which only happens when its parent
// ends: a signal on its I/O (fcntl F_SETSIG), of which the kernel lets it be SIGKILL. No thread of the process has to run for
// that, so it works where all are busy or stopped. Any write to the pipe would be a death sentence too.
//
// What is armed is the open file, which parent and child share. The parent does it as soon as the child executes, so that a child
// that is long in starting dies with its parent too; and the child does, for a parent that was killed in between.
//
// The parent-death signal (PR_SET_PDEATHSIG) is not used: it is sent when the thread ends that has made the child, which in Go
// any thread may do; a thread kept for that costs each start two switches, a fifth of it. It would cover the moment of the
// execution too.
func arm(life *os.File, pid int) error {
	c, err := life.SyscallConn()
	if err != nil {
		return err
	}
	err2 := c.Control(func(fd uintptr) {
		if _, err = unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
			err = os.NewSyscallError("fcntl F_SETSIG", err)
		} else if _, err = unix.FcntlInt(fd, unix.F_SETOWN, pid); err != nil {
			err = os.NewSyscallError("fcntl F_SETOWN", err)
		} else if _, err = unix.FcntlInt(fd, unix.F_SETFL, unix.O_ASYNC); err != nil { // it has no other flags
			err = os.NewSyscallError("fcntl O_ASYNC", err)
		}
	})
	return errors.Join(err, err2)
}

// otherUser reports whether a child gets another user's credentials. Then it arms its lifeline alone: the kernel asks whether who armed it last may
// kill the child, and its parent may not.
func otherUser(cmd *exec.Cmd) bool {
	return cmd.SysProcAttr != nil && cmd.SysProcAttr.Credential != nil
}

// tie arms the child's own lifeline.
func tie(life *os.File) error {
	if err := arm(life, unix.Getpid()); err != nil {
		return err
	}
	// The parent may have died before the kernel knew whom to tell.
	p := []unix.PollFd{{Fd: int32(life.Fd())}}
	if n, err := unix.Poll(p, 0); n > 0 && err == nil && p[0].Revents&unix.POLLHUP != 0 {
		endBy(unix.SIGKILL)
	}
	return nil
}

// endBy ends this process by a signal and does not return.
func endBy(s syscall.Signal) {
	_ = unix.Kill(unix.Getpid(), s)
	select {}
}

// nice renices all threads: each has a value of its own, and new ones inherit that of who makes them. So it goes on
// until it finds none that it has not seen.
func nice(n int) error {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	n += 20 - raw // the system call answers 20 less nice
	for seen := map[string]bool{}; ; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		news := false
		for _, t := range tasks {
			if seen[t.Name()] {
				continue
			}
			seen[t.Name()], news = true, true
			tid, err := strconv.Atoi(t.Name())
			if err == nil {
				err = unix.Setpriority(unix.PRIO_PROCESS, tid, n)
			}
			if err != nil && err != unix.ESRCH {
				return err
			}
		}
		if !news {
			return nil
		}
	}
}

// lines is how whole lines get into f: see LogHandler. It reports whether a lock is needed; a lock of the process
// (fcntl F_SETLK), for the description of what was inherited is shared by all.
func lines(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// lockLines locks f for this process, or unlocks it. Where that fails lines are whole up to PIPE_BUF.
func lockLines(f *os.File, how int16) {
	c, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = c.Control(func(fd uintptr) {
		l := unix.Flock_t{Type: how}
		for unix.FcntlFlock(fd, unix.F_SETLKW, &l) == unix.EINTR {
		}
	})
}

const (
	locked   = unix.F_WRLCK
	unlocked = unix.F_UNLCK
)

// affinity is how many CPUs this process may run on, 0 if that is unknown.
func affinity() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(unix.Getpid(), &set) != nil {
		return 0
	}
	return set.Count()
}
