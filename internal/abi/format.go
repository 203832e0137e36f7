package abi

import (
	"errors"
	"strconv"
	"strings"
)

// field is one number, or array of numbers, of a format string; arrays of structs have an entry of
// their own before their members'.
type field struct {
	path string // "Hits", "Inner.X", "Rows[].Key"; empty for a type that is one number
	kind string // "int64", "[4]float32", "[3]struct"; empty: there is no such field
	off  uint64
}

// shape is a format string taken apart.
type shape struct {
	fields []field
	size   uint64
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
)

var errFormat = errors.New("format string cannot be parsed")

// letters are codes from the other side.
var letters = map[string]struct {
	kind string
	size uint64
}{
	"?": {"bool", 1}, "b": {"int8", 1}, "B": {"uint8", 1}, "h": {"int16", 2}, "H": {"uint16", 2},
	"i": {"int32", 4}, "I": {"uint32", 4}, "q": {"int64", 8}, "Q": {"uint64", 8},
	"f": {"float32", 4}, "d": {"float64", 8}, "Zf": {"complex64", 8}, "Zd": {"complex128", 16},
}

// parse takes apart what appendFormat puts together, and nothing else of PEP 3118.
func parse(s string) (*shape, error) {
	p := parser{rest: s}
	if len(s) > MaxFormat || !p.eat("<") {
		return nil, errFormat
	}
	size, ok := p.item(0, 0)
	if !ok || p.rest != "" {
		return nil, errFormat
	}
	return &shape{p.fields, size}, nil
}

type parser struct {
	rest   string
	fields []field
	paths  int // bytes of paths made, bounded: nesting must not square the work
}

func (p *parser) eat(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

// until returns what comes before the delimiter and steps over both.
func (p *parser) until(delim string) (s string, ok bool) {
	s, p.rest, ok = strings.Cut(p.rest, delim)
	return s, ok
}

// item parses one type. Its name comes after it, so what it holds is named by the caller.
func (p *parser) item(off uint64, depth int) (size uint64, ok bool) {
	if depth > maxDepth {
		return 0, false
	}
	dims, n, ok := p.dims()
	if !ok {
		return 0, false
	}
	if p.eat("T{") {
		first := len(p.fields)
		if dims != "" {
			p.fields = append(p.fields, field{"", dims + "struct", off})
			first++
		}
		size, ok = p.members(off, depth+1)
		if dims != "" && ok {
			ok = p.rename(first, "[]")
		}
	} else {
		size, ok = p.number(dims, off)
	}
	if !ok || size != 0 && n > maxSpan/size {
		return 0, false
	}
	return n * size, true
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

func (p *parser) number(dims string, off uint64) (size uint64, ok bool) {
	n := 1
	if strings.HasPrefix(p.rest, "Z") {
		n = 2
	}
	if len(p.rest) < n {
		return 0, false
	}
	l, ok := letters[p.rest[:n]]
	p.rest = p.rest[n:]
	p.fields = append(p.fields, field{"", dims + l.kind, off})
	return l.size, ok
}

// members parses up to the closing brace and returns the struct's size.
func (p *parser) members(off uint64, depth int) (size uint64, ok bool) {
	for !p.eat("}") {
		pad, n := p.pad()
		if pad {
			size += n
		} else {
			first := len(p.fields)
			n, ok := p.item(off+size, depth)
			name, named := p.until(":")
			if !ok || name != "" || !named {
				return 0, false
			}
			if name, named = p.until(":"); !named || !p.rename(first, name) {
				return 0, false
			}
			size += n
		}
		if size > maxSpan {
			return 0, false
		}
	}
	return size, true
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

// rename puts a member's name before the paths of all that it holds.
func (p *parser) rename(first int, name string) bool {
	for i := range p.fields[first:] {
		f := &p.fields[first+i]
		switch {
		case f.path == "":
			f.path = name
		case strings.HasPrefix(f.path, "["):
			f.path = name + f.path
		default:
			f.path = name + "." + f.path
		}
		if p.paths += len(f.path); p.paths > 1<<22 {
			return false
		}
	}
	return true
}
