package proctest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

func defaultRoot() string { return "/dev/shm" }

// lockDir reports whether the lock was free and now is f's.
func lockDir(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == unix.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}

// warmUp makes the runtime open what it keeps (epoll and its eventfd), and makes
// this process inherit the orphans of its children, so that they are seen.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

var inode = regexp.MustCompile(`^(socket|pipe):\[\d+\]$`)

// openFiles counts descriptors by what they refer to, not by number: a number
// that was closed and used again for the same thing is no leak.
func openFiles() map[string]int {
	m := map[string]int{}
	ents, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return m
	}
	for _, e := range ents {
		what, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err != nil || strings.HasSuffix(what, "/fd") { // the listing's own, closed by now
			continue
		}
		m[inode.ReplaceAllString(what, "$1")]++
	}
	return m
}

// children reaps the dead, which may be orphans that came to us, and reports who
// still runs.
func children() error {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil)
		switch {
		case err == unix.EINTR || pid > 0:
		case err == nil:
			return fmt.Errorf("processes:%s", running())
		default: // ECHILD
			return nil
		}
	}
}

// running names the children, with the help of every thread's list of them.
func running() (s string) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, l := range lists {
		b, _ := os.ReadFile(l)
		for _, pid := range strings.Fields(string(b)) {
			cmd, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			s += fmt.Sprintf(" %s (%s)", pid, strings.TrimSpace(strings.ReplaceAll(string(cmd), "\x00", " ")))
		}
	}
	return s
}
