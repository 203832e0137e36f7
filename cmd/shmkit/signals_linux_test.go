package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// traps is a command for a shell: on a signal it says which, on the last one it ends, and on none after a
// minute. It sleeps in short bits: a signal that comes just before a shell blocks for long, in read say, is
// heard only after that.
const traps = `for s in INT HUP QUIT USR1 USR2; do trap "echo $s" $s; done; trap "echo TERM; exit 5" TERM
echo in; for i in $(seq 6000); do sleep .01; done`

func TestSignalsArePassedOn(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	p := start(t, "lock", "a", "--", "sh", "-c", traps)
	p.wants("in")
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTERM} {
		p.signal(sig)
		p.wants(strings.TrimPrefix(unix.SignalName(sig), "SIG"))
	}
	p.ends(5)
}

// Who waits for his turn ends as if it had caught nothing, and leaves the lock as it was.
func TestSignalsEndAWait(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	first := start(t, "lock", "a", "--", "sh", "-c", stays)
	first.wants("in")
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM} {
		second := start(t, "lock", "a", "--", "true")
		second.signal(sig)
		second.ends(-int(sig))
	}
	first.in.Close()
	first.ends(0)
	if _, log := does(t, 0, "lock", "-n", "a", "--", "true"); log != "" {
		t.Errorf("it says %q", log)
	}
}

// nohup, and a shell's background jobs, mean the command too.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	inner := shmkitCommand(t, "lock", "a", "--", "grep", "^SigIgn", "/proc/self/status")
	cmd := exec.Command("sh", append([]string{"-c", `trap "" HUP INT; exec "$0" "$@"`}, inner.Args...)...)
	cmd.Env, cmd.SysProcAttr = inner.Env, inner.SysProcAttr
	p := startCommand(t, cmd)
	p.ends(0)
	_, hex, _ := strings.Cut(<-p.out, "\t")
	mask, err := strconv.ParseUint(hex, 16, 64)
	if want := uint64(1<<(unix.SIGHUP-1) | 1<<(unix.SIGINT-1)); err != nil || mask&want != want {
		t.Errorf("ignored are %#x, %v", mask, err)
	}
}

// terminal is a new one: what is written to the first is typed at the second.
func terminal(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminal can be had: ", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("no terminal can be had: ", err)
	}
	t.Cleanup(func() { tty.Close() })
	return keyboard, tty
}

// stop stops the process, and returns when it stands.
func (p *proc) stop() {
	p.t.Helper()
	p.signal(unix.SIGSTOP)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
		if err != nil || time.Now().After(end) {
			p.t.Fatalf("it does not stop: %s, %v", stat, err)
		}
		if strings.Contains(string(stat), ") T ") {
			return
		}
	}
}

// The terminal sends ^C to the command by itself. It must not get it twice; a TERM that comes behind shows
// whether it has. Two that come at once would look like one, so shmkit is stopped until the first has come.
func TestTypedSignalsComeOnce(t *testing.T) {
	t.Setenv("SHMKIT_DIR", t.TempDir())
	keyboard, tty := terminal(t)
	cmd := shmkitCommand(t, "lock", "a", "--", "sh", "-c", `trap 'echo INT' INT; trap 'exit 5' TERM
echo in; while :; do sleep .01; done`)
	cmd.ExtraFiles = []*os.File{tty}
	cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, 3
	p := startCommand(t, cmd)
	p.wants("in")
	p.stop()
	if _, err := keyboard.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	p.wants("INT")
	p.signal(unix.SIGTERM)
	p.signal(unix.SIGCONT)
	p.ends(5)
	for line := range p.out {
		t.Errorf("it also says %q", line)
	}
}
