package segment

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
)

func lengthen(fd int, size int64) error {
	err := retry(func() error { return unix.Ftruncate(fd, size) })
	if err == unix.EFBIG {
		return fmt.Errorf("long messages lie %s behind the beginning of the file, which is more than this process may write to a file (RLIMIT_FSIZE, ulimit -f), or than its file system takes; raise it, or use a tmpfs: %w",
			bytesText(abi.TailBase), err)
	}
	return err
}

func writeAt(fd int, b []byte, off int64) error {
	if len(b) >= worthAsking {
		if free := freeMemory(); int64(len(b)) > free {
			return noSpace(int64(len(b)), free, "memory of this machine")
		}
	}
	size := len(b)
	for len(b) > 0 {
		n, err := unix.Pwrite(fd, b, off)
		switch err {
		case nil, unix.EINTR:
			b, off = b[max(n, 0):], off+int64(max(n, 0))
		case unix.ENOSPC, unix.ENOMEM:
			var fsys unix.Statfs_t
			_ = retry(func() error { return unix.Fstatfs(fd, &fsys) })
			return noSpace(int64(size), int64(fsys.Bavail)*int64(fsys.Bsize), "its file system")
		case unix.EFBIG:
			return fmt.Errorf("%s behind the beginning of the file is more than this process may write to a file (RLIMIT_FSIZE, ulimit -f): %w", bytesText(off), err)
		default:
			return err
		}
	}
	return nil
}

// readFrom fills b, or the part that the file has.
func readFrom(fd int, b []byte, off int64) (n int, err error) {
	for n < len(b) {
		k, err := unix.Pread(fd, b[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, err
		case k == 0:
			return n, nil
		}
		n += max(k, 0)
	}
	return n, nil
}

func punch(fd int, off, n int64) {
	_ = retry(func() error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}
