package segment

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/shmkit/shmkit/internal/abi"
)

// Entry is one name in the directory.
type Entry struct {
	Name   string
	Header abi.Header
	Format string
	InUse  bool  // by any process, this one included
	Err    error // what is wrong with the segment, if its magic is there and the rest is not right
}

// List returns the names in mem's directory whose files carry the magic and may be read by this
// process, sorted. Nothing is mapped, claimed or waited for.
func List(mem Mem) ([]Entry, error) {
	dir, err := mem.directory()
	if err != nil {
		return nil, wrap("list", mem.Dir, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, wrap("list", dir, err)
	}
	var entries []Entry
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		if e, ok := entry(dir, f.Name()); ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// entry looks at one file; ok is false for one that is not a segment, or went away.
func entry(dir, name string) (e Entry, ok bool) {
	fd, size, err := openReadOnly(filepath.Join(dir, name))
	if err != nil {
		return e, false
	}
	defer closeFD(fd)
	if b, err := readAt(fd, make([]byte, len(abi.Magic))); err != nil || !abi.HasMagic(b) {
		return e, false
	}
	e.Name = name
	e.Header, e.Format, e.Err = readHeader(fd, size)
	e.InUse, _ = inUse(fd)
	return e, true
}

// Unlink removes a name. A file without the magic is left alone: it is somebody else's.
func Unlink(name string, mem Mem) error {
	path, err := pathOf(name, mem)
	if err != nil {
		return wrap("unlink", name, err)
	}
	return wrap("unlink", name, unlinkOurs(path))
}

func unlinkOurs(path string) error {
	fd, _, err := openReadOnly(path)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	b, err := readAt(fd, make([]byte, len(abi.Magic)))
	if err != nil {
		return err
	}
	if !abi.HasMagic(b) {
		return fmt.Errorf("its first bytes are not %q: %w", abi.Magic, abi.ErrForeign)
	}
	st, err := stat(fd)
	if err != nil {
		return err
	}
	return unlinkFile(path, st.file)
}
