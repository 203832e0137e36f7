package process

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/shmkit/shmkit/internal/codec"
)

// What a child inherits:
//
//	call   a file of its own: length (8 bytes, little endian), header (CBOR), length, argument
//	life   a pipe that nothing is ever written to, and that ends with the parent
//	up     a pipe: saysReady, then nothing while the function runs
//	       saysRefused, a text, the end
//	       after saysReady: length, report (CBOR), the end
//	       at any time: what the Go runtime writes when it crashes, the end
//
// The texts of a crash begin with a letter, so with a large length: that tells the two apart.
const (
	saysReady   = 1
	saysRefused = 2
)

// header is what a child learns about itself.
type header struct {
	Func      string
	Name      string
	ID        []int // numbers of the name Process-1:2
	Parent    string
	ParentPID int
	Nice      int
	Detached  bool
	Log       string // handle of the ring that takes log records, or empty
}

func (p *Process) message(k *call) ([]byte, error) {
	log, err := logText(p.Detached)
	if err != nil {
		return nil, fmt.Errorf("a ring for its log records: %w", err)
	}
	h, err := codec.CBOR.Append(nil, header{
		Func: k.name, Name: p.Name, ID: p.id, Nice: p.Nice, Detached: p.Detached,
		Parent: Current().Name, ParentPID: os.Getpid(), Log: log,
	})
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 16+len(h)+len(k.arg))
	b = append(binary.LittleEndian.AppendUint64(b, uint64(len(h))), h...)
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(k.arg))), k.arg...), nil
}

// readHeader and a readPart for the argument are message's other side.
func readHeader(r io.Reader) (h header, err error) {
	b, err := readPart(r)
	if err != nil {
		return h, err
	}
	return h, codec.CBOR.Decode(b, &h)
}

// readPart believes no length: memory grows with what has come.
func readPart(r io.Reader) ([]byte, error) {
	var n [8]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	want := int64(binary.LittleEndian.Uint64(n[:]))
	if want < 0 {
		return nil, fmt.Errorf("a part of %d bytes", uint64(want))
	}
	var b bytes.Buffer
	b.Grow(int(min(want, 1<<20)))
	got, err := io.Copy(&b, io.LimitReader(r, want))
	if err == nil && got < want {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}

// report is what a child says about its failure.
type report struct {
	Msg   string
	Stack []byte
}

// What is longer is cut off. maxReport is what the parent reads: more than a report can be, and enough of a
// crash.
const (
	maxText   = 64 << 10
	maxReport = 4 * maxText
)

func (r report) encode() []byte {
	r.Msg, r.Stack = r.Msg[:min(len(r.Msg), maxText)], r.Stack[:min(len(r.Stack), maxText)]
	b, err := codec.CBOR.Append(make([]byte, 8), r)
	if err != nil {
		return nil // the exit code has to do
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b
}

func parseReport(b []byte) (r report) {
	if len(b) >= 8 {
		n := binary.LittleEndian.Uint64(b)
		if n <= uint64(len(b)-8) && codec.CBOR.Decode(b[8:8+n], &r) == nil {
			b = b[8+n:] // another goroutine may have crashed meanwhile
		}
	}
	if len(b) > 0 {
		r = parseCrash(string(b))
	}
	return r
}

// parseCrash takes apart what the runtime writes. It indents the lines of a panic's text behind the first; and of a
// fatal error it gives the stacks only, its text goes to standard error alone.
func parseCrash(s string) report {
	s = strings.TrimLeft(s, "\n")
	msg, stack, found := strings.Cut(s, "\n\ngoroutine ")
	if rest, bare := strings.CutPrefix(s, "goroutine "); bare {
		msg, stack, found = "", rest, true
	}
	if found {
		stack = "goroutine " + stack
	}
	if msg = strings.ReplaceAll(strings.TrimSpace(msg), "\n\t", "\n"); msg == "" {
		msg = "fatal error: its text is on the child's standard error"
	}
	return report{msg[:min(len(msg), maxText)], []byte(stack[:min(len(stack), maxText)])}
}
