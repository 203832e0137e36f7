package shm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/shm"
)

// reader is a stranger's program: it knows docs/layout.md and nothing else.
const reader = `
import mmap, struct, sys
f = open(sys.argv[1], "r+b")
m = mmap.mmap(f.fileno(), 0)
(magic, order, version, features, kind, flen, id, off, size, esize, align, s0, s1, s2, s3, codec) = struct.unpack_from("=8sIIQII16sQQQQ4Q16s128x", m)
print(magic, hex(order), version, features, kind, id.hex(), off, size, esize, align, s0, len(m))
print(m[256:256+flen].decode())
print(*struct.unpack_from("=qi4x2d", m, off))
struct.pack_into("=q", m, off, 43)
`

func TestPythonReadsTheLayout(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no Python here to read the file with: ", err)
	}
	type data struct {
		N int64
		M int32
		F [2]float64
	}
	v, err := shm.OpenOrCreate[data]("for.python")
	keep(t, v, err)
	*v.Ptr() = data{42, -1, [2]float64{0.5, 2}}
	text, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(string(text), "#")
	out, err := exec.Command(python, "-c", reader, filepath.Join(os.Getenv("SHMKIT_DIR"), "for.python")).CombinedOutput()
	want := "b'SHMKIT\\r\\n' 0x1020304 1 0 2 " + id + " 4096 32 32 8 0 8192\n<T{q:N:i:M:4x(2)d:F:}\n42 -1 0.5 2.0\n"
	if err != nil || string(out) != want {
		t.Errorf("%v, got\n%s, want\n%s", err, out, want)
	}
	if v.Ptr().N != 43 {
		t.Errorf("what Python wrote is %d", v.Ptr().N)
	}
}
