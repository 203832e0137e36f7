package shm_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

// The tests TestPython… are what Python's multiprocessing.shared_memory documents, or does, for SharedMemory, RawValue and RawArray.
// They say where this package does otherwise, and mean to. Its tracker and its SharedMemoryManager, whose task is to remove names,
// have nothing here that answers to them: a name stays until somebody unlinks it.

var _ = proctest.Register("python peer", func(args []string) int {
	s := new(shm.Segment)
	if err := s.UnmarshalText([]byte(args[0])); err != nil {
		proctest.Say(err.Error())
		return 0
	}
	copy(s.Bytes()[10:], "world")
	proctest.Say(string(s.Bytes()[:5]))
	proctest.Hear()
	return 0
})

// test_shared_memory_basics: created exclusively, of mode 0600, zero-filled, of exactly the size.
func TestPythonCreate(t *testing.T) {
	s, err := shm.SegmentConfig{Size: 513}.Create("py.create")
	keep(t, s, err)
	if len(s.Bytes()) != 513 || strings.Trim(string(s.Bytes()), "\x00") != "" || s.Name() != "py.create" {
		t.Errorf("%d bytes, %q", len(s.Bytes()), s.Name())
	}
	fi, err := os.Stat(filepath.Join(os.Getenv("SHMKIT_DIR"), "py.create"))
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	_, err = shm.SegmentConfig{Size: 513}.Create("py.create")
	wantErr(t, err, fs.ErrExist)
}

// test_invalid_shared_memory_creation: no size, a missing name, an empty name, NUL or a slash in it. Attaching with another size, which
// Python ignores, is refused.
func TestPythonInvalidCreation(t *testing.T) {
	for _, size := range []int{0, -1} {
		_, err := shm.SegmentConfig{Size: size}.Create("py.bad")
		wantErr(t, err, fs.ErrInvalid)
	}
	_, err := shm.OpenSegment("py.missing")
	wantErr(t, err, fs.ErrNotExist, "py.missing")
	for _, name := range []string{"", "a\x00b", "a/b", ".."} {
		_, err := shm.SegmentConfig{Size: 1}.Create(name)
		wantErr(t, err, fs.ErrInvalid)
		_, err = shm.OpenSegment(name)
		wantErr(t, err, fs.ErrInvalid)
	}
	s, err := shm.SegmentConfig{Size: 100}.Create("py.size")
	keep(t, s, err)
	_, err = shm.SegmentConfig{Size: 50}.Open("py.size")
	var m *shm.MismatchError
	if !errors.As(err, &m) || m.What != "size" {
		t.Error(err)
	}
}

// A terabyte "succeeds" in Python, and is a SIGBUS when it is used, as is anything in a small /dev/shm. Here there is an error at once.
func TestPythonNotReserved(t *testing.T) {
	_, err := shm.SegmentConfig{Size: 1 << 39}.Create("py.terabyte")
	wantErr(t, err, syscall.ENOSPC, "asked for", "free")
	_, err = shm.OpenSegment("py.terabyte")
	wantErr(t, err, fs.ErrNotExist)
}

// Where there is no /dev/shm (AWS Lambda) every Lock and Queue of Python fails. Here what has no name needs none, and a name can be
// anywhere else.
func TestPythonNoDevShm(t *testing.T) {
	elsewhere := t.TempDir()
	t.Setenv("SHMKIT_DIR", filepath.Join(elsewhere, "nowhere"))
	s, err := shm.NewSegment(100)
	keep(t, s, err)
	s.Bytes()[99] = 1
	_, err = shm.SegmentConfig{Size: 100}.Create("py.nowhere")
	wantErr(t, err, fs.ErrNotExist, "nowhere")
}

// test_shared_memory_across_processes, and its pickling: by text, to the same memory.
func TestPythonAcrossProcesses(t *testing.T) {
	for _, name := range []string{"", "py.across"} {
		create := shm.SegmentConfig{Size: 100}.New
		if name != "" {
			create = func() (*shm.Segment, error) { return shm.SegmentConfig{Size: 100}.Create(name) }
		}
		s, err := create()
		keep(t, s, err)
		copy(s.Bytes(), "hello")
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		p := proctest.Start(t, "python peer", string(text))
		p.Expect("hello")
		if string(s.Bytes()[10:15]) != "world" {
			t.Errorf("%q", s.Bytes())
		}
		p.Kill() // the last to leave destroys what others still name, in Python: its tracker. Here nobody's end does
		if string(s.Bytes()[10:15]) != "world" {
			t.Error("the memory went with a user of it")
		}
		if name != "" {
			again, err := shm.OpenSegment(name)
			keep(t, again, err)
		}
	}
}

// test_shared_memory_pickle_unpickle_dead_object: the text of what was unlinked is fs.ErrNotExist; that of a name that somebody else has
// by now, which Python would open, is refused by the id.
func TestPythonDeadObject(t *testing.T) {
	s, err := shm.SegmentConfig{Size: 100}.Create("py.dead")
	keep(t, s, err)
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unlink(); err != nil {
		t.Fatal(err)
	}
	var w shm.Segment
	wantErr(t, (&shm.Segment{}).UnmarshalText(append([]byte("/nowhere"), text...)), fs.ErrNotExist)
	if s.Close(); !errors.Is(w.UnmarshalText(text), fs.ErrNotExist) {
		t.Errorf("%v", w.UnmarshalText(text))
	}
	other, err := shm.SegmentConfig{Size: 100}.Create("py.dead")
	keep(t, other, err)
	var m *shm.MismatchError
	if err := w.UnmarshalText(text); !errors.As(err, &m) {
		t.Errorf("another object of that name: %v", err)
	}
}

// test_shared_memory_recreate; unlink once, a second is fs.ErrNotExist; who has it keeps it.
func TestPythonRecreate(t *testing.T) {
	s, err := shm.SegmentConfig{Size: 100}.Create("py.again")
	keep(t, s, err)
	s.Bytes()[0] = 1
	if err := s.Unlink(); err != nil {
		t.Error(err)
	}
	wantErr(t, shm.Unlink("py.again"), fs.ErrNotExist)
	n, err := shm.SegmentConfig{Size: 100}.Create("py.again")
	keep(t, n, err)
	if n.Bytes()[0] != 0 || s.Bytes()[0] != 1 {
		t.Errorf("%d and %d", n.Bytes()[0], s.Bytes()[0])
	}
}

// close is idempotent, and buf is None afterwards; live views are a BufferError, and noise from destructors. Here the second Close says
// that it is one, Bytes is nil, and no view keeps it from closing.
func TestPythonClose(t *testing.T) {
	s, err := shm.NewSegment(100)
	keep(t, s, err)
	view := s.Bytes()
	view[0] = 1
	if err := s.Close(); err != nil || s.Bytes() != nil {
		t.Errorf("%v, %d bytes", err, len(s.Bytes()))
	}
	wantErr(t, s.Close(), os.ErrClosed)
}

// test_shared_memory_cleaned_after_process_termination: what has no name is gone with its last user, killed or not.
func TestPythonCleanedAfterTermination(t *testing.T) {
	p := proctest.Start(t, "python owner")
	text := p.Recv()
	var s shm.Segment
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	wantErr(t, s.UnmarshalText([]byte(text)), fs.ErrNotExist)
}

var _ = proctest.Register("python owner", func([]string) int {
	s, err := shm.NewSegment(100)
	if err != nil {
		return 1
	}
	text, err := s.MarshalText()
	if err != nil {
		return 1
	}
	proctest.Say(string(text))
	proctest.Hear()
	return 0
})

// RawValue and RawArray: zeroed or initialised, no lock, and another process changes them in place; a bad type code is refused, here by
// the field's path.
func TestPythonRawValue(t *testing.T) {
	v, err := shm.Config[[3]int32]{Init: func(p *[3]int32) { p[1] = 2 }}.New()
	keep(t, v, err)
	if *v.Ptr() != [3]int32{0, 2, 0} {
		t.Error(*v.Ptr())
	}
	text, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	p := proctest.Start(t, "python raw", string(text))
	p.Expect("done")
	if *v.Ptr() != [3]int32{7, 2, 0} {
		t.Error(*v.Ptr())
	}
	if _, err := shm.New[struct{ S []int }](); err == nil || !strings.Contains(err.Error(), "S") {
		t.Error(err)
	}
}

var _ = proctest.Register("python raw", func(args []string) int {
	v := new(shm.Var[[3]int32])
	if v.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	v.Ptr()[0] = 7
	proctest.Say("done")
	return 0
})
