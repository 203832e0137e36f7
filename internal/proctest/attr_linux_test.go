package proctest

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func needRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may become another user or make a PID namespace")
	}
}

func TestOtherUser(t *testing.T) {
	needRoot(t)
	a := Attr{SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}}
	p := StartWith(t, a, "where")
	if got := p.Recv(); !strings.HasSuffix(got, " 12345") {
		t.Errorf("the process saw %q, want uid 12345", got)
	}
	if a.SysProcAttr.Pdeathsig != 0 {
		t.Error("the caller's attributes were changed")
	}
}

func TestPIDNamespace(t *testing.T) {
	needRoot(t)
	p := StartWith(t, Attr{SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}}, "where")
	if got := strings.Fields(p.Recv()); got[len(got)-2] != "1" {
		t.Errorf("the process has pid %s, want 1", got[len(got)-2])
	}
}

var duringInit = unix.Access("/", 0) // an init-time system call, to be denied below

var _ = Register("denied", func(args []string) int {
	nr, _ := strconv.Atoi(args[0])
	_, _, e := syscall.RawSyscall(uintptr(nr), ^uintptr(0), ^uintptr(0), 0)
	Say(e.Error())
	Say(strconv.FormatBool(errors.Is(duringInit, unix.ENOSYS)))
	return 0
})

func TestDenySyscalls(t *testing.T) {
	nr := strconv.Itoa(unix.SYS_MEMBARRIER)
	p := Start(t, "denied", nr)
	if got := p.Recv(); got == unix.ENOSYS.Error() && os.Getenv(envDeny) == "" {
		t.Skip("this kernel has no membarrier")
	}
	p = StartWith(t, Attr{Deny: []uintptr{unix.SYS_MEMBARRIER, unix.SYS_FACCESSAT}}, "denied", nr)
	p.Expect(unix.ENOSYS.Error())
	p.Expect("true")
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The whole run can be denied them: the tests' own process is replaced in place.
func TestDenyTheRun(t *testing.T) {
	p := StartWith(t, Attr{Env: []string{envDeny + "=1"}}, "denied", strconv.Itoa(unix.SYS_FUTEX_WAITV))
	p.Expect(unix.ENOSYS.Error())
	if p.Recv(); p.Wait() != 0 {
		t.Error("the run did not end well")
	}
	p = StartWith(t, Attr{Env: []string{envDeny + "=nonsense"}}, "denied", "0")
	if code := p.Wait(); code != 2 {
		t.Errorf("exit code %d for an unknown name, want 2", code)
	}
}

func TestParseDenied(t *testing.T) {
	got, err := parseDenied("memfd_create,17")
	if err != nil || len(got) != 2 || got[0] != unix.SYS_MEMFD_CREATE || got[1] != 17 {
		t.Errorf("%v, %v", got, err)
	}
}

func init() { killChildren = killRunning }

// killRunning ends the children, also those that hang on no death signal.
func killRunning() {
	for _, f := range strings.Fields(running()) {
		if pid, err := strconv.Atoi(f); err == nil {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}
