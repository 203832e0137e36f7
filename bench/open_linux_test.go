package bench

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// BenchmarkNew makes an unnamed object and closes it.
func BenchmarkNew(b *testing.B) {
	b.Run("Var", func(b *testing.B) {
		for b.Loop() {
			v, err := shm.New[uint64]()
			must(b, err)
			must(b, v.Close())
		}
	})
	b.Run("SPSC", func(b *testing.B) {
		for b.Loop() {
			r, err := ringbuf.NewSPSC[uint64](ringCap)
			must(b, err)
			must(b, r.Close())
		}
	})
}

// BenchmarkOpen opens what has a name and closes it, beside a plain file.
func BenchmarkOpen(b *testing.B) {
	b.Run("Var", func(b *testing.B) {
		v, err := shm.OpenOrCreate[uint64]("bench.open")
		must(b, err)
		must(b, v.Close())
		for b.Loop() {
			v, err := shm.Open[uint64]("bench.open")
			must(b, err)
			must(b, v.Close())
		}
		must(b, shm.Unlink("bench.open"))
	})
	b.Run("file", func(b *testing.B) {
		name := filepath.Join(b.TempDir(), "file")
		must(b, os.WriteFile(name, make([]byte, 8), 0o600))
		for b.Loop() {
			f, err := os.Open(name)
			must(b, err)
			must(b, f.Close())
		}
	})
}

// The yardsticks that the command needs are carried along.
func TestPeers(t *testing.T) {
	for pattern, want := range map[string]int{"peers/*.cc": 11, "peers/*.hpp": 3, "peers/*.py": 1} {
		names, err := fs.Glob(Peers, pattern)
		must(t, err)
		if len(names) < want {
			t.Errorf("%s carries %s, want at least %d", pattern, strings.Join(names, " "), want)
		}
	}
}
