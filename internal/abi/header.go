package abi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Offsets of the header's fields; assert_unsafe.go holds them against the struct.
const (
	offMagic   = 0
	offOrder   = 8
	offVersion = 12
	offFeat    = 16
	offKind    = 24
	offFormat  = 28
	offID      = 32
	offOffset  = 48
	offSize    = 56
	offElem    = 64
	offAlign   = 72
	offShape   = 80
	offCodec   = 112
)

var native = binary.NativeEndian

// Region returns the size of the header region for a format string of n bytes.
func Region(n int) int { return (HeaderSize + n + PageSize - 1) &^ (PageSize - 1) }

// NewHeader returns a header with everything in it that does not depend on the object.
func NewHeader(kind Kind, t Type) Header {
	h := Header{Order: Order, Version: Version, Features: Features, Kind: kind,
		FormatLen: uint32(len(t.Format)), Offset: uint64(Region(len(t.Format))), ElemSize: t.Size, ElemAlign: t.Align}
	copy(h.Magic[:], Magic)
	return h
}

// Encode writes h and the format string to the beginning of b, which is zeroed and h.Offset long.
func (h *Header) Encode(b []byte, format string) {
	copy(b[offMagic:], h.Magic[:])
	native.PutUint32(b[offOrder:], h.Order)
	native.PutUint32(b[offVersion:], h.Version)
	native.PutUint64(b[offFeat:], h.Features)
	native.PutUint32(b[offKind:], uint32(h.Kind))
	native.PutUint32(b[offFormat:], h.FormatLen)
	copy(b[offID:], h.ID[:])
	native.PutUint64(b[offOffset:], h.Offset)
	native.PutUint64(b[offSize:], h.Size)
	native.PutUint64(b[offElem:], h.ElemSize)
	native.PutUint64(b[offAlign:], h.ElemAlign)
	for i, x := range h.Shape {
		native.PutUint64(b[offShape+8*i:], x)
	}
	copy(b[offCodec:], h.Codec[:])
	copy(b[HeaderSize:], format)
}

// CodecName returns the codec's name without its padding.
func (h *Header) CodecName() string {
	name, _, _ := bytes.Cut(h.Codec[:], []byte{0})
	return string(name)
}

// Need returns how many bytes Decode wants to see, given the first PageSize of a file (or all of a
// shorter one). The answer is between HeaderSize and MaxHeader whatever b holds.
func Need(b []byte) int {
	if len(b) < HeaderSize {
		return HeaderSize
	}
	return HeaderSize + int(min(native.Uint32(b[offFormat:]), MaxFormat))
}

// Decode reads the header at the beginning of b, which the caller has copied out of the file: nothing
// that a peer changes later is seen. What it returns contradicts neither itself nor the limits above;
// what it allocates is the format string, which is inside b.
func Decode(b []byte) (h Header, format string, err error) {
	if !HasMagic(b) {
		return Header{}, "", fmt.Errorf("its first bytes are not %q: %w", Magic, ErrForeign)
	}
	if len(b) < HeaderSize {
		return Header{}, "", fmt.Errorf("it ends inside the header: %w", ErrTruncated)
	}
	h = load(b)
	if err := h.check(); err != nil {
		return Header{}, "", err
	}
	if len(b) < HeaderSize+int(h.FormatLen) {
		return Header{}, "", fmt.Errorf("it ends inside the format string: %w", ErrTruncated)
	}
	format = string(b[HeaderSize:][:h.FormatLen])
	if !printable(format) {
		return Header{}, "", fmt.Errorf("the format string has bytes that cannot be printed: %w", ErrCorrupt)
	}
	return h, format, nil
}

// HasMagic reports whether b begins like a segment.
func HasMagic(b []byte) bool { return len(b) >= len(Magic) && string(b[:len(Magic)]) == Magic }

// load copies the fields, each once.
func load(b []byte) (h Header) {
	copy(h.Magic[:], b[offMagic:])
	h.Order = native.Uint32(b[offOrder:])
	h.Version = native.Uint32(b[offVersion:])
	h.Features = native.Uint64(b[offFeat:])
	h.Kind = Kind(native.Uint32(b[offKind:]))
	h.FormatLen = native.Uint32(b[offFormat:])
	copy(h.ID[:], b[offID:])
	h.Offset = native.Uint64(b[offOffset:])
	h.Size = native.Uint64(b[offSize:])
	h.ElemSize = native.Uint64(b[offElem:])
	h.ElemAlign = native.Uint64(b[offAlign:])
	for i := range h.Shape {
		h.Shape[i] = native.Uint64(b[offShape+8*i:])
	}
	copy(h.Codec[:], b[offCodec:])
	return h
}

// check holds every field that has impossible values against its range. The order matters: until the
// byte order and the version are known to be ours, no other field means anything.
func (h *Header) check() error {
	switch {
	case h.Order == bits.ReverseBytes32(Order):
		return &MismatchError{What: "byte order", Have: "the other one", Want: "this machine's"}
	case h.Order != Order:
		return corrupt("byte order mark", uint64(h.Order))
	case h.Version != Version:
		return &MismatchError{What: "ABI version", Have: fmt.Sprint(h.Version), Want: fmt.Sprint(Version)}
	case h.Features&^Features != 0:
		return &MismatchError{What: "feature bits", Have: fmt.Sprintf("%#x", h.Features), Want: fmt.Sprintf("at most %#x", uint64(Features))}
	case h.Kind == 0:
		return corrupt("kind", 0)
	case h.FormatLen > MaxFormat:
		return corrupt("format length", uint64(h.FormatLen))
	case h.Offset != uint64(Region(int(h.FormatLen))):
		return corrupt("payload offset", h.Offset)
	case h.Size == 0 || h.Size > MaxSize:
		return corrupt("payload size", h.Size)
	case h.ElemSize > h.Size:
		return corrupt("element size", h.ElemSize)
	case h.ElemAlign > MaxAlign || h.ElemAlign&(h.ElemAlign-1) != 0 || (h.ElemAlign == 0) != (h.ElemSize == 0):
		return corrupt("element alignment", h.ElemAlign)
	case !printable(h.CodecName()):
		return fmt.Errorf("the codec's name cannot be printed: %w", ErrCorrupt)
	}
	return nil
}

func corrupt(field string, x uint64) error {
	return fmt.Errorf("the header's %s is %d: %w", field, x, ErrCorrupt)
}

// printable keeps terminal escapes out of what error texts and tools show.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
