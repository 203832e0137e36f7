// Package inspect tells a person what state a shared object is in. It reads
// the object's memory without taking part: it claims nothing, waits for
// nobody, and what it says may be over when it is read.
package inspect

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// Object is what is known of an object when a printer is called.
type Object struct {
	Header  abi.Header
	Format  string
	Payload []byte // a copy of its beginning
	Users   *users
	read    func(off, n uint64) []byte // copies more of the payload; nil: there is no more
	inPlace func(func(payload []byte)) error
}

// bytes copies a part of the payload; nil if it is not all there.
func (o Object) bytes(off, n uint64) []byte {
	switch {
	case n > most:
		return nil
	case off <= uint64(len(o.Payload)) && n <= uint64(len(o.Payload))-off:
		return o.Payload[off : off+n]
	case o.read == nil:
		return nil
	}
	return o.read(off, n)
}

// printer prints what only one kind has: a line is a name, a tab and a value.
type printer func(w io.Writer, o Object)

// printers are by kind. A kind that has none is shown as bytes.
var printers = map[abi.Kind]printer{
	abi.KindSPSC:      printSPSC,
	abi.KindMPMC:      printMPMC,
	abi.KindBroadcast: printBroadcast,
	abi.KindVar:       printVar,
	abi.KindValue:     printValue,
	abi.KindArray:     printArray,
	abi.KindBounded:   printBounded,
	abi.KindQueue:     printQueue, abi.KindSimpleQueue: printQueue, abi.KindJoinableQueue: printQueue,
	abi.KindListener: printListener,
}

// most is how much of a payload a printer sees.
const most = 64 << 10

// Show prints a named object.
func Show(w io.Writer, name string) error {
	v, err := segment.Inspect(name, segment.Mem{})
	if err != nil {
		return err
	}
	defer v.Close()
	o := Object{Header: v.Header(), Format: v.Format(), inPlace: v.Read}
	if o.Users, err = usersOf(v); err != nil {
		return err
	}
	if err := v.Read(func(p []byte) { o.Payload = slices.Clone(p[:min(len(p), most)]) }); err != nil {
		return err
	}
	o.read = func(off, n uint64) (b []byte) {
		_ = v.Read(func(p []byte) { // an error leaves nil, or the part that was there
			if off <= uint64(len(p)) && n <= uint64(len(p))-off {
				b = slices.Clone(p[off : off+n])
			}
		})
		return b
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printHeader(tw, name, o)
	o.Users.print(tw)
	if p := printers[o.Header.Kind]; p != nil {
		p(tw, o)
	} else {
		printBytes(tw, o)
	}
	return tw.Flush()
}

// usersOf asks the kernel who has the object open, and /proc which processes they are.
func usersOf(v *segment.View) (*users, error) {
	living, err := v.Living()
	if err != nil {
		return nil, err
	}
	u := &users{living: living, fresh: func() []uint32 { ids, _ := v.Living(); return ids }}
	u.processes, u.hidden = processesOf(v.File())
	return u, nil
}

// printHeader prints what every object has.
func printHeader(w io.Writer, name string, o Object) {
	h := o.Header
	line(w, "name", name)
	line(w, "kind", h.Kind)
	if o.Format != "" {
		line(w, "type", o.Format)
		line(w, "element", fmt.Sprintf("%d bytes, aligned to %d", h.ElemSize, h.ElemAlign))
	}
	if codec := strings.TrimRight(string(h.Codec[:]), "\x00"); codec != "" {
		line(w, "codec", codec)
	}
	line(w, "size", fmt.Sprintf("%d bytes", h.Size))
	line(w, "id", hex.EncodeToString(h.ID[:]))
	line(w, "layout version", h.Version)
}

// printBytes prints the beginning of a payload that nothing more is known of.
func printBytes(w io.Writer, o Object) {
	const row, rows = 16, 4
	for i := 0; i < min(len(o.Payload), row*rows); i += row {
		line(w, fmt.Sprintf("bytes %d", i), fmt.Sprintf("% x", o.Payload[i:min(i+row, len(o.Payload))]))
	}
}

func line(w io.Writer, name string, value any) { fmt.Fprintf(w, "%s\t%v\n", name, value) }
