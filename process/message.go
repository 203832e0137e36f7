package process

import (
	"bytes"
	"encoding/binary"
	"errors"
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
//	up     a socket: saysReady, then nothing while the function runs
//	       saysRefused, a text, the end
//	       after saysReady: length, report (CBOR), the end
//	       at any time: what the Go runtime writes when it crashes, the end
//
// and on up, in the other direction, asksToEnd. The texts of a crash begin with a letter, so with a large length: that tells the two apart.
const (
	saysReady   = 1
	saysRefused = 2
	asksToEnd   = 3
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
	h := header{
		Func: k.name, Name: p.Name, ID: p.id, Nice: p.Nice, Detached: p.Detached,
		Parent: Current().Name, ParentPID: os.Getpid(), Log: log,
	}.encode()
	b := make([]byte, 0, 16+len(h)+len(k.arg))
	b = append(binary.LittleEndian.AppendUint64(b, uint64(len(h))), h...)
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(k.arg))), k.arg...), nil
}

// encode writes texts with their length in front and numbers as varints. It is not CBOR because that would be a
// tenth of what an empty child costs, most of it pages of code that it needs for nothing else.
func (h header) encode() (b []byte) {
	for _, s := range []string{h.Func, h.Name, h.Parent, h.Log} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendVarint(binary.AppendVarint(b, int64(h.ParentPID)), int64(h.Nice))
	b = append(b, 0)
	if h.Detached {
		b[len(b)-1] = 1
	}
	for _, n := range h.ID {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// readHeader and a readPart for the argument are message's other side.
func readHeader(r io.Reader) (h header, err error) {
	b, err := readPart(r)
	if err != nil {
		return h, err
	}
	in := bytes.NewReader(b)
	for _, s := range []*string{&h.Func, &h.Name, &h.Parent, &h.Log} {
		n, err := binary.ReadUvarint(in)
		if err != nil || n > uint64(in.Len()) {
			return h, errHeader
		}
		t := make([]byte, n)
		_, _ = in.Read(t)
		*s = string(t)
	}
	for _, n := range []*int{&h.ParentPID, &h.Nice} {
		x, err := binary.ReadVarint(in)
		if err != nil {
			return h, errHeader
		}
		*n = int(x)
	}
	detached, err := in.ReadByte()
	h.Detached = detached == 1
	for err == nil && in.Len() > 0 {
		var n uint64
		n, err = binary.ReadUvarint(in)
		h.ID = append(h.ID, int(n))
	}
	return h, err
}

var errHeader = errors.New("the call that it inherited is not whole")

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
