package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a file of that text.
func write(t *testing.T, text string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func messages(t *testing.T, text string, piece int) (out []string) {
	t.Helper()
	for c := NewCutter(strings.NewReader(text), piece); ; {
		b, err := c.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
}

func TestCutter(t *testing.T) {
	long := strings.Repeat("x", LongestLine)
	for what, c := range map[string]struct {
		text  string
		piece int
		want  []string
	}{
		"nothing":            {"", 0, nil},
		"lines":              {"a\nbc\n\n", 0, []string{"a\n", "bc\n", "\n"}},
		"an unfinished line": {"a\nb", 0, []string{"a\n", "b"}},
		"a long line":        {"a\n" + long + "yz\nb\n", 0, []string{"a\n", long, "yz\n", "b\n"}},
		"one just too long":  {long + "\n", 0, []string{long, "\n"}},
		"pieces":             {"abcdef", 3, []string{"abc", "def"}},
		"a short piece":      {"abcd\n", 3, []string{"abc", "d\n"}},
	} {
		if d := cmp.Diff(c.want, messages(t, c.text, c.piece)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

// A far side that reads the bytes of a channel cuts them where the near side
// did: the messages of a long line are the same.
func TestCutterAgreesWithItself(t *testing.T) {
	text := strings.Repeat("y", 3*LongestLine+5) + "\nshort\n" + strings.Repeat("z", LongestLine)
	first := messages(t, text, 0)
	if d := cmp.Diff(first, messages(t, strings.Join(first, ""), 0)); d != "" {
		t.Error(d)
	}
}

func TestSum(t *testing.T) {
	a, b := write(t, "one\ntwo\n"), write(t, strings.Repeat("three\n", 30000))
	c, err := Of([]string{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Sum()
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.Join([][]byte{[]byte("one\ntwo\n"), bytes.Repeat([]byte("three\n"), 30000), []byte("one\ntwo\n")}, nil)
	h := sha256.Sum256(all)
	want := Sum{Messages: 30004, Bytes: int64(len(all)), SHA256: hex.EncodeToString(h[:])}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if c.Size != want.Bytes {
		t.Errorf("Size is %d, want %d", c.Size, want.Bytes)
	}
}

func TestSumOfWhatGoesAway(t *testing.T) {
	a := write(t, "x")
	c, err := Of([]string{a})
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(a)
	if _, err := c.Sum(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}

func TestOfRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Of([]string{filepath.Join(dir, "no")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for what, f := range map[string]string{"a directory": dir, "an empty file": write(t, "")} {
		if _, err := Of([]string{f}); !errors.Is(err, ErrUnfit) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDefaultWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c, err := Default(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "executable" || c.Piece != 1024 || c.Size == 0 {
		t.Errorf("without Go it takes %+v", c)
	}
	sum, err := c.Sum()
	if err != nil || sum.Messages != (c.Size+1023)/1024 {
		t.Errorf("%d bytes are %d pieces, %v", c.Size, sum.Messages, err)
	}
}

func TestGoSource(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.go", "b.txt", "c/d.go", "c/e.go"} {
		p := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(p), 0o700)
		if err := os.WriteFile(p, bytes.Repeat([]byte("x\n"), 50), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c := goSource(dir, 1<<20); len(c.Files) != 3 || c.Size != 300 {
		t.Errorf("three files of 100 bytes are %d, %d bytes", len(c.Files), c.Size)
	}
	if c := goSource(dir, 150); len(c.Files) != 2 {
		t.Errorf("for 150 bytes it takes %d files, want 2", len(c.Files))
	}
	if c := goSource(filepath.Join(dir, "nowhere"), 1); c.Size != 0 {
		t.Errorf("there is nothing, and it found %d bytes", c.Size)
	}
}

func TestReaderClosesHalfway(t *testing.T) {
	c, err := Of([]string{write(t, "abc"), write(t, "def")})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Open()
	if _, err := r.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
