package cases

import (
	"os"

	"golang.org/x/sys/unix"
)

// socketPair makes two connected unix stream sockets.
func socketPair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// readable tells the reading end of a pipe from the writing one.
func readable(f *os.File) bool {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDONLY
}

// spinner reads and writes a descriptor that never sleeps: where there is
// nothing to read it asks again.
type spinner struct{ r, w int }

// newSpinner takes over the first and the last of a worker's files.
func newSpinner(files []*os.File) (spinner, error) {
	r, w := files[0], files[len(files)-1]
	if len(files) > 1 && !readable(r) {
		r, w = w, r
	}
	s := spinner{int(r.Fd()), int(w.Fd())}
	for _, fd := range []int{s.r, s.w} {
		if err := unix.SetNonblock(fd, true); err != nil {
			return s, os.NewSyscallError("fcntl", err)
		}
	}
	return s, nil
}

// Read implements io.Reader.
func (s spinner) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(s.r, b)
		if err != unix.EAGAIN && err != unix.EINTR {
			return n, err
		}
	}
}

// Write implements io.Writer.
func (s spinner) Write(b []byte) (int, error) {
	for done := 0; ; {
		n, err := unix.Write(s.w, b[done:])
		if err != unix.EAGAIN && err != unix.EINTR {
			if err != nil {
				return done, err
			}
			if done += n; done == len(b) {
				return done, nil
			}
		}
	}
}

// flock takes or gives back the lock of a file.
func flock(fd int, how int) error {
	for {
		if err := unix.Flock(fd, how); err != unix.EINTR {
			return os.NewSyscallError("flock", err)
		}
	}
}

const (
	lockExclusive = unix.LOCK_EX
	lockShared    = unix.LOCK_SH
	lockNone      = unix.LOCK_UN
)
