// Package segment makes, finds and maps the files that shared objects live in. A segment is a header
// (package abi) and a payload; what the payload means is the business of the package that opens it.
// Package shm is the public face; ringbuf, value, array and queue build on this one.
//
// What holds for every segment:
//   - a name appears only when the object behind it is whole (O_TMPFILE, then linkat);
//   - its memory is reserved when it is made, so a full file system is an error there and no signal later;
//   - its header is read by pread, checked and copied before anything is mapped, and never read again;
//   - the process's liveness byte (package owner) is locked before the memory is touched, and stays
//     locked exactly as long as it is mapped;
//   - one process maps a file once and counts its handles: closing one of two is no death.
package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// Spec is what a kind of object asks of its segment.
//
// Lend is shown the open file description that holds this process's claim, before its descriptor fd is
// closed; fd is good until Lend returns. Who duplicates it prolongs this process's life in the eyes of the
// others, until the duplicates are closed too, and may give one to a child: what this process holds then
// outlives it for as long as the child lives. Lend is not called for a file that the process has mapped already.
type Spec struct {
	Kind       abi.Kind
	Type       abi.Type                    // of the elements; zero: none
	Codec      string                      // how items are encoded, at most 16 bytes; empty: as they lie in memory
	Shape      [4]uint64                   // kind-specific numbers; at Open a zero entry means: whatever is there
	Default    [4]uint64                   // what a zero entry of Shape stands for when the object is made
	ShapeNames [4]string                   // what an error calls them
	Size       func(shape [4]uint64) int64 // payload bytes for such a shape, -1 when it is impossible (hostile header)
	Tail       func(shape [4]uint64) int64 // bytes behind what is mapped, see WriteTail; may be nil
	Init       func(payload []byte) error  // on zeroed memory, before the object can be found; may be nil
	Lend       func(fd int) error          // see below; may be nil
}

// Mem is the memory knobs: see shm.Mem, whose fields these are.
type Mem struct {
	Dir       string
	Perm      fs.FileMode
	Owners    []int
	HugePages bool
	Populate  bool
	Locked    bool
	Guard     bool
}

// Segment is a handle on a mapped segment. Its methods may be called from any goroutine; those of the
// zero value and of a closed handle answer os.ErrClosed.
type Segment struct {
	m       *mapping
	path    string // absolute; empty for an unnamed segment
	guard   bool   // Mem.Guard
	closed  atomic.Bool
	cleanup runtime.Cleanup
}

// New makes an unnamed segment: a sealed memfd, gone with its last user.
func New(spec Spec, mem Mem) (*Segment, error) {
	s, err := create(spec, mem, "", memfd, seal)
	return s, wrap("new", "", err)
}

// Create makes a segment and gives it a name, which must be free (fs.ErrExist).
func Create(name string, spec Spec, mem Mem) (*Segment, error) {
	path, err := pathOf(name, mem)
	if err != nil {
		return nil, wrap("create", name, err)
	}
	s, err := createPath(path, spec, mem)
	return s, wrap("create", name, err)
}

// Open maps the segment of that name (fs.ErrNotExist).
func Open(name string, spec Spec, mem Mem) (*Segment, error) {
	path, err := pathOf(name, mem)
	if err != nil {
		return nil, wrap("open", name, err)
	}
	s, err := openPath(path, spec, mem)
	return s, wrap("open", name, err)
}

// tries bounds OpenOrCreate. Each further turn takes a name that came or went in between.
const tries = 100

// OpenOrCreate opens the segment of that name, or makes it. Of several that find nothing one wins; the
// others' work is thrown away, and they open what the winner made.
func OpenOrCreate(name string, spec Spec, mem Mem) (*Segment, error) {
	path, err := pathOf(name, mem)
	if err != nil {
		return nil, wrap("open or create", name, err)
	}
	for range tries {
		s, err := openPath(path, spec, mem)
		if !errors.Is(err, fs.ErrNotExist) {
			return s, wrap("open or create", name, err)
		}
		s, err = createPath(path, spec, mem)
		if !errors.Is(err, fs.ErrExist) {
			return s, wrap("open or create", name, err)
		}
	}
	return nil, wrap("open or create", name, fmt.Errorf("the name came and went %d times: %w", tries, fs.ErrExist))
}

func createPath(path string, spec Spec, mem Mem) (*Segment, error) {
	// A look ahead, to spare a hopeless run of Init. linkat decides.
	if _, err := os.Lstat(path); err == nil {
		return nil, fs.ErrExist
	}
	unnamed := func() (int, error) { return tmpfile(filepath.Dir(path)) }
	return create(spec, mem, path, unnamed, func(fd int) error { return link(fd, path) })
}

// create makes the object whole and then publishes it. Whoever is killed in between leaves nothing: a
// file without a name goes with its last descriptor.
func create(spec Spec, mem Mem, path string, open func() (int, error), publish func(fd int) error) (s *Segment, err error) {
	h, err := newHeader(spec)
	if err != nil {
		return nil, err
	}
	perm, err := mem.perm()
	if err != nil {
		return nil, err
	}
	fd, err := open()
	if err != nil {
		return nil, err
	}
	m, err := build(fd, perm, spec, &mapping{query: fd, header: h, format: spec.Type.Format, sealed: path == "", label: label(path), lend: spec.Lend})
	if err != nil {
		return nil, err
	}
	defer func() {
		if s == nil { // also when Init panics
			_ = m.release()
		}
	}()
	h.Encode(m.mem, spec.Type.Format)
	if err := m.advise(mem); err != nil {
		return nil, err
	}
	if spec.Init != nil {
		if err := spec.Init(m.payload()); err != nil {
			return nil, fmt.Errorf("init: %w", err)
		}
	}
	if err := publish(fd); err != nil {
		return nil, err
	}
	return newSegment(m, path, mem), nil
}

// build reserves the memory of the new file fd and maps it. It owns fd from here on.
func build(fd int, perm fs.FileMode, spec Spec, m *mapping) (*mapping, error) {
	m, err := func() (*mapping, error) {
		if err := chmod(fd, perm); err != nil {
			return nil, err
		}
		if err := reserve(fd, m.size()); err != nil {
			return nil, err
		}
		if err := m.setTail(fd, spec, m.header.Shape); err != nil {
			return nil, err
		}
		st, err := stat(fd)
		if err != nil {
			return nil, err
		}
		m.file = st.file
		return join(m)
	}()
	if err != nil {
		closeFD(fd)
		return nil, err
	}
	return m, nil
}

func openPath(path string, spec Spec, mem Mem) (*Segment, error) {
	fd, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return adopt(fd, path, spec, mem, nil)
}

// adopt turns a description of a stranger's file into a segment. It owns fd.
func adopt(fd int, path string, spec Spec, mem Mem, id *[16]byte) (*Segment, error) {
	m, err := attach(fd, path, spec, mem, id)
	if err != nil {
		return nil, err
	}
	if err := m.advise(mem); err != nil {
		_ = m.release()
		return nil, err
	}
	return newSegment(m, path, mem), nil
}

// attach checks the file in the order of what can be believed: the kernel's word on it, the header, then
// the header against what the caller means. Only then is it claimed and mapped.
func attach(fd int, path string, spec Spec, mem Mem, id *[16]byte) (m *mapping, err error) {
	kept := false // by a new mapping, as its query description
	defer func() {
		if !kept {
			closeFD(fd)
		}
	}()
	st, err := inspect(fd, mem, path == "")
	if err != nil {
		return nil, err
	}
	if m = mapped(st.file); m == nil {
		m = &mapping{file: st.file, query: fd, sealed: path == "", label: label(path), lend: spec.Lend}
		if m.header, m.format, err = readHeader(fd, st.size); err != nil {
			return nil, err
		}
		if err := match(&m.header, m.format, spec, id); err != nil {
			return nil, err
		}
		if m, err = join(m); err != nil {
			return nil, err
		}
		kept = m.query == fd
	}
	// Of a mapping that was there already the private copy counts, not what a peer made of the file since.
	if err := m.usable(st.size, spec, id); err != nil {
		_ = m.release()
		return nil, err
	}
	return m, nil
}

// usable checks a mapping, which may be older than this open, against what the caller means.
func (m *mapping) usable(size int64, spec Spec, id *[16]byte) error {
	switch {
	case m.raw:
		return fmt.Errorf("this process has it open as a raw file: %w", abi.ErrForeign)
	case m.poisoned.Load() || size < fileSize(&m.header):
		return truncated(size, fileSize(&m.header))
	}
	return match(&m.header, m.format, spec, id)
}

// inspect asks the kernel about the file: kind, owner, file system, seals.
func inspect(fd int, mem Mem, sealed bool) (fileStat, error) {
	st, err := stat(fd)
	if err != nil {
		return st, err
	}
	if err := st.check(mem.Owners); err != nil {
		return st, err
	}
	if sealed {
		return st, checkSeals(fd)
	}
	return st, checkFS(fd)
}

func newSegment(m *mapping, path string, mem Mem) *Segment {
	s := &Segment{m: m, path: path, guard: mem.Guard && !m.sealed}
	s.cleanup = runtime.AddCleanup(s, reportLeak, label(path))
	return s
}

func (s *Segment) open() bool { return s != nil && s.m != nil && !s.closed.Load() }

// Name is the object's name, or empty for an unnamed one.
func (s *Segment) Name() string {
	if s == nil || s.path == "" {
		return ""
	}
	return filepath.Base(s.path)
}

// Payload is the memory behind the header, or nil once the handle is closed. It is good until Close: who
// keeps it keeps s. What peers write there they may write at any moment.
func (s *Segment) Payload() []byte {
	if !s.open() {
		return nil
	}
	return s.m.payload()
}

// Shape is the kind's numbers, as they were when the segment was mapped.
func (s *Segment) Shape() (shape [4]uint64) {
	if s != nil && s.m != nil {
		shape = s.m.header.Shape
	}
	return shape
}

// Closed reports whether Close has been called, or s is a zero value.
func (s *Segment) Closed() bool { return !s.open() }

// Close gives the handle up. The process's last handle on a segment unmaps it, and what the process
// still held in it then counts as held by the dead. While goroutines of this process wait inside, the
// last Close changes nothing and says so (syscall.EBUSY).
func (s *Segment) Close() error {
	if s == nil || s.m == nil || !s.closed.CompareAndSwap(false, true) {
		return wrap("close", s.Name(), os.ErrClosed)
	}
	if err := s.m.release(); err != nil {
		s.closed.Store(false)
		return wrap("close", s.Name(), err)
	}
	s.cleanup.Stop()
	return nil
}

// Unlink removes the name, if it still stands for this object. Users keep the object.
func (s *Segment) Unlink() error {
	switch {
	case !s.open():
		return wrap("unlink", s.Name(), os.ErrClosed)
	case s.path == "":
		return wrap("unlink", "", fmt.Errorf("it has no name: %w", fs.ErrNotExist))
	}
	return wrap("unlink", s.Name(), unlinkFile(s.path, s.m.file))
}
