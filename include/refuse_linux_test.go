package include_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// file is a copy of a valid named object that a test spoils; refused starts a C process that attaches it.
func file(t *testing.T, spoil func(b []byte) []byte) string {
	t.Helper()
	v, err := shm.Config[pair]{}.Create("good")
	must(t, err)
	path := filepath.Join(os.Getenv("SHMKIT_DIR"), "good")
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, v.Unlink())
	must(t, v.Close())
	bad := filepath.Join(os.Getenv("SHMKIT_DIR"), "bad")
	must(t, os.WriteFile(bad, spoil(b), 0o600))
	t.Cleanup(func() { os.Remove(bad) })
	return "bad"
}

func put32(b []byte, at int, x uint32) { binary.NativeEndian.PutUint32(b[at:], x) }
func put64(b []byte, at int, x uint64) { binary.NativeEndian.PutUint64(b[at:], x) }

// Every refusal has its own code, and a text.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		code, text string
		spoil      func(b []byte)
		cut        int
	}{
		{"OK", "", func(b []byte) {}, 0},
		{"OK", "", func(b []byte) { b[200] = 1 }, 0}, // reserved
		{"FOREIGN", "does not begin", func(b []byte) { b[0]++ }, 0},
		{"ORDER", "byte order", func(b []byte) { put32(b, 8, 0x04030201) }, 0},
		{"CORRUPT", "order mark", func(b []byte) { put32(b, 8, 7) }, 0},
		{"VERSION", "version 2, this program 1", func(b []byte) { put32(b, 12, 2) }, 0},
		{"FEATURES", "0x8", func(b []byte) { put64(b, 16, 8) }, 0},
		{"CORRUPT", "kind", func(b []byte) { put32(b, 24, 0) }, 0},
		{"CORRUPT", "format length", func(b []byte) { put32(b, 28, abi.MaxFormat+1) }, 0},
		{"CORRUPT", "payload offset", func(b []byte) { put64(b, 48, 8192) }, 0},
		{"CORRUPT", "payload size", func(b []byte) { put64(b, 56, 0) }, 0},
		{"CORRUPT", "payload size", func(b []byte) { put64(b, 56, 1<<40) }, 0},
		{"CORRUPT", "element size", func(b []byte) { put64(b, 64, 1<<30) }, 0},
		{"CORRUPT", "element alignment", func(b []byte) { put64(b, 72, 3) }, 0},
		{"CORRUPT", "element alignment", func(b []byte) { put64(b, 72, 0) }, 0},
		{"CORRUPT", "codec", func(b []byte) { b[112] = 7 }, 0},
		{"CORRUPT", "format string", func(b []byte) { b[257] = 27 }, 0},
		{"TRUNCATED", "bytes of", func(b []byte) {}, 8191},
		{"TRUNCATED", "inside the header", func(b []byte) {}, 255},
		{"FOREIGN", "does not begin", func(b []byte) {}, 7},
		{"FOREIGN", "does not begin", func(b []byte) { clear(b) }, 0},
	} {
		name := file(t, func(b []byte) []byte {
			c.spoil(b)
			if c.cut != 0 {
				b = b[:c.cut]
			}
			return b
		})
		verdict(t, name, c.code, c.text)
	}
}

// verdict expects what attaching name in a C process ends with.
func verdict(t *testing.T, name, code, text string) {
	t.Helper()
	c := start(t, "attach", name)
	line := c.Recv()
	c.Wait()
	got, rest := line, ""
	if after, ok := strings.CutPrefix(line, "attach: "); ok {
		got, rest, _ = strings.Cut(after, ": ")
	}
	if got != code || !strings.Contains(rest, text) {
		t.Errorf("%q: %q; want %s with %q", name, line, code, text)
	}
}

func TestNamesRefused(t *testing.T) {
	const id = "#0123456789abcdef0123456789abcdef"
	dir := os.Getenv("SHMKIT_DIR")
	must(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	must(t, os.Symlink("elsewhere", filepath.Join(dir, "link")))
	t.Cleanup(func() { os.Remove(filepath.Join(dir, "folder")); os.Remove(filepath.Join(dir, "link")) })
	for name, code := range map[string]string{
		"": "INVALID", ".": "INVALID", "..": "INVALID", "a/b": "INVALID", strings.Repeat("x", 256): "INVALID",
		"nobody": "NOT_FOUND", "folder": "FOREIGN", "link": "FOREIGN",
		"x" + id: "INVALID", "/x/../y" + id: "INVALID", "//x" + id: "INVALID", "/" + id: "INVALID", "/a#b": "INVALID",
		"/a" + strings.ToUpper(id): "INVALID", "/proc/self/fd/3" + id: "INVALID", "/proc/1/fd/03" + id: "INVALID", "/proc/0/fd/1" + id: "INVALID",
		"/proc/1/fd/1/x" + id: "INVALID", "/nowhere/x" + id: "NOT_FOUND",
		fmt.Sprintf("/proc/%d/fd/0%s", os.Getpid(), id): "FOREIGN", fmt.Sprintf("/proc/%d/fd/99999%s", os.Getpid(), id): "NOT_FOUND",
	} {
		verdict(t, name, code, "")
	}
	v, _ := newPair(t)
	good := text(t, v)
	verdict(t, good, "OK", "")
	verdict(t, good[:len(good)-32]+id[1:], "ID", "another object")
}

// A ring whose header says what no ring can be, or another one.
func TestShapesRefused(t *testing.T) {
	for at, x := range map[int]uint64{80: 0, 88: 2048, 96: 2, 104: 1, 64: 8} {
		r, err := ringbuf.SPSCConfig[item]{Cap: 1000}.Create("good")
		must(t, err)
		path := filepath.Join(os.Getenv("SHMKIT_DIR"), "good")
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], x)
		_, err = f.WriteAt(b[:], int64(at))
		must(t, err)
		f.Close()
		c := start(t, "get", "good")
		if line := c.Recv(); !strings.HasPrefix(line, "consumer: CORRUPT") && !strings.HasPrefix(line, "consumer: FORMAT") {
			t.Errorf("%d at %d: %s", x, at, line)
		}
		c.Wait()
		must(t, r.Unlink())
		must(t, r.Close())
	}
	r := newRing[item](t, 8)
	c := start(t, "hold", text(t, r))
	if line := c.Recv(); !strings.HasPrefix(line, "var: KIND") {
		t.Error(line)
	}
	c.Wait()
}

// Whatever lies in a ring of messages, a C reader ends with a result, and touches nothing else: a fault would be its death.
func TestHostileMessages(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		r, err := ringbuf.SPSCConfig[[]byte]{Cap: 64}.Create("good")
		must(t, err)
		path := filepath.Join(os.Getenv("SHMKIT_DIR"), "good")
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		b := make([]byte, 128)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		words := []uint64{0, 1, 48, 56, 57, 64, 120, 1<<32 - 1, 1 << 32, 1 << 63, ^uint64(0)}
		for i := 0; i < 128; i += 8 {
			put64(b, i, words[rnd.IntN(len(words))])
		}
		_, err = f.WriteAt(b, 4096+896)
		must(t, err)
		tail := uint64(1<<64-4096) + 8*uint64(rnd.IntN(17))
		if round%5 == 4 {
			tail = rnd.Uint64()
		}
		binary.NativeEndian.PutUint64(b, tail)
		_, err = f.WriteAt(b[:8], 4096)
		must(t, err)
		binary.NativeEndian.PutUint64(b, 1)
		_, err = f.WriteAt(b[:4], 4096+648) // shut: no read waits
		must(t, err)
		f.Close()
		c := start(t, "read", "good")
		line := c.Recv()
		if line == "ready" {
			line = c.Recv()
		}
		if code := c.Wait(); code != 0 && code != 1 {
			t.Errorf("round %d: exit code %d after %q", round, code, line)
		}
		must(t, r.Unlink())
		must(t, r.Close())
	}
}
