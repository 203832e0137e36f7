package segment

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// plain is the kind of object that these tests make: n bytes.
func plain(n uint64) Spec {
	return Spec{
		Kind:       abi.KindSegment,
		Shape:      [4]uint64{n},
		ShapeNames: [4]string{"size"},
		Size: func(shape [4]uint64) int64 {
			if shape[0] > abi.MaxSize {
				return -1
			}
			return int64(shape[0])
		},
	}
}

// typed is one T, as shm.Var has it.
func typed(t abi.Type) Spec {
	return Spec{Kind: abi.KindVar, Type: t, Size: func([4]uint64) int64 { return int64(t.Size) }}
}

func directory(t testing.TB) string {
	t.Helper()
	dir, err := new(Mem).directory()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// must returns s and closes it at the end of the test, unless the test has; and unlinks it.
func must(t testing.TB, s *Segment, err error) *Segment {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.path != "" {
			os.Remove(s.path)
		}
		if err := s.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func mustCreate(t testing.TB, name string, spec Spec) *Segment {
	t.Helper()
	s, err := Create(name, spec, Mem{})
	return must(t, s, err)
}

func path(t testing.TB, name string) string { return filepath.Join(directory(t), name) }

func fds(t testing.TB) int {
	t.Helper()
	e, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(e)
}

// wantErr checks that err is want and that its text has all the words: what was wrong, with what, and what to do.
func wantErr(t testing.TB, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want one that is %v", err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

func wantMismatch(t testing.TB, err error, what, have, want string) {
	t.Helper()
	var m *abi.MismatchError
	if !errors.As(err, &m) {
		t.Errorf("got %v, want a mismatch of %s", err, what)
		return
	}
	if m.What != what || m.Have != have || m.Want != want {
		t.Errorf("got %s: %s, %s; want %s: %s, %s", m.What, m.Have, m.Want, what, have, want)
	}
}

func word(b []byte) uint64       { return binary.NativeEndian.Uint64(b) }
func putWord(b []byte, x uint64) { binary.NativeEndian.PutUint64(b, x) }
