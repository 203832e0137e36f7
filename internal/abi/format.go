package abi

import (
	"errors"
	"strconv"
	"strings"
)

// Item is one type of a format string: the outermost, or a member of a struct.
type Item struct {
	Name    string // of the member; empty for the outermost
	Kind    string // "int64"; "struct"; for an array that of its elements
	Dims    string // of an array, as Go writes them: "[3][4]"; else empty
	Count   uint64 // elements: the product of the dimensions, 1 without
	Off     uint64 // in bytes, from the beginning of the struct that it is a member of
	Size    uint64 // of one element in bytes
	Members []Item // of a struct, without its padding
}

// field is one number, or array of numbers, of a format string; arrays of structs have an entry of
// their own before their members'.
type field struct {
	path string // "Hits", "Inner.X", "Rows[].Key"; empty for a type that is one number
	kind string // "int64", "[4]float32", "[3]struct"; empty: there is no such field
	off  uint64
}

// shape is a format string taken apart into a list.
type shape struct {
	fields []field
	size   uint64
	paths  int // bytes of paths made
}

func (s *shape) at(i int) (f field) {
	if i < len(s.fields) {
		f = s.fields[i]
	}
	return f
}

// Bounds of what is taken apart. A Go type of this toolkit cannot exceed them: its string would be too
// long.
const (
	maxDepth = 64
	maxSpan  = 1 << 41
	maxPaths = 1 << 22 // bytes of all paths of a list: nesting must not square the work
)

var errFormat = errors.New("format string cannot be parsed")

// letter is a code from the other side.
type letter struct {
	code, kind string
	size       uint64
}

var letters = [...]letter{ // no map: that would be made in every process
	{"?", "bool", 1}, {"b", "int8", 1}, {"B", "uint8", 1}, {"h", "int16", 2}, {"H", "uint16", 2},
	{"i", "int32", 4}, {"I", "uint32", 4}, {"q", "int64", 8}, {"Q", "uint64", 8},
	{"f", "float32", 4}, {"d", "float64", 8}, {"Zf", "complex64", 8}, {"Zd", "complex128", 16},
}

func letterOf(code string) (l letter, ok bool) {
	for _, l := range letters {
		if l.code == code {
			return l, true
		}
	}
	return l, false
}

// Parse takes apart what a Type's Format is, and nothing else of PEP 3118. The string may be a stranger's:
// the work is linear in its length. Names are what the string says; they may hold anything but a colon.
func Parse(s string) (*Item, error) {
	p := parser{rest: s}
	if len(s) > MaxFormat || !p.eat("<") {
		return nil, errFormat
	}
	it, ok := p.item(0)
	if !ok || p.rest != "" {
		return nil, errFormat
	}
	return &it, nil
}

// parse makes a list of what Parse finds.
func parse(s string) (*shape, error) {
	it, err := Parse(s)
	if err != nil {
		return nil, err
	}
	list := &shape{size: it.Count * it.Size}
	if !list.add(it, "", 0) {
		return nil, errFormat
	}
	return list, nil
}

// add appends an item and what it holds; it reports false when the paths become too long together.
func (s *shape) add(it *Item, path string, off uint64) bool {
	if s.paths += len(path); s.paths > maxPaths {
		return false
	}
	if it.Kind != "struct" || it.Dims != "" {
		s.fields = append(s.fields, field{path, it.Dims + it.Kind, off})
	}
	if it.Dims != "" {
		path += "[]"
	}
	if path != "" {
		path += "."
	}
	for i := range it.Members {
		m := &it.Members[i]
		if !s.add(m, path+m.Name, off+m.Off) {
			return false
		}
	}
	return true
}

type parser struct{ rest string }

func (p *parser) eat(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

// until returns what comes before the delimiter and steps over both.
func (p *parser) until(delim string) (s string, ok bool) {
	s, p.rest, ok = strings.Cut(p.rest, delim)
	return s, ok
}

// item parses one type. Its name comes after it, so the caller sees to that, and to where it lies.
func (p *parser) item(depth int) (it Item, ok bool) {
	if depth > maxDepth {
		return it, false
	}
	if it.Dims, it.Count, ok = p.dims(); !ok {
		return it, false
	}
	if p.eat("T{") {
		it.Kind = "struct"
		it.Members, it.Size, ok = p.members(depth + 1)
	} else {
		it.Kind, it.Size, ok = p.number()
	}
	if !ok || it.Size != 0 && it.Count > maxSpan/it.Size {
		return it, false
	}
	return it, true
}

// dims parses "(3,4)", if it is there, and returns it as Go writes it, with the product.
func (p *parser) dims() (text string, n uint64, ok bool) {
	if !p.eat("(") {
		return "", 1, true
	}
	list, ok := p.until(")")
	if !ok || len(list) > clipped {
		return "", 0, false
	}
	n = 1
	for d := range strings.SplitSeq(list, ",") {
		x, err := strconv.ParseUint(d, 10, 40)
		if err != nil || x != 0 && n > maxSpan/x {
			return "", 0, false
		}
		n *= x
	}
	return "[" + strings.ReplaceAll(list, ",", "][") + "]", n, true
}

func (p *parser) number() (kind string, size uint64, ok bool) {
	n := 1
	if strings.HasPrefix(p.rest, "Z") {
		n = 2
	}
	if len(p.rest) < n {
		return "", 0, false
	}
	l, ok := letterOf(p.rest[:n])
	p.rest = p.rest[n:]
	return l.kind, l.size, ok
}

// members parses up to the closing brace and returns the struct's size.
func (p *parser) members(depth int) (list []Item, size uint64, ok bool) {
	for !p.eat("}") {
		if pad, n := p.pad(); pad {
			size += n
		} else {
			m, ok := p.item(depth)
			if !ok || !p.eat(":") {
				return nil, 0, false
			}
			if m.Name, ok = p.until(":"); !ok {
				return nil, 0, false
			}
			m.Off = size
			list = append(list, m)
			size += m.Count * m.Size
		}
		if size > maxSpan {
			return nil, 0, false
		}
	}
	return list, size, true
}

// pad parses "x" or "12x".
func (p *parser) pad() (ok bool, n uint64) {
	digits := 0
	for digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9' {
		digits++
	}
	if digits == len(p.rest) || p.rest[digits] != 'x' {
		return false, 0
	}
	n, err := strconv.ParseUint("0"+p.rest[:digits], 10, 41)
	p.rest = p.rest[digits+1:]
	if digits == 0 {
		n = 1
	}
	return err == nil, n
}
