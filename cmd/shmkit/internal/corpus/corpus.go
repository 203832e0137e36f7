// Package corpus finds something to send and cuts it into messages.
package corpus

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// LongestLine is where a longer line is cut: a message is at most this long.
const LongestLine = 64 << 10

// Corpus is some files, read one after the other as if they were one.
type Corpus struct {
	Name  string // go-source, executable or files
	Files []string
	Piece int   // length of a message; 0: a message is a line
	Size  int64 // of all files
}

// Sum is what must arrive on the far side: so many messages, and bytes with
// this SHA-256, which for whole files is that of `cat FILES | sha256sum`.
type Sum struct {
	Messages int64
	Bytes    int64
	SHA256   string
}

// ErrUnfit says that there are files, but none that could be sent.
var ErrUnfit = errors.New("nothing to send")

// Of takes the given files. Each must be a regular file: what can be read only
// once cannot be sent to several rivals.
func Of(files []string) (*Corpus, error) {
	c := &Corpus{Name: "files", Files: files}
	for _, f := range files {
		i, err := os.Stat(f)
		if err != nil {
			return nil, err
		}
		if !i.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: %w: it is not a regular file; copy what it holds into one", f, ErrUnfit)
		}
		c.Size += i.Size()
	}
	if c.Size == 0 {
		return nil, fmt.Errorf("%w: the files are empty", ErrUnfit)
	}
	return c, nil
}

// Default takes about limit bytes of the Go source tree of this machine or, if
// it has none, of this program in pieces of 1 KiB.
func Default(ctx context.Context, limit int64) (*Corpus, error) {
	if root := goRoot(ctx); root != "" {
		if c := goSource(filepath.Join(root, "src"), limit); c.Size > 0 {
			return c, nil
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c, err := Of([]string{exe})
	if err != nil {
		return nil, err
	}
	c.Name, c.Piece = "executable", 1<<10
	return c, nil
}

// goRoot asks the go command, if there is one.
func goRoot(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// goSource collects Go files below dir until they have limit bytes. What cannot
// be read is left out.
func goSource(dir string, limit int64) *Corpus {
	c := &Corpus{Name: "go-source"}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".go" {
			return nil
		}
		if i, err := d.Info(); err == nil && i.Size() > 0 {
			c.Files = append(c.Files, path)
			c.Size += i.Size()
		}
		if c.Size >= limit {
			return fs.SkipAll
		}
		return nil
	})
	return c
}

// Sum reads the corpus once.
func (c *Corpus) Sum() (Sum, error) {
	r := c.Open()
	defer r.Close()
	t := NewTally()
	for m := NewCutter(r, c.Piece); ; {
		b, err := m.Next()
		if err == io.EOF {
			return t.Sum(), nil
		}
		if err != nil {
			return Sum{}, err
		}
		t.Add(b)
	}
}

// Cutter cuts what it reads into messages.
type Cutter struct {
	r     *bufio.Reader
	piece []byte
}

// NewCutter cuts r into pieces of that length or, if it is 0, into lines. Each
// line keeps its end.
func NewCutter(r io.Reader, piece int) *Cutter {
	return &Cutter{bufio.NewReaderSize(r, LongestLine), make([]byte, piece)}
}

// Next returns a message, which is good until the next call, or io.EOF after
// the last one. The last one may have no end of line, or be short.
func (c *Cutter) Next() ([]byte, error) {
	var b []byte
	var err error
	if n := len(c.piece); n > 0 {
		n, err = io.ReadFull(c.r, c.piece)
		b = c.piece[:n]
	} else {
		b, err = c.r.ReadSlice('\n')
	}
	if len(b) > 0 && (err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, bufio.ErrBufferFull)) {
		err = nil
	}
	return b, err
}

// Tally sums up messages.
type Tally struct {
	sum Sum
	buf bytes.Buffer
	h   interface {
		io.Writer
		Sum([]byte) []byte
	}
}

// NewTally starts a sum.
func NewTally() *Tally { return &Tally{h: sha256.New()} }

// Add adds a message. Short ones are gathered, for a hash is slow to begin.
func (t *Tally) Add(b []byte) {
	t.sum.Messages++
	t.sum.Bytes += int64(len(b))
	if t.buf.Write(b); t.buf.Len() >= LongestLine {
		t.buf.WriteTo(t.h)
	}
}

// Sum ends it.
func (t *Tally) Sum() Sum {
	t.buf.WriteTo(t.h)
	s := t.sum
	s.SHA256 = hex.EncodeToString(t.h.Sum(nil))
	return s
}
