package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// attempts is how often a reader that must not lock anything lets writers come in between.
const attempts = 1000

var errRestless = errors.New("it is being changed all the time, or somebody has died changing it; try again, or open it by a program")

// valueOf is the bytes of a value as they were at one moment. p is its payload, in place: the shape, a stranger's, is
// checked against its length.
func valueOf(h *abi.Header, p []byte) ([]byte, error) {
	size := h.ElemSize
	if uint64(len(p)) < 256 {
		return nil, errShape
	}
	if h.Shape[abi.ValueForm] == abi.FormWord {
		if size > abi.WordSize {
			return nil, errShape
		}
		return word(loadWord(p, 0))[:size], nil
	}
	n, stride := h.Shape[abi.ValueCopies], h.Shape[abi.ValueStride]
	if n < 2 || n > abi.MaxCopies || stride < size || stride > uint64(len(p)) || 256+n*stride > uint64(len(p)) {
		return nil, errShape
	}
	for range attempts {
		v := loadWord(p, 0)
		at := 256 + v%n*stride
		b := load(p[at : at+size])
		if loadWord(p, 0)-v < n-1 {
			return b, nil
		}
	}
	return nil, errRestless
}

var errShape = errors.New("its shape does not fit its size")

// elementsOf is the bytes of an array's elements at one moment.
func elementsOf(h *abi.Header, p []byte) ([]byte, error) {
	n, stripes, off := h.Shape[abi.ArrayLen], h.Shape[abi.ArrayStripes], h.Shape[abi.ArrayOffset]
	if h.ElemSize == 0 || n > abi.MaxSize/h.ElemSize || stripes > abi.MaxStripes || off < stripes*256 || off > uint64(len(p)) || n*h.ElemSize > uint64(len(p))-off {
		return nil, errShape
	}
	versions := func() (sum, odd uint64) {
		for j := range stripes {
			v := loadWord(p, 256*j)
			sum, odd = sum+v, odd|v&1
		}
		return sum, odd
	}
	for range attempts {
		before, odd := versions()
		if odd != 0 {
			continue
		}
		b := load(p[off : off+n*h.ElemSize])
		if behind, _ := versions(); behind == before {
			return b, nil
		}
	}
	return nil, errRestless
}

// printValue prints a value, whole, and who updates it.
func printValue(w io.Writer, o Object) {
	if v := overlay[abi.Value](o.Payload); v != nil {
		if id := v.Mutex >> 3; id != 0 {
			line(w, "updated by", o.Users.holder(id))
		}
		if v.Changed&1 != 0 {
			line(w, "waited for", "yes, or a waiter was killed")
		}
	}
	o.printPlain(w, "value", valueOf, 1)
}

// printArray prints the beginning of an array, and who holds its stripes.
func printArray(w io.Writer, o Object) {
	h := &o.Header
	line(w, "length", h.Shape[abi.ArrayLen])
	line(w, "stripes", fmt.Sprintf("%d, of %d elements", h.Shape[abi.ArrayStripes], h.Shape[abi.ArrayBlock]))
	for j := range min(h.Shape[abi.ArrayStripes], abi.MaxStripes) {
		s := overlay[abi.Stripe](o.bytes(256*j, 256))
		if s == nil {
			break
		}
		if id := s.Mutex >> 3; id != 0 {
			line(w, fmt.Sprintf("stripe %d held by", j), o.Users.holder(id))
		}
		if s.State != 0 {
			line(w, fmt.Sprintf("stripe %d", j), fmt.Sprintf("bytes %d to %d are being written, up to %d are done", s.From, s.To, s.Done))
		}
	}
	o.printPlain(w, "element", elementsOf, 32)
}

// printPlain prints up to most elements: by field, as text where it is one, else as numbers; and as bytes what has no type.
func (o Object) printPlain(w io.Writer, what string, of func(*abi.Header, []byte) ([]byte, error), most uint64) {
	b, err := o.whole(of)
	if err != nil {
		line(w, what, err)
		return
	}
	it, err := abi.Parse(o.Format)
	if err != nil || it.Size*it.Count != o.Header.ElemSize {
		line(w, what, fmt.Sprintf("% x", b[:min(len(b), 64)]))
		return
	}
	if s, ok := textOf(b); ok && it.Kind == "uint8" && (it.Dims != "" || what == "element") {
		line(w, "text", fmt.Sprintf("%q", s))
	}
	size := o.Header.ElemSize
	for i := range min(most, uint64(len(b))/size) {
		name := what
		if what == "element" {
			name = fmt.Sprintf("%s %d", what, i)
		}
		printItem(w, name, it, b[i*size:])
	}
	if n := uint64(len(b)) / size; n > most {
		line(w, "…", fmt.Sprintf("%d more: shmkit dump", n-most))
	}
}

// printItem prints a struct by field, anything else as one line.
func printItem(w io.Writer, name string, it *abi.Item, b []byte) {
	if it.Kind != "struct" || it.Dims != "" {
		text := appendJSON(nil, it, b)
		if s, ok := textOf(b[:it.Size*it.Count]); ok && it.Kind == "uint8" && it.Dims != "" {
			text = fmt.Appendf(nil, "%q", s)
		}
		if len(text) > 200 {
			text = append(text[:200], "…"...)
		}
		line(w, name, string(text))
		return
	}
	for i := range it.Members {
		m := &it.Members[i]
		printItem(w, name+"."+m.Name, m, b[m.Off:])
	}
}

// whole is all of the data of a value or array.
func (o Object) whole(of func(*abi.Header, []byte) ([]byte, error)) (b []byte, err error) {
	if o.inPlace == nil {
		return nil, errShape
	}
	if gone := o.inPlace(func(p []byte) { b, err = of(&o.Header, p) }); gone != nil {
		return nil, gone
	}
	return b, err
}

// Dump prints what is in a value, an array or a var as JSON: {"name", "kind", "type", "value"}, for an array a list.
func Dump(w io.Writer, name string) error {
	v, err := segment.Inspect(name, segment.Mem{})
	if err != nil {
		return err
	}
	defer v.Close()
	h := v.Header()
	of, ok := map[abi.Kind]func(*abi.Header, []byte) ([]byte, error){
		abi.KindValue: valueOf, abi.KindArray: elementsOf,
		abi.KindVar: func(_ *abi.Header, p []byte) ([]byte, error) { return slices.Clone(p), nil },
	}[h.Kind]
	if !ok {
		return fmt.Errorf("dump %q: it is a %v; what can be dumped is a value, an array or a var", name, h.Kind)
	}
	o := Object{Header: h, Format: v.Format(), inPlace: v.Read}
	b, err := o.whole(of)
	if err != nil {
		return fmt.Errorf("dump %q: %w", name, err)
	}
	it, err := abi.Parse(o.Format)
	if err != nil || it.Size*it.Count != h.ElemSize || h.ElemSize == 0 {
		return fmt.Errorf("dump %q: the description of its type, %q, does not fit: %w", name, o.Format, abi.ErrCorrupt)
	}
	label, _ := json.Marshal(name)
	format, _ := json.Marshal(o.Format)
	out := fmt.Appendf(nil, `{"name":%s,"kind":%q,"type":%s,"value":`, label, h.Kind, format)
	var list []string
	for ; uint64(len(b)) >= h.ElemSize; b = b[h.ElemSize:] {
		list = append(list, string(appendJSON(nil, it, b)))
	}
	data := strings.Join(list, ",")
	if h.Kind == abi.KindArray {
		data = "[" + data + "]"
	}
	_, err = fmt.Fprintf(w, "%s%s}\n", out, data)
	return err
}

// Set changes a value to what JSON says. Fields of a struct that it does not name stay as they are.
func Set(name, text string) error {
	v, err := segment.Inspect(name, segment.Mem{})
	if err != nil {
		return err
	}
	h, format := v.Header(), v.Format()
	if err := v.Close(); err != nil {
		return err
	}
	if h.Kind != abi.KindValue {
		return fmt.Errorf("set %q: it is a %v; only a value can be set", name, h.Kind)
	}
	it, err := abi.Parse(format)
	if err != nil || it.Size*it.Count != h.ElemSize || h.ElemSize == 0 {
		return fmt.Errorf("set %q: the description of its type, %q, does not fit: %w", name, format, abi.ErrCorrupt)
	}
	if err := setValue(name, h, format, func(b []byte) error { return fill(it, b, text) }); err != nil {
		return fmt.Errorf("set %q: %w", name, err)
	}
	return nil
}
