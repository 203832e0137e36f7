package owner

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// lock takes the byte of id for the description fd; taken says that another description has it.
func lock(fd int, id uint32) (taken bool, err error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: base + int64(id), Len: 1}
	switch err := fcntl(fd, unix.F_OFD_SETLK, &l); err {
	case nil:
		return false, nil
	case unix.EAGAIN, unix.EACCES:
		return true, nil
	default:
		return false, fmt.Errorf("lock the liveness byte: %w", err)
	}
}

// held returns one locked stretch inside [lo, hi), cut to it; n is 0 when there is none.
func held(fd int, lo, hi int64) (start, n int64, err error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: lo, Len: hi - lo}
	if err := fcntl(fd, unix.F_OFD_GETLK, &l); err != nil {
		return 0, 0, fmt.Errorf("ask for liveness bytes: %w", err)
	}
	if l.Type == unix.F_UNLCK {
		return 0, 0, nil
	}
	end := l.Start + l.Len
	if l.Len == 0 || end > hi {
		end = hi
	}
	start = max(l.Start, lo)
	return start, end - start, nil
}

func show(fd int, off int64) { _, _ = unix.Seek(fd, off, io.SeekStart) }

func fcntl(fd, cmd int, l *unix.Flock_t) error {
	for {
		if err := unix.FcntlFlock(uintptr(fd), cmd, l); err != unix.EINTR {
			return err
		}
	}
}

// file identifies an open file. While it is open or mapped the pair is not given to another.
type file struct{ dev, ino uint64 }

func fileOf(fd int) (file, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return file{}, fmt.Errorf("stat the segment: %w", err)
	}
	return file{uint64(st.Dev), st.Ino}, nil
}
