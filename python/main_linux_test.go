package python_test

import (
	"context"
	"encoding"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// snake becomes the Python program of these tests.
var _ = proctest.Register("python", func(args []string) int {
	err := syscall.Exec(args[0], args, environ())
	fmt.Fprintln(os.Stderr, "exec:", err)
	return 127
})

// environ is with this folder before what else Python is to find (a numpy, perhaps).
func environ() []string {
	return append(os.Environ(), "PYTHONPATH=.:"+os.Getenv("PYTHONPATH"), "PYTHONDONTWRITEBYTECODE=1")
}

// interpreter is one that has libatomic within reach, or why there is none.
var interpreter = sync.OnceValues(func() (path, absent string) {
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", "there is no python3 on this machine"
	}
	cmd := exec.Command(path, "-c", "import shmkit; shmkit._need_atomics()")
	cmd.Env = environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Sprintf("python3 cannot take part here: %v\n%s", err, out)
	}
	return path, ""
})

func needPython(t testing.TB) string {
	t.Helper()
	path, absent := interpreter()
	if absent != "" {
		t.Skip(absent)
	}
	return path
}

func start(t testing.TB, args ...string) *proctest.Proc {
	t.Helper()
	return proctest.Start(t, "python", append([]string{needPython(t), "testdata/peer.py"}, args...)...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, h encoding.TextMarshaler) string {
	t.Helper()
	b, err := h.MarshalText()
	must(t, err)
	return string(b)
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// digest is FNV-1a over the length and the first eight bytes of each message, as a number of 64 bits each.
type digest struct{ n, h uint64 }

func newDigest() *digest { return &digest{h: 0xcbf29ce484222325} }

func (d *digest) add(m []byte) {
	var b [8]byte
	copy(b[:], m)
	for _, x := range []uint64{uint64(len(m)), binary.LittleEndian.Uint64(b[:])} {
		d.h = (d.h ^ x) * 0x100000001b3
	}
	d.n++
}

func (d *digest) String() string { return fmt.Sprintf("%d %016x", d.n, d.h) }

// message is message i of those that either side writes.
func message(i uint64) []byte {
	m := make([]byte, i*7919%300)
	for k := range min(len(m), 8) {
		m[k] = byte(i) + byte(k)
	}
	return m
}
