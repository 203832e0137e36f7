package proctest

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func self() string { return "/proc/self/exe" } // also where no path leads to it for the child's user

func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

func stop(pid int) error {
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		return err
	}
	code, err := await(pid, unix.WSTOPPED|unix.WEXITED)
	if err == nil && code != cldStopped {
		err = os.ErrProcessDone
	}
	return err
}

func cont(pid int) error { return unix.Kill(pid, unix.SIGCONT) }

func awaitDeath(pid int) error {
	_, err := await(pid, unix.WEXITED)
	return err
}

const cldStopped = 5 // CLD_STOPPED, what became of a child

// await waits for a change of the child's state and leaves it to be waited for.
func await(pid, changes int) (code int32, err error) {
	var info unix.Siginfo
	for {
		err = unix.Waitid(unix.P_PID, pid, &info, changes|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return info.Code, err
		}
	}
}
