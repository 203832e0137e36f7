package segment

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/shmkit/shmkit/internal/abi"
)

// OpenRaw maps a file that has no header of ours, at its present size. It is claimed like a segment: the
// byte that is locked lies behind all data, and without it no lock inside could tell who is alive.
func OpenRaw(path string) (*Segment, error) {
	s, err := openRaw(path)
	return s, wrap("open raw", path, err)
}

func openRaw(path string) (*Segment, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	fd, err := openFile(path)
	if err != nil {
		return nil, err
	}
	m, err := attachRaw(fd, path)
	if err != nil {
		return nil, err
	}
	return newSegment(m, path, Mem{}), nil
}

// attachRaw owns fd.
func attachRaw(fd int, path string) (m *mapping, err error) {
	kept := false
	defer func() {
		if !kept {
			closeFD(fd)
		}
	}()
	st, err := stat(fd)
	if err != nil {
		return nil, err
	}
	if err := st.checkRaw(fd); err != nil {
		return nil, err
	}
	if m, err = join(&mapping{file: st.file, query: fd, raw: true, label: path, header: abi.Header{Size: uint64(st.size)}}); err != nil {
		return nil, err
	}
	kept = m.query == fd
	if !m.raw || m.poisoned.Load() || st.size < m.size() {
		defer m.release()
		if !m.raw {
			return nil, errHeader()
		}
		return nil, truncated(st.size, m.size())
	}
	return m, nil
}

func errHeader() error {
	return fmt.Errorf("it has a header of this toolkit: open it by its name: %w", abi.ErrForeign)
}

// checkRaw refuses what cannot be mapped, and what would be mapped wrong.
func (st *fileStat) checkRaw(fd int) error {
	if err := st.checkRegular(); err != nil {
		return err
	}
	if st.size <= 0 || st.size > min(abi.MaxSize, math.MaxInt) {
		return fmt.Errorf("it has %d bytes: %w", st.size, abi.ErrForeign)
	}
	b, err := readAt(fd, make([]byte, min(st.size, abi.HeaderSize)))
	switch {
	case err != nil:
		return err
	case abi.HasMagic(b):
		return errHeader()
	}
	return checkFS(fd)
}
