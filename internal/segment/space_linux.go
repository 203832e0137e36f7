package segment

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// stride is how much is reserved by one call. fallocate on tmpfs gives back all that it has taken when a
// signal comes, so one huge call might never end.
const stride = 64 << 20

// worthAsking is the size from which the machine's free memory is looked at first.
const worthAsking = 16 << 20

// reserve gives the file its length and all its memory, now. Without that a full file system would
// be a SIGBUS at some later store.
func reserve(fd int, size int64) error {
	var fsys unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(fd, &fsys) }); err != nil {
		return err
	}
	// A tmpfs knows its own limit, but not the machine's, and a memfd has none: the kernel would rather
	// kill a process than refuse a page.
	if size >= worthAsking && fsys.Type == unix.TMPFS_MAGIC {
		if free := freeMemory(); size > free {
			return noSpace(size, free, "memory of this machine")
		}
	}
	for at := int64(0); at < size; at += stride {
		err := retry(func() error { return unix.Fallocate(fd, 0, at, min(stride, size-at)) })
		switch err {
		case nil:
		case unix.ENOSPC, unix.ENOMEM:
			return noSpace(size, int64(fsys.Bavail)*int64(fsys.Bsize), "its file system")
		case unix.EFBIG:
			return fmt.Errorf("%s is more than this process may write to a file (RLIMIT_FSIZE, ulimit -f): %w", bytesText(size), err)
		case unix.EOPNOTSUPP:
			return fmt.Errorf("the file system cannot reserve memory; use a tmpfs (Mem.Dir, SHMKIT_DIR): %w", errors.ErrUnsupported)
		default:
			return fmt.Errorf("reserve %s: %w", bytesText(size), err)
		}
	}
	return nil
}

func noSpace(asked, free int64, where string) error {
	return fmt.Errorf("asked for %s (%d bytes), %s (%d bytes) free in the %s; free some, ask for less, or use another directory (Mem.Dir, SHMKIT_DIR): %w",
		bytesText(asked), asked, bytesText(free), free, where, unix.ENOSPC)
}

// freeMemory is what the kernel thinks it can give without harm, with swap. Unknown counts as plenty.
func freeMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	defer f.Close()
	var sum, kib int64
	found := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, "MemAvailable:") && !strings.HasPrefix(line, "SwapFree:") {
			continue
		}
		_, value, _ := strings.Cut(line, ":")
		if _, err := fmt.Sscan(value, &kib); err == nil {
			sum, found = sum+kib<<10, found || line[0] == 'M'
		}
	}
	if !found {
		return math.MaxInt64
	}
	return sum
}

// remote are the file systems where another machine may have the file open: neither its memory nor its
// locks are shared with us, or not soon enough.
var remote = [...]struct {
	magic int64
	name  string
}{
	{unix.NFS_SUPER_MAGIC, "NFS"}, {unix.SMB_SUPER_MAGIC, "SMB"}, {unix.SMB2_SUPER_MAGIC, "SMB"}, {unix.CIFS_SUPER_MAGIC, "SMB"},
	{unix.FUSE_SUPER_MAGIC, "FUSE"}, {unix.V9FS_MAGIC, "9p"}, {unix.CEPH_SUPER_MAGIC, "Ceph"}, {unix.AFS_SUPER_MAGIC, "AFS"},
	{unix.AFS_FS_MAGIC, "AFS"}, {unix.CODA_SUPER_MAGIC, "Coda"}, {unix.NCP_SUPER_MAGIC, "NCP"},
	{0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"}, {0x7461636f, "OCFS2"}, {0x01161970, "GFS2"},
}

// checkFS refuses those.
func checkFS(fd int) error {
	var fsys unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(fd, &fsys) }); err != nil {
		return err
	}
	return refuseRemote(int64(fsys.Type))
}

func refuseRemote(magic int64) error {
	for _, fs := range remote {
		if fs.magic == magic&math.MaxUint32 {
			return fmt.Errorf("the directory is on %s, which shares neither memory nor locks; use a tmpfs (Mem.Dir, SHMKIT_DIR): %w", fs.name, errors.ErrUnsupported)
		}
	}
	return nil
}
