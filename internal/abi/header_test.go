package abi

import (
	"errors"
	"math"
	"math/bits"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func sample() (Header, string, []byte) {
	t := Type{"<T{q:Hits:}", 8, 8}
	h := NewHeader(KindSPSC, t)
	h.ID = [16]byte{1, 2, 3, 15: 16}
	h.Size, h.Shape = 8192, [4]uint64{1024, 0, 7, math.MaxUint64}
	copy(h.Codec[:], "cbor")
	b := make([]byte, h.Offset)
	h.Encode(b, t.Format)
	return h, t.Format, b
}

func TestHeaderRoundTrip(t *testing.T) {
	h, format, b := sample()
	got, gotFormat, err := Decode(b)
	if diff := cmp.Diff(h, got, cmpopts.IgnoreUnexported(Header{})); err != nil || diff != "" || gotFormat != format {
		t.Errorf("%v, %q, %s", err, gotFormat, diff)
	}
	if got.CodecName() != "cbor" || got.Offset != PageSize || Need(b) != HeaderSize+len(format) {
		t.Errorf("codec %q, offset %d, need %d", got.CodecName(), got.Offset, Need(b))
	}
}

// The layout is a promise: these bytes were written by version 1 on a little-endian machine.
func TestGolden(t *testing.T) {
	if native.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the golden bytes are those of a little-endian machine")
	}
	_, _, b := sample()
	want := "SHMKIT\r\n\x04\x03\x02\x01\x01\x00\x00\x00" + strings.Repeat("\x00", 8) + "\x03\x00\x00\x00\x0b\x00\x00\x00" +
		"\x01\x02\x03" + strings.Repeat("\x00", 12) + "\x10" + "\x00\x10\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00" +
		"\x08\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00" + "\x00\x04\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 8) +
		"\x07\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\xff", 8) + "cbor" + strings.Repeat("\x00", 12+128) + "<T{q:Hits:}\x00"
	if got := string(b[:len(want)]); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestLongFormat(t *testing.T) {
	for _, n := range []int{PageSize - HeaderSize, PageSize - HeaderSize + 1, MaxFormat} {
		typ := Type{strings.Repeat("q", n), 8, 8}
		h := NewHeader(KindVar, typ)
		h.Size = 8
		if want := uint64((HeaderSize + n + 4095) / 4096 * 4096); h.Offset != want {
			t.Errorf("format of %d: payload at %d, want %d", n, h.Offset, want)
		}
		b := make([]byte, h.Offset)
		h.Encode(b, typ.Format)
		if _, got, err := Decode(b); err != nil || got != typ.Format {
			t.Errorf("format of %d: %v", n, err)
		}
		if _, _, err := Decode(b[:HeaderSize+n-1]); !errors.Is(err, ErrTruncated) {
			t.Errorf("cut format of %d: %v", n, err)
		}
	}
}

// named reports whether err is one that callers can tell apart.
func named(err error) bool {
	var m *MismatchError
	return errors.Is(err, ErrForeign) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrTruncated) || errors.As(err, &m)
}

func TestDecodeEveryByte(t *testing.T) {
	_, format, good := sample()
	served := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for i := range HeaderSize + len(format) {
		for v := range 256 {
			b := make([]byte, len(good))
			copy(b, good)
			b[i] = byte(v)
			h, f, err := Decode(b)
			n++
			if err != nil && !named(err) {
				t.Fatalf("byte %d = %d: unnamed error %v", i, v, err)
			}
			if err == nil {
				served++
				if h.Offset != PageSize || h.Size == 0 || h.Size > MaxSize || len(f) > len(good) {
					t.Fatalf("byte %d = %d: believed %+v", i, v, h)
				}
			}
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / uint64(n); per > PageSize+1024 {
		t.Errorf("%d bytes allocated for each header of %d", per, PageSize)
	}
	if served < 256 || served == n {
		t.Errorf("%d of %d headers served", served, n)
	}
}

func TestDecodeFields(t *testing.T) {
	limits := []uint64{0, 1, 7, 8, 255, 256, PageSize - 1, PageSize, PageSize + 1, MaxFormat, MaxFormat + 1, MaxHeader, 1 << 31, 1<<31 - 1,
		1<<32 - 1, 1 << 32, MaxSize - 1, MaxSize, MaxSize + 1, 1 << 40, 1<<63 - 1, 1 << 63, math.MaxUint64}
	type field struct {
		name   string
		set    func(*Header, uint64)
		accept func(uint64) bool
	}
	for _, f := range []field{
		{"order", func(h *Header, x uint64) { h.Order = uint32(x) }, func(x uint64) bool { return uint32(x) == Order }},
		{"version", func(h *Header, x uint64) { h.Version = uint32(x) }, func(x uint64) bool { return uint32(x) == Version }},
		{"features", func(h *Header, x uint64) { h.Features = x }, func(x uint64) bool { return x == 0 }},
		{"kind", func(h *Header, x uint64) { h.Kind = Kind(x) }, func(x uint64) bool { return uint32(x) != 0 }},
		{"format length", func(h *Header, x uint64) { h.FormatLen = uint32(x) }, func(x uint64) bool { return uint32(x) <= 11 }},
		{"offset", func(h *Header, x uint64) { h.Offset = x }, func(x uint64) bool { return x == PageSize }},
		{"size", func(h *Header, x uint64) { h.Size = x }, func(x uint64) bool { return x >= 8 && x <= MaxSize }},
		{"element size", func(h *Header, x uint64) { h.ElemSize = x }, func(x uint64) bool { return x > 0 && x <= 8192 }},
		{"element align", func(h *Header, x uint64) { h.ElemAlign = x }, func(x uint64) bool { return x > 0 && x <= MaxAlign && bits.OnesCount64(x) == 1 }},
		{"shape", func(h *Header, x uint64) { h.Shape[2] = x }, func(uint64) bool { return true }},
	} {
		for _, x := range limits {
			h, format, _ := sample()
			f.set(&h, x)
			b := make([]byte, PageSize)
			h.Encode(b, format)
			_, _, err := Decode(b)
			// A longer format string would be made of the zero bytes behind it.
			if want := f.accept(x); (err == nil) != want || err != nil && !named(err) {
				t.Errorf("%s = %d: %v, accept %t", f.name, x, err, want)
			}
			if n := Need(b); n < HeaderSize || n > MaxHeader {
				t.Errorf("%s = %d: need %d", f.name, x, n)
			}
		}
	}
}

func TestDecodeNames(t *testing.T) {
	h, format, b := sample()
	for what, c := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":           {nil, ErrForeign},
		"zeros":             {make([]byte, PageSize), ErrForeign},
		"half a magic":      {b[:4], ErrForeign},
		"half a header":     {b[:HeaderSize-1], ErrTruncated},
		"half a format":     {b[:HeaderSize+3], ErrTruncated},
		"an escape in T":    {mutate(b, HeaderSize+2, 0x1b), ErrCorrupt},
		"an escape in name": {mutate(b, offCodec, 0x1b), ErrCorrupt},
	} {
		if _, _, err := Decode(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	var m *MismatchError
	for what, change := range map[string]func(*Header){
		"byte order":   func(h *Header) { h.Order = bits.ReverseBytes32(Order) },
		"ABI version":  func(h *Header) { h.Version = 2 },
		"feature bits": func(h *Header) { h.Features = 1 << 63 },
	} {
		g, b := h, make([]byte, PageSize)
		change(&g)
		g.Encode(b, format)
		if _, _, err := Decode(b); !errors.As(err, &m) || m.What != what || m.Have == m.Want {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func mutate(b []byte, i int, v byte) []byte {
	c := append([]byte(nil), b...)
	c[i] = v
	return c
}

func TestKindString(t *testing.T) {
	if KindVar.String() != "var" || Kind(0).String() != "kind 0" || Kind(1<<31).String() != "kind 2147483648" {
		t.Error(KindVar, Kind(0), Kind(1<<31))
	}
	for k := KindSegment; k <= KindBounded; k++ {
		if strings.HasPrefix(k.String(), "kind") || k.String() == "" {
			t.Errorf("kind %d has no name", uint32(k))
		}
	}
}

func FuzzDecode(f *testing.F) {
	_, _, b := sample()
	f.Add(b)
	f.Add(b[:HeaderSize])
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, format, err := Decode(b)
		if err != nil && !named(err) {
			t.Fatalf("unnamed error %v", err)
		}
		if err == nil && (h.Offset%PageSize != 0 || h.Size > MaxSize || !printable(format) || int(h.FormatLen) != len(format)) {
			t.Fatalf("believed %+v, %q", h, format)
		}
		if n := Need(b); n < HeaderSize || n > MaxHeader {
			t.Fatalf("need %d", n)
		}
	})
}
