package codec_test

import (
	"errors"
	"io"
	"math"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/internal/codec"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// trip encodes in and decodes what that gave.
func trip[T any](t testing.TB, in T) (out T) {
	t.Helper()
	c := codec.For(reflect.TypeFor[T]())
	b, err := c.Append([]byte("before"), in)
	if err != nil {
		t.Fatal(err)
	}
	if string(b[:6]) != "before" {
		t.Fatalf("%q was not appended to", b)
	}
	if err := c.Decode(b[6:], &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func same[T any](t *testing.T, in T) {
	t.Helper()
	if d := cmp.Diff(in, trip(t, in), cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
		t.Errorf("%T: %s", in, d)
	}
}

type tree struct {
	Name string
	Sub  []*tree
	By   map[string]*tree `json:",omitempty"`
}

type inner struct{ A, B int }

func TestRoundTrips(t *testing.T) {
	same(t, 7)
	same(t, -1)
	same(t, uint64(math.MaxUint64))
	same(t, int64(math.MinInt64))
	same(t, math.Inf(-1))
	same(t, float32(0.1))
	same(t, true)
	same(t, [3]int{1, 2, 3})
	same(t, []string{"a", "", "\xff\xfe not UTF-8"})
	same(t, []int(nil))
	same(t, []int{})
	same(t, map[int]string{1: "a", -2: "b"})
	same(t, map[inner]int{{1, 2}: 3})
	same(t, struct {
		inner
		P *int
		X any
	}{inner: inner{1, 2}})
	same(t, &tree{"root", []*tree{{Name: "a"}, {Name: "b", By: map[string]*tree{"c": {}}}}, nil})
	if in := time.Date(2026, 2, 3, 4, 5, 6, 789, time.FixedZone("X", 3600)); !trip(t, in).Equal(in) || trip(t, in).Format(time.RFC3339Nano) != in.Format(time.RFC3339Nano) {
		t.Error(trip(t, in))
	}
	same(t, time.Minute)
	same(t, struct{}{})
	if got := trip(t, *big.NewInt(5)); got.Int64() != 5 {
		t.Error(&got)
	}
	if got := trip(t, netip.MustParseAddr("10.0.0.1")); got.String() != "10.0.0.1" {
		t.Error(got)
	}
	big := make([]uint16, 300_000) // more than the codec's library takes if it is not told
	big[len(big)-1] = 9
	same(t, big)
}

// What an any holds has no type to go by.
func TestAny(t *testing.T) {
	when := time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
	in := []any{11, nil, "lily", []byte("raw"), 1.5, true, when, uint64(math.MaxInt64),
		[]int{1, 2}, map[string]any{"k": []any{}}, struct{ A int8 }{-3}}
	want := []any{int64(11), nil, "lily", []byte("raw"), 1.5, true, when, int64(math.MaxInt64),
		[]any{int64(1), int64(2)}, map[string]any{"k": []any{}}, map[string]any{"A": int64(-3)}}
	if d := cmp.Diff(want, trip(t, in)); d != "" {
		t.Error(d)
	}
	huge, ok := trip[any](t, uint64(math.MaxUint64)).(big.Int)
	if !ok || huge.Uint64() != math.MaxUint64 {
		t.Errorf("%v", huge)
	}
}

func TestRaw(t *testing.T) {
	type text string
	type blob []byte
	for _, typ := range []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[text](), reflect.TypeFor[blob]()} {
		if got := codec.For(typ).Name(); got != "raw" {
			t.Errorf("%v goes as %s", typ, got)
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[[]uint16](), reflect.TypeFor[int](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[any]()} {
		if got := codec.For(typ).Name(); got != "cbor" {
			t.Errorf("%v goes as %s", typ, got)
		}
	}
	same(t, "text")
	same(t, text("text"))
	same(t, blob("\x00"))
	same(t, []byte{})
	b, _ := codec.Raw.Append(nil, "as it is")
	if string(b) != "as it is" {
		t.Errorf("%q", b)
	}
	var x []byte
	codec.Raw.Decode(b, &x)
	b[0] = 'A'
	if string(x) != "as it is" {
		t.Error("the decoded bytes are the input's")
	}
	if _, err := codec.Raw.Append(nil, 5); err == nil {
		t.Error("a number was taken for bytes")
	}
	if err := codec.Raw.Decode(nil, new(int)); err == nil {
		t.Error("bytes were put into a number")
	}
}

type handles struct {
	Var   *shm.Var[int64]
	None  *shm.Var[int64]
	Seg   []*shm.Segment
	Rings map[string]*ringbuf.SPSC[int64]
	Many  struct{ R *ringbuf.MPMC[int64] }
	Lock  any
	Value shm.Var[sem.Mutex]
}

// Handles are open on the same object, wherever they stand.
func TestHandles(t *testing.T) {
	v, err1 := shm.New[int64]()
	s, err2 := shm.NewSegment(8)
	r, err3 := ringbuf.NewSPSC[int64](8)
	m, err4 := ringbuf.NewMPMC[int64](8)
	l, err5 := shm.New[sem.Mutex]()
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	for _, c := range []io.Closer{v, s, r, m, l} {
		defer c.Close()
	}
	in := &handles{Var: v, Seg: []*shm.Segment{s, s}, Rings: map[string]*ringbuf.SPSC[int64]{"a": r}, Lock: l}
	in.Many.R = m
	text, _ := l.MarshalText()
	if err := in.Value.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer in.Value.Close()
	out := trip(t, in)
	*v.Ptr() = 42
	s.Bytes()[0] = 7
	if *out.Var.Ptr() != 42 || out.Seg[0].Bytes()[0] != 7 || out.Seg[1].Bytes()[0] != 7 || out.None != nil {
		t.Error("other memory")
	}
	if err := m.TryPut(5); err != nil || out.Many.R.Len() != 1 || out.Rings["a"].Cap() != 8 {
		t.Error("other rings")
	}
	if out.Lock != string(text) {
		t.Errorf("a handle in an any is its text, not %v", out.Lock)
	}
	l.Ptr().Lock()
	if out.Value.Ptr().TryLock() {
		t.Error("another lock")
	}
	l.Ptr().Unlock()
	for _, c := range []io.Closer{out.Var, out.Seg[0], out.Seg[1], out.Rings["a"], out.Many.R, &out.Value} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

type hidden struct{ n int }

func TestCannot(t *testing.T) {
	closed := new(shm.Var[int64])
	self := map[string]any{}
	self["self"] = self
	ring := &tree{}
	ring.Sub = []*tree{ring}
	for want, v := range map[string]any{
		"struct { F func() }.F: func() cannot be encoded":       struct{ F func() }{},
		"[]map[string]chan int[][]: chan int cannot be encoded": []map[string]chan int{},
		".Out: io.Writer is an interface with methods": struct {
			Out interface{ Write([]byte) (int, error) }
		}{os.Stdout},
		".H: codec_test.hidden has no exported field":                 struct{ H hidden }{hidden{1}},
		".Mu: sem.Mutex has no exported field":                        &struct{ Mu sem.Mutex }{},
		".Jobs[1].X[2]: func() cannot be encoded":                     struct{ Jobs []struct{ X any } }{[]struct{ X any }{{1}, {[]any{1, 2, func() {}}}}},
		".X[a]: complex128 cannot be encoded":                         struct{ X any }{map[string]any{"a": 1i}},
		".X: map[int]string: a map in an any comes back as":           struct{ X any }{map[int]string{}},
		".V[1]: shm: marshal an unnamed segment: file already closed": struct{ V []*shm.Var[int64] }{[]*shm.Var[int64]{nil, closed}},
		"map[string]interface {}[self][self][self][self]":             self,
		"deep, or it contains itself":                                 ring,
		"marshals itself and has no method to unmarshal":              struct{ X oneWay }{},
		"map[key]: complex64 cannot be encoded":                       map[complex64]int{},
		"uintptr cannot be encoded":                                   uintptr(1),
		"codec_test.endless: too many pointers in a row":              endless(nil),
	} {
		b, err := codec.CBOR.Append([]byte("x"), v)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "interface { Write([]uint8) (int, error) }", "io.Writer"), strings.TrimPrefix(want, "map[key]")) {
			t.Errorf("%T: %.300v\nwant %s", v, err, want)
		}
		if string(b) != "x" {
			t.Errorf("%T left %q", v, b)
		}
	}
	if _, err := codec.CBOR.Append(nil, struct{ V *shm.Var[int64] }{closed}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v is not os.ErrClosed", err)
	}
	if codec.Check(reflect.TypeFor[struct{ X any }]()) != nil || codec.Check(reflect.TypeFor[hidden]()) == nil {
		t.Error("Check")
	}
	if _, err := codec.CBOR.Append(nil, struct {
		A int
		F func() `json:"-"`
		G func() `cbor:"-"`
		f func()
	}{A: 1}); err != nil {
		t.Errorf("fields that do not travel: %v", err)
	}
}

type oneWay int

func (oneWay) MarshalText() ([]byte, error) { return nil, nil }

type endless *endless
