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
	Payload []byte   // a copy of its beginning
	Living  []uint32 // ids of the processes that have it open
}

// printer prints what only one kind has: a line is a name, a tab and a value.
type printer func(w io.Writer, o Object)

// printers are by kind. A kind that has none is shown as bytes.
var printers = map[abi.Kind]printer{
	abi.KindSPSC: printSPSC,
	abi.KindMPMC: printMPMC,
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
	o := Object{Header: v.Header(), Format: v.Format()}
	if o.Living, err = v.Living(); err != nil {
		return err
	}
	if err := v.Read(func(p []byte) { o.Payload = slices.Clone(p[:min(len(p), most)]) }); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printHeader(tw, name, o)
	printUsers(tw, o)
	if p := printers[o.Header.Kind]; p != nil {
		p(tw, o)
	} else {
		printBytes(tw, o)
	}
	return tw.Flush()
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

// printUsers says who has the object open: by the id that lock words name
// them with, and by pid as far as the system lets us see.
func printUsers(w io.Writer, o Object) {
	if len(o.Living) == 0 {
		line(w, "in use", "no")
		return
	}
	ids := make([]string, len(o.Living))
	for i, id := range o.Living {
		ids[i] = fmt.Sprintf("%08x", id)
	}
	line(w, "in use", fmt.Sprintf("by %d processes: %s", len(ids), strings.Join(ids, " ")))
}

// printBytes prints the beginning of a payload that nothing more is known of.
func printBytes(w io.Writer, o Object) {
	const row, rows = 16, 4
	for i := 0; i < min(len(o.Payload), row*rows); i += row {
		line(w, fmt.Sprintf("bytes %d", i), fmt.Sprintf("% x", o.Payload[i:min(i+row, len(o.Payload))]))
	}
}

// holder says who is named by a word that holds an id, and whether he lives:
// a dead one's claim is taken over by whoever comes next.
func (o Object) holder(id uint32) string {
	switch {
	case id == 0:
		return "nobody"
	case slices.Contains(o.Living, id):
		return fmt.Sprintf("%08x, alive", id)
	}
	return fmt.Sprintf("%08x, dead", id)
}

func line(w io.Writer, name string, value any) { fmt.Fprintf(w, "%s\t%v\n", name, value) }
