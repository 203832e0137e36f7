package inspect

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/shmkit/shmkit/internal/abi"
)

// primitive is one object of package sem, somewhere in a T. What its fields are called and where they lie the
// format string says.
type primitive struct {
	item *abi.Item
	b    []byte // a copy of its bytes
	who  *users
}

// state is what is said of a primitive.
type state struct {
	text  string
	more  []string // lines below it
	quiet bool     // nobody has it, waits for it or has left a trace in it
}

// known are the primitives, by their fields. The first is named after the type.
var known = map[string]struct {
	name string
	show func(primitive) state
}{
	"mutex uint32":                                    {"mutex", showMutex},
	"rmutex struct, depth uint32":                     {"rmutex", showRMutex},
	"semaphore uint32, watchers struct":               {"semaphore", showWatchedTokens},
	"rwmutex struct, drain struct, readers [8]struct": {"rwmutex", showRWMutex},
	"bounded uint32, free struct, permits [64]uint64": {"bounded semaphore", showPermits},
	"event uint32":                                    {"event", showEvent},
	"cond uint32":                                     {"cond", showCond},
	"once uint32":                                     {"once", showOnce},
	"barrier uint64, parties uint32, room struct, places [64]uint64": {"barrier", showBarrier},
	"waitgroup uint64, over struct, room struct, inside [64]uint64":  {"waitgroup", showWaitGroup},
}

// fieldsOf is the key of known; empty for what is not a struct.
func fieldsOf(it *abi.Item) string {
	var fields []string
	for _, m := range it.Members {
		fields = append(fields, m.Name+" "+m.Dims+m.Kind)
	}
	return strings.Join(fields, ", ")
}

// Bounds of what is shown of one object.
const (
	mostLooked = 1 << 16 // primitives
	mostShown  = 256
)

// walk finds the primitives in a T.
type walk struct {
	w      io.Writer
	o      Object
	has    map[*abi.Item]bool // memory of holds
	looked int
	shown  int
	quiet  int // primitives in arrays that nothing is said of
	cut    bool
}

// printVar prints one T: the primitives in it, by their paths, and its first bytes.
func printVar(w io.Writer, o Object) {
	if it, err := abi.Parse(o.Format); err == nil {
		v := &walk{w: w, o: o, has: map[*abi.Item]bool{}}
		v.visit(it, "", 0, false)
		if v.quiet > 0 {
			line(w, "others in arrays", fmt.Sprintf("%d, at rest", v.quiet))
		}
		if v.cut {
			line(w, "not shown", "there are more than these")
		}
	}
	printBytes(w, o)
}

// holds reports whether there is a primitive in an item.
func (v *walk) holds(it *abi.Item) bool {
	has, ok := v.has[it]
	if !ok {
		_, has = known[fieldsOf(it)]
		for i := 0; i < len(it.Members) && !has; i++ {
			has = v.holds(&it.Members[i])
		}
		v.has[it] = has
	}
	return has
}

// visit looks at an item, each element of an array by itself.
func (v *walk) visit(it *abi.Item, path string, off uint64, inArray bool) {
	if !v.holds(it) {
		return
	}
	for i := range it.Count {
		at := path
		if it.Dims != "" {
			at += index(it.Dims, i)
		}
		v.element(it, at, off+i*it.Size, inArray || it.Dims != "")
		if v.cut {
			return
		}
	}
}

func (v *walk) element(it *abi.Item, path string, off uint64, inArray bool) {
	if k, ok := known[fieldsOf(it)]; ok {
		if v.looked++; v.looked > mostLooked || v.shown == mostShown {
			v.cut = true
			return
		}
		b := v.o.bytes(off, it.Size)
		if b == nil {
			line(v.w, path, k.name+": beyond the end of the object")
			v.cut = true
			return
		}
		v.print(path, off, k.name, k.show(primitive{it, b, v.o.Users}), inArray)
		return
	}
	if path != "" {
		path += "."
	}
	for i := range it.Members {
		m := &it.Members[i]
		v.visit(m, path+m.Name, off+m.Off, inArray)
	}
}

func (v *walk) print(path string, off uint64, kind string, s state, inArray bool) {
	if inArray && s.quiet {
		v.quiet++
		return
	}
	v.shown++
	if path == "" || path[0] == '[' {
		path = "T" + path
	}
	line(v.w, path, fmt.Sprintf("%s at %d: %s", kind, off, s.text))
	for _, l := range s.more {
		line(v.w, "", "  "+l)
	}
}

// index is how Go writes the i'th element of an array of those dimensions.
func index(dims string, i uint64) (text string) {
	ns := strings.Split(strings.Trim(dims, "[]"), "][")
	for k := len(ns) - 1; k >= 0; k-- {
		n, err := strconv.ParseUint(ns[k], 10, 64)
		if err != nil || n == 0 {
			return dims
		}
		text = fmt.Sprintf("[%d]", i%n) + text
		i /= n
	}
	return text
}

// field is one of a primitive's, by the names on the way to it. It is there: the names are those of known,
// but for what lies deeper.
func (p primitive) field(path ...string) (it *abi.Item, off uint64) {
	it = p.item
	for _, name := range path {
		var next *abi.Item
		for i := range it.Members {
			if it.Members[i].Name == name {
				next = &it.Members[i]
			}
		}
		if next == nil {
			return nil, 0
		}
		it, off = next, off+next.Off
	}
	return it, off
}

// word is a field of 32 bits; 0 if it is not there.
func (p primitive) word(path ...string) uint32 {
	it, off := p.field(path...)
	if it == nil || it.Size != 4 || off+4 > uint64(len(p.b)) {
		return 0
	}
	return binary.NativeEndian.Uint32(p.b[off:])
}

// words are the 64 bits at the beginning of each element of a field.
func (p primitive) words(path ...string) (all []uint64) {
	it, off := p.field(path...)
	if it == nil || it.Size < 8 {
		return nil
	}
	for range it.Count {
		if off+8 > uint64(len(p.b)) {
			break
		}
		all = append(all, binary.NativeEndian.Uint64(p.b[off:]))
		off += it.Size
	}
	return all
}
