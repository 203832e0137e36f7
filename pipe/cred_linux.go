package pipe

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// introduce writes where this process can be seen to have the pipe open. Killed before: PeerCred says that it does not know.
func (e *end) introduce() {
	pid, fd, err := e.whereabouts()
	if err != nil { // who dials waits for a number all the same
		pid, fd = uint32(os.Getpid()), math.MaxUint32
	}
	atomic.StoreUint32(&e.mine.FD, fd)
	atomic.StoreUint32(&e.mine.PID, pid)
}

// whereabouts reads the handle's text, which is of the form /proc/PID/fd/N#id.
func (e *end) whereabouts() (pid, fd uint32, err error) {
	text, err := e.p.seg.Text()
	if err != nil {
		return 0, 0, err
	}
	path, _, _ := strings.Cut(string(text), "#")
	part := strings.Split(path, "/")
	n, err := strconv.ParseUint(part[len(part)-1], 10, 32)
	return uint32(os.Getpid()), uint32(n), err
}

func (e *end) peerCred() (Cred, error) {
	pid, fd := atomic.LoadUint32(&e.far.PID), atomic.LoadUint32(&e.far.FD)
	if pid == 0 {
		return Cred{}, ErrEmpty
	}
	_, mine, err := e.whereabouts()
	if err != nil {
		return Cred{}, err
	}
	here, err := os.Stat(fmt.Sprintf("/proc/self/fd/%d", mine))
	if err != nil {
		return Cred{}, err
	}
	home := fmt.Sprintf("/proc/%d", pid)
	process, err := os.Stat(home)
	if err != nil {
		return Cred{}, fmt.Errorf("pipe: credentials of the far end: its process has ended, or is in another PID namespace: %w", err)
	}
	// Asked for behind the first look: while the pipe is open there, the number is no other process's.
	there, err := os.Stat(fmt.Sprintf("%s/fd/%d", home, fd))
	if err != nil {
		return Cred{}, fmt.Errorf("pipe: credentials of the far end: %w", err)
	}
	st, ok := process.Sys().(*syscall.Stat_t)
	if !ok || !os.SameFile(here, there) {
		return Cred{}, fmt.Errorf("pipe: credentials of the far end: process %d does not have the pipe open where the far end says: %w", pid, fs.ErrPermission)
	}
	return Cred{PID: int(pid), UID: int(st.Uid), GID: int(st.Gid)}, nil
}
