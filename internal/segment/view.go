package segment

import (
	"os"
	"sync"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
)

// View is a segment mapped for reading. It has no part in it: it takes no id and claims nothing, so it
// neither keeps the segment in use nor can it hold or recover anything.
type View struct {
	header abi.Header
	format string
	m      *mapping // not in the table: a read-only mapping is nobody's second handle
	mu     sync.Mutex
	closed bool
}

// Inspect maps a segment for reading, whoever owns it.
func Inspect(name string, mem Mem) (*View, error) {
	path, err := pathOf(name, mem)
	if err != nil {
		return nil, wrap("inspect", name, err)
	}
	v, err := inspectPath(path)
	return v, wrap("inspect", name, err)
}

func inspectPath(path string) (*View, error) {
	fd, size, err := openReadOnly(path)
	if err != nil {
		return nil, err
	}
	m := &mapping{query: fd, label: path}
	var st fileStat
	if st, err = stat(fd); err == nil {
		m.file = st.file
		m.header, m.format, err = readHeader(fd, size)
	}
	if err == nil {
		m.mem, err = mapReadOnly(fd, m.size())
	}
	if err != nil {
		closeFD(fd)
		return nil, err
	}
	return &View{header: m.header, format: m.format, m: m}, nil
}

// Header is the header as it was when the view was made.
func (v *View) Header() abi.Header { return v.header }

// Format is the format string of the elements.
func (v *View) Format() string { return v.format }

// Read runs f on the payload, which may only be read, and not after f has returned. A file that is
// truncated meanwhile is ErrTruncated; a peer may write while f reads.
func (v *View) Read(f func(payload []byte)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return wrap("inspect", v.m.label, os.ErrClosed)
	}
	return wrap("inspect", v.m.label, v.m.protect(func() { f(v.m.payload()) }))
}

// Living returns the ids of the processes that have the segment open.
func (v *View) Living() ([]uint32, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil, wrap("inspect", v.m.label, os.ErrClosed)
	}
	ids, err := owner.Living(v.m.query)
	return ids, wrap("inspect", v.m.label, err)
}

// File is the device and the inode number of the segment's file, by which /proc names it too.
func (v *View) File() (dev, ino uint64) { return v.m.file.dev, v.m.file.ino }

// Close unmaps the view.
func (v *View) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return wrap("close", v.m.label, os.ErrClosed)
	}
	v.closed = true
	err := v.m.mem.Unmap()
	closeFD(v.m.query)
	return err
}

func inUse(fd int) (bool, error) { return owner.InUse(fd) }
