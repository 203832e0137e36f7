package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shmkit/shmkit/internal/abi"
)

// Plain data as JSON: a number, a list of them, an object by field. What JSON has no number for (NaN, the
// infinities) is a string, a complex number is a list of two.

// appendJSON appends what the bytes b are, of the type it. b is long enough.
func appendJSON(out []byte, it *abi.Item, b []byte) []byte {
	return appendDims(out, it, it.Dims, it.Count, b)
}

// appendDims appends an array, from its outermost dimension on.
func appendDims(out []byte, it *abi.Item, dims string, count uint64, b []byte) []byte {
	if dims == "" {
		return appendOne(out, it, b)
	}
	first, rest, _ := strings.Cut(dims[1:], "]")
	n, err := strconv.ParseUint(first, 10, 64)
	if err != nil || n == 0 {
		return append(out, "[]"...)
	}
	part := count / n
	out = append(out, '[')
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendDims(out, it, rest, part, b[i*part*it.Size:])
	}
	return append(out, ']')
}

func appendOne(out []byte, it *abi.Item, b []byte) []byte {
	switch x := number(it.Kind, b).(type) {
	case nil:
	case float32:
		return appendFloat(out, float64(x), 32)
	case float64:
		return appendFloat(out, x, 64)
	case complex64:
		return append(appendFloat(append(appendFloat(append(out, '['), float64(real(x)), 32), ','), float64(imag(x)), 32), ']')
	case complex128:
		return append(appendFloat(append(appendFloat(append(out, '['), real(x), 64), ','), imag(x), 64), ']')
	default:
		return fmt.Append(out, x)
	}
	out = append(out, '{')
	for i := range it.Members {
		m := &it.Members[i]
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(m.Name)
		out = append(append(out, name...), ':')
		out = appendJSON(out, m, b[m.Off:])
	}
	return append(out, '}')
}

func appendFloat(out []byte, x float64, bits int) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return strconv.AppendQuote(out, strconv.FormatFloat(x, 'g', -1, bits))
	}
	return strconv.AppendFloat(out, x, 'g', -1, bits)
}

// number is what the first bytes of b are; nil for a struct.
func number(kind string, b []byte) any {
	o := binary.NativeEndian
	switch kind {
	case "bool":
		return b[0] != 0
	case "int8":
		return int8(b[0])
	case "uint8":
		return b[0]
	case "int16":
		return int16(o.Uint16(b))
	case "uint16":
		return o.Uint16(b)
	case "int32":
		return int32(o.Uint32(b))
	case "uint32":
		return o.Uint32(b)
	case "int64":
		return int64(o.Uint64(b))
	case "uint64":
		return o.Uint64(b)
	case "float32":
		return math.Float32frombits(o.Uint32(b))
	case "float64":
		return math.Float64frombits(o.Uint64(b))
	case "complex64":
		return complex(math.Float32frombits(o.Uint32(b)), math.Float32frombits(o.Uint32(b[4:])))
	case "complex128":
		return complex(math.Float64frombits(o.Uint64(b)), math.Float64frombits(o.Uint64(b[8:])))
	}
	return nil
}

// textOf is the text in bytes, up to the first NUL, if there is one that people can read.
func textOf(b []byte) (string, bool) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	s := string(b)
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return "", false
	}
	return s, true
}

// fill makes b, of the type it, what JSON says. What JSON does not speak of stays. A text is good for an array of bytes.
func fill(it *abi.Item, b []byte, text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil || d.More() {
		return fmt.Errorf("%q is not one JSON value (a number, true, \"text\", [list] or {\"field\": value})", text)
	}
	return fillDims(it, it.Name, it.Dims, it.Count, b, x)
}

func fillDims(it *abi.Item, path, dims string, count uint64, b []byte, x any) error {
	if dims == "" {
		return fillOne(it, path, b, x)
	}
	if s, ok := x.(string); ok && it.Kind == "uint8" && strings.Count(dims, "[") == 1 {
		if uint64(len(s)) > count {
			return fmt.Errorf("%stext of %d bytes, for %d", at(path), len(s), count)
		}
		clear(b[copy(b, s):count])
		return nil
	}
	first, rest, _ := strings.Cut(dims[1:], "]")
	n, _ := strconv.Atoi(first)
	list, ok := x.([]any)
	if !ok || len(list) != n {
		return fmt.Errorf("%sa list of %d is needed, not %v", at(path), n, x)
	}
	part := count / uint64(n)
	for i, x := range list {
		if err := fillDims(it, fmt.Sprintf("%s[%d]", path, i), rest, part, b[uint64(i)*part*it.Size:], x); err != nil {
			return err
		}
	}
	return nil
}

func at(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

func fillOne(it *abi.Item, path string, b []byte, x any) error {
	if it.Kind == "struct" {
		fields, ok := x.(map[string]any)
		if !ok {
			return fmt.Errorf("%san object of fields is needed, not %v", at(path), x)
		}
		for i := range it.Members {
			m := &it.Members[i]
			v, named := fields[m.Name]
			delete(fields, m.Name)
			if named {
				if err := fillDims(m, strings.TrimPrefix(path+"."+m.Name, "."), m.Dims, m.Count, b[m.Off:], v); err != nil {
					return err
				}
			}
		}
		for name := range fields {
			return fmt.Errorf("%sthere is no field %q", at(path), name)
		}
		return nil
	}
	return fillNumber(it, path, b, fmt.Sprint(x))
}

func fillNumber(it *abi.Item, path string, b []byte, s string) (err error) {
	o, bits := binary.NativeEndian, int(it.Size*8)
	var w uint64
	switch kind := it.Kind; {
	case kind == "bool":
		var t bool
		if t, err = strconv.ParseBool(s); t {
			w = 1
		}
	case strings.HasPrefix(kind, "int"):
		var i int64
		i, err = strconv.ParseInt(s, 10, bits)
		w = uint64(i)
	case strings.HasPrefix(kind, "uint"):
		w, err = strconv.ParseUint(s, 10, bits)
	case kind == "float32":
		var f float64
		f, err = strconv.ParseFloat(s, 32)
		w = uint64(math.Float32bits(float32(f)))
	case kind == "float64":
		var f float64
		f, err = strconv.ParseFloat(s, 64)
		w = math.Float64bits(f)
	default:
		return fmt.Errorf("%sa %s cannot be set", at(path), kind)
	}
	if err != nil {
		return fmt.Errorf("%s%q is no %s, or is out of its range", at(path), s, it.Kind)
	}
	switch it.Size {
	case 1:
		b[0] = byte(w)
	case 2:
		o.PutUint16(b, uint16(w))
	case 4:
		o.PutUint32(b, uint32(w))
	case 8:
		o.PutUint64(b, w)
	}
	return nil
}
