package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"syscall"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/owner"
)

// claimAndMap opens the file of query anew, locks this process's liveness byte through that
// description and maps through it. The descriptor is closed, so the mapping alone holds the lock, and
// whoever has a duplicate from lend, which may be nil.
//
// No child is forked meanwhile: until its exec it would hold the descriptor, and with it the lock.
func claimAndMap(query int, size int64, lend func(fd int) error) (mmap.MMap, error) {
	if bits.UintSize != 64 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, fmt.Errorf("words in shared memory need a 64-bit little-endian machine, and this is %s: %w", runtime.GOARCH, errors.ErrUnsupported)
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := reopen(query)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "segment")
	defer f.Close()
	if err := owner.Claim(fd); err != nil {
		return nil, err
	}
	owner.Show(query)
	if lend != nil {
		if err := lend(fd); err != nil {
			return nil, err
		}
	}
	m, err := mmap.MapRegion(f, int(size), mmap.RDWR, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", bytesText(size), err)
	}
	// A child of foreign code that forks without exec must not keep the mapping, and the lock, alive.
	if err := madvise(m, unix.MADV_DONTFORK); err != nil {
		_ = m.Unmap()
		return nil, err
	}
	return m, nil
}

// mapReadOnly maps the file of fd for looking at it.
func mapReadOnly(fd int, size int64) (mmap.MMap, error) {
	n, err := open(fdPath(fd), unix.O_RDONLY, 0)
	if err != nil {
		return nil, needProc(err)
	}
	f := os.NewFile(uintptr(n), "segment")
	defer f.Close()
	return mmap.MapRegion(f, int(size), mmap.RDONLY, 0, 0)
}

func madvise(m mmap.MMap, advice int) error {
	return retry(func() error { return unix.Madvise(m, advice) })
}

// advise applies the knobs to the whole mapping. They are the mapping's: what one handle has asked for,
// all handles of the process get.
func (m *mapping) advise(mem Mem) error {
	if mem.HugePages {
		// Best effort: whether shared memory gets huge pages is the administrator's choice
		// (/sys/kernel/mm/transparent_hugepage/shmem_enabled). The pages are there already, so they are
		// also asked to be collapsed now.
		_ = madvise(m.mem, unix.MADV_HUGEPAGE)
		_ = madvise(m.mem, unix.MADV_COLLAPSE)
	}
	if mem.Populate {
		// EINVAL: kernel before 5.14. The memory is reserved in any case, only its page tables are not.
		if err := madvise(m.mem, unix.MADV_POPULATE_WRITE); err != nil && err != unix.EINVAL {
			return fmt.Errorf("populate: %w", err)
		}
	}
	if mem.Locked {
		if err := m.mem.Lock(); err != nil {
			return fmt.Errorf("lock %s in memory, where RLIMIT_MEMLOCK is %s; raise it (ulimit -l): %w", bytesText(m.size()), lockLimit(), err)
		}
	}
	return nil
}

func lockLimit() string {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		return "unknown"
	}
	if r.Cur == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return bytesText(int64(r.Cur))
}
