package abi

import (
	"fmt"
	"reflect"
	"strconv"
)

// Type describes the element type of an object to every language. The zero Type means that there is
// none.
type Type struct {
	// Format is the type in the notation of Python's buffer protocol (PEP 3118), with "<" for standard
	// sizes, every padding byte written as x, and the names of fields: "<T{q:Hits:?:On:7x}". Blank fields
	// are padding, fields of no size are left out.
	Format string
	Size   uint64 // in bytes
	Align  uint64 // in bytes, a power of two
}

// typeOf describes a type that Shareable has passed.
func typeOf(t reflect.Type) (Type, error) {
	switch {
	case t.Size() == 0:
		return Type{}, fmt.Errorf("shm: %s has no bytes: there is nothing to share; give it a field", name(t))
	case uint64(t.Size()) > MaxSize:
		return Type{}, fmt.Errorf("shm: %s has %d bytes, more than the %d that a segment can hold", name(t), t.Size(), uint64(MaxSize))
	}
	format := string(appendFormat([]byte{'<'}, t))
	if len(format) > MaxFormat {
		return Type{}, fmt.Errorf("shm: %s has too many fields: its description takes %d bytes of at most %d; split it", name(t), len(format), MaxFormat)
	}
	return Type{Format: format, Size: uint64(t.Size()), Align: uint64(t.Align())}, nil
}

// codes are the letters of the types that are one number. int and uint are as wide as this machine's.
var codes = [...]string{
	reflect.Bool: "?", reflect.Int8: "b", reflect.Uint8: "B", reflect.Int16: "h", reflect.Uint16: "H",
	reflect.Int32: "i", reflect.Uint32: "I", reflect.Int64: "q", reflect.Uint64: "Q",
	reflect.Float32: "f", reflect.Float64: "d", reflect.Complex64: "Zf", reflect.Complex128: "Zd",
	reflect.Int: wide("q", "i"), reflect.Uint: wide("Q", "I"), reflect.Uintptr: wide("Q", "I"),
}

func wide(on64, on32 string) string {
	if strconv.IntSize == 64 {
		return on64
	}
	return on32
}

func appendFormat(b []byte, t reflect.Type) []byte {
	switch t.Kind() {
	case reflect.Struct:
		return appendStruct(b, t)
	case reflect.Array:
		b = append(b, '(')
		for ; t.Kind() == reflect.Array; t = t.Elem() {
			if b[len(b)-1] != '(' {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(t.Len()), 10)
		}
		return appendFormat(append(b, ')'), t)
	default:
		return append(b, codes[t.Kind()]...)
	}
}

func appendStruct(b []byte, t reflect.Type) []byte {
	b = append(b, "T{"...)
	var end uintptr // of what has been described
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Size() == 0 || f.Name == "_" {
			continue
		}
		b = appendPad(b, f.Offset-end)
		b = appendFormat(b, f.Type)
		b = append(append(append(b, ':'), f.Name...), ':')
		end = f.Offset + f.Type.Size()
	}
	return append(appendPad(b, t.Size()-end), '}')
}

func appendPad(b []byte, n uintptr) []byte {
	if n > 1 {
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	if n > 0 {
		b = append(b, 'x')
	}
	return b
}
