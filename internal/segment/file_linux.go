package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
)

// retry absorbs EINTR.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func open(path string, flags int, perm uint32) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, perm)
		return err
	})
	return fd, err
}

func closeFD(fd int) { _ = unix.Close(fd) }

// openFile opens a name. It follows no link, and waits for nobody if the name is a fifo's.
func openFile(path string) (int, error) { return openMode(path, unix.O_RDWR) }

// openReadOnly opens a name to look at it, if it is a regular file.
func openReadOnly(path string) (fd int, size int64, err error) {
	if fd, err = openMode(path, unix.O_RDONLY); err != nil {
		return -1, 0, err
	}
	st, err := stat(fd)
	if err == nil {
		err = st.checkRegular()
	}
	if err != nil {
		closeFD(fd)
		return -1, 0, err
	}
	return fd, st.size, nil
}

func openMode(path string, mode int) (int, error) {
	fd, err := open(path, mode|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	switch err {
	case nil:
		return fd, nil
	case unix.ELOOP:
		return -1, fmt.Errorf("it is a symbolic link: %w", abi.ErrForeign)
	case unix.EISDIR:
		return -1, fmt.Errorf("it is a directory: %w", abi.ErrForeign)
	case unix.ENXIO, unix.ENODEV:
		return -1, fmt.Errorf("it is a socket or a device: %w", abi.ErrForeign)
	}
	return -1, err
}

// openForeignFD opens what /proc/PID/fd/N stands for now. The number may stand for a terminal or a tape
// drive by now, which do things when they are opened, so it is looked at first.
func openForeignFD(path string) (int, error) {
	fd, err := open(path, unix.O_PATH, 0)
	if err != nil {
		return -1, err
	}
	defer closeFD(fd)
	st, err := stat(fd)
	if err != nil {
		return -1, err
	}
	if err := st.check(nil); err != nil {
		return -1, err
	}
	return reopen(fd)
}

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// reopen makes a new description of an open file: locks and offsets of the old one do not carry over.
func reopen(fd int) (int, error) {
	n, err := open(fdPath(fd), unix.O_RDWR, 0)
	return n, needProc(err)
}

// needProc names the one cause that a path below /proc of our own can have for not being there.
func needProc(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("/proc is not mounted, and descriptors are reopened through it; mount it: %w", errors.ErrUnsupported)
	}
	return err
}

// tmpfile makes a file without a name in dir.
func tmpfile(dir string) (int, error) {
	fd, err := open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o600)
	switch err {
	case nil:
	case unix.EOPNOTSUPP, unix.EISDIR:
		return -1, fmt.Errorf("the file system of %s has no O_TMPFILE; use a tmpfs (Mem.Dir, SHMKIT_DIR): %w", dir, errors.ErrUnsupported)
	case unix.ENOSPC:
		return -1, fmt.Errorf("no inode is free in %s; remove files there, or use another directory (Mem.Dir, SHMKIT_DIR): %w", dir, err)
	default:
		return -1, fmt.Errorf("directory %s: %w", dir, err)
	}
	if err := checkFS(fd); err != nil {
		closeFD(fd)
		return -1, err
	}
	return fd, nil
}

// link gives the file its name; the only step that others can see.
func link(fd int, path string) error {
	err := retry(func() error {
		return unix.Linkat(unix.AT_FDCWD, fdPath(fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	})
	if err == unix.ENOENT {
		if _, e := os.Lstat(filepath.Dir(path)); e == nil {
			return needProc(err)
		}
	}
	return err
}

func chmod(fd int, perm fs.FileMode) error {
	return retry(func() error { return unix.Fchmod(fd, uint32(perm)) })
}

// unlinkFile removes path if it still stands for the file want.
func unlinkFile(path string, want fileID) error {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(path, &st) }); err != nil {
		return err
	}
	if (fileID{uint64(st.Dev), st.Ino}) != want {
		return fmt.Errorf("the name stands for another object by now: %w", fs.ErrNotExist)
	}
	return retry(func() error { return unix.Unlink(path) })
}

// readAt fills b from the file's beginning, or returns the part that the file has.
func readAt(fd int, b []byte) ([]byte, error) {
	n := 0
	for n < len(b) {
		k, err := unix.Pread(fd, b[n:], int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, fmt.Errorf("read the header: %w", err)
		case k == 0:
			return b[:n], nil
		}
		n += max(k, 0)
	}
	return b, nil
}

// fileStat is the kernel's word on a file.
type fileStat struct {
	file fileID
	size int64
	used int64 // memory, or room on a disk
	uid  int
	mode uint32
}

func stat(fd int) (fileStat, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstat(fd, &st) })
	return fileStat{fileID{uint64(st.Dev), st.Ino}, st.Size, st.Blocks * 512, int(st.Uid), st.Mode}, err
}

// check refuses what is not a regular file of an owner that may be trusted.
func (st *fileStat) check(owners []int) error {
	if err := st.checkRegular(); err != nil {
		return err
	}
	if me := os.Geteuid(); st.uid != me && !slices.Contains(owners, st.uid) {
		return fmt.Errorf("it belongs to uid %d, this process is %d, and Mem.Owners does not name it: %w (%w)", st.uid, me, abi.ErrForeign, fs.ErrPermission)
	}
	return nil
}

func (st *fileStat) checkRegular() error {
	if st.mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("it is %s: %w", typeName(st.mode), abi.ErrForeign)
	}
	return nil
}

func typeName(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a fifo"
	case unix.S_IFCHR, unix.S_IFBLK:
		return "a device"
	case unix.S_IFSOCK:
		return "a socket"
	}
	return "not a regular file"
}
