package segment

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/edsrzf/mmap-go"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
)

// fileID names a file while it is open or mapped; later the pair may be given to another.
type fileID struct{ dev, ino uint64 }

// mapping is a file mapped into this process, shared by all handles on it. The mapping, not a
// descriptor, holds the claim of package owner.
type mapping struct {
	file   fileID
	mem    mmap.MMap
	region *owner.Region
	label  string // for people: the path it was first opened by, or "unnamed"
	query  int    // a description without a claim: liveness is asked through it, and handle texts name it

	header abi.Header // private copies: the file's are not read again
	format string
	sealed bool               // a memfd that can change its size no more
	raw    bool               // a file without a header
	lend   func(fd int) error // Spec.Lend

	poisoned atomic.Bool // it was truncated under us
	refs     int         // handles, guarded by table
	ends     ends
}

// table holds every mapping of this process. One file is mapped at most once: with two mappings the
// first Close would look like a death to the goroutines that use the second.
var table = struct {
	sync.Mutex
	m map[fileID]*mapping
}{m: map[fileID]*mapping{}}

// mapped returns the mapping of the file with one more reference, or nil.
func mapped(f fileID) *mapping {
	table.Lock()
	defer table.Unlock()
	m := table.m[f]
	if m != nil {
		m.refs++
	}
	return m
}

// join claims the file, maps it and enters it into the table; or takes one more reference to the mapping
// that another goroutine entered meanwhile. The lock is held throughout, so the claim of a mapping that
// is on its way out is gone before the next one is tried.
func join(m *mapping) (*mapping, error) {
	table.Lock()
	defer table.Unlock()
	if old := table.m[m.file]; old != nil {
		old.refs++
		return old, nil
	}
	mem, err := claimAndMap(m.query, m.size(), m.lend)
	if err != nil {
		return nil, err
	}
	if m.region, err = owner.Attach(mem, m.query); err != nil {
		_ = mem.Unmap()
		return nil, err
	}
	m.mem, m.refs = mem, 1
	table.m[m.file] = m
	return m, nil
}

// release gives one reference back; the last one unmaps, and with that the liveness byte is free. While
// goroutines of this process are parked on words inside, the last reference stays.
func (m *mapping) release() error {
	table.Lock()
	defer table.Unlock()
	if m.refs > 1 {
		m.refs--
		return nil
	}
	if n := m.region.Waiters(); n > 0 {
		return fmt.Errorf("%d goroutines of this process still wait on it; end their contexts first: %w", n, syscall.EBUSY)
	}
	m.refs = 0
	delete(table.m, m.file)
	m.region.Detach()
	err := m.mem.Unmap()
	closeFD(m.query)
	return err
}

// size is the length of the mapping: header and payload, in whole pages unless the file is raw.
func (m *mapping) size() int64 {
	if m.raw {
		return int64(m.header.Size)
	}
	return fileSize(&m.header)
}

// payload is cut so that append cannot run into the rest of the last page.
func (m *mapping) payload() []byte {
	lo, hi := m.header.Offset, m.header.Offset+m.header.Size
	return m.mem[lo:hi:hi]
}

// fileSize is how long the file of such a header must be. The payload ends with its page: a page that
// is only partly inside the file does not fault where the file ends.
func fileSize(h *abi.Header) int64 {
	return int64(h.Offset + (h.Size+abi.PageSize-1)&^(abi.PageSize-1))
}

func label(path string) string {
	if path == "" {
		return "unnamed"
	}
	return path
}
