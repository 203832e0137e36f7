package array_test

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

// ever is how long a test waits for what must come, on whatever machine.
const ever = 20 * time.Second

// triple is a T of 24 bytes; whole when all its words are equal.
type triple [3]int64

func thrice(n int64) triple { return triple{n, n, n} }

func (x triple) whole() bool { return x == thrice(x[0]) }

// akeep closes an array with the test.
func akeep[T any](t testing.TB, a *array.Array[T], err error) *array.Array[T] {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); runtime.GC() })
	return a
}

func amake[T any](t testing.TB, c array.Config[T]) *array.Array[T] {
	t.Helper()
	a, err := c.New()
	return akeep(t, a, err)
}

func atext(t testing.TB, a encoding.TextMarshaler) string {
	t.Helper()
	b, err := a.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func aagain[T any](t testing.TB, a *array.Array[T]) *array.Array[T] {
	t.Helper()
	w := new(array.Array[T])
	return akeep(t, w, w.UnmarshalText([]byte(atext(t, a))))
}

// contents is all of an array.
func contents[T any](t testing.TB, a *array.Array[T]) []T {
	t.Helper()
	xs := make([]T, a.Len())
	if n, err := a.ReadAt(xs, 0); err != nil || n != len(xs) {
		t.Fatal(n, err)
	}
	return xs
}

// drill is what every T can do, with any number of stripes.
func drill[T comparable](t *testing.T, made func(i int) T) {
	t.Helper()
	const n = 300
	for _, stripes := range []int{1, 2, 7, 1024} {
		init := make([]T, n)
		for i := range init {
			init[i] = made(i)
		}
		a := amake(t, array.Config[T]{Init: init, Stripes: stripes})
		b := aagain(t, a)
		want := slices.Clone(init)
		check := func(what string) {
			t.Helper()
			if got := contents(t, b); !slices.Equal(got, want) {
				t.Fatalf("%T, %d stripes: %s: %v", made(0), stripes, what, got)
			}
			for i, x := range b.All() {
				if x != want[i] {
					t.Fatalf("%T, %d stripes: %s: Load(%d) = %v, want %v", made(0), stripes, what, i, x, want[i])
				}
			}
		}
		check("Init")
		for i := range n {
			a.Store(i, made(i+1))
			want[i] = made(i + 1)
		}
		check("Store")
		for _, r := range [][2]int{{0, n}, {1, n - 1}, {7, 8}, {n - 3, n}, {127, 131}, {50, 50}} {
			xs := make([]T, r[1]-r[0])
			for i := range xs {
				xs[i] = made(r[0] + i + 2)
				want[r[0]+i] = xs[i]
			}
			if m, err := a.WriteAt(xs, r[0]); m != len(xs) || err != nil {
				t.Fatal(m, err)
			}
			check("WriteAt")
		}
		for i := range n {
			a.Update(i, func(x *T) {
				if *x != want[i] {
					t.Errorf("%T: Update of %v", *x, *x)
				}
				*x = made(i + 3)
			})
			want[i] = made(i + 3)
		}
		check("Update")
		a.Lock()
		xs := a.Slice()
		for i := range xs {
			xs[i] = made(i)
			want[i] = made(i)
		}
		a.Unlock()
		check("Slice")
	}
}

func TestEveryShape(t *testing.T) {
	drill(t, func(i int) int8 { return int8(i) })
	drill(t, func(i int) uint16 { return uint16(i * 257) })
	drill(t, func(i int) int32 { return int32(-i) })
	drill(t, func(i int) uint64 { return uint64(i) << 40 })
	drill(t, func(i int) bool { return i%3 == 0 })
	drill(t, func(i int) float32 { return float32(i) / 2 })
	drill(t, func(i int) [3]byte { return [3]byte{byte(i), 1, byte(i)} })
	drill(t, func(i int) [5]uint16 { return [5]uint16{uint16(i), 1, uint16(i)} })
	drill(t, func(i int) struct{ A, B int32 } { return struct{ A, B int32 }{int32(i), -int32(i)} })
	drill(t, func(i int) struct{ A, B byte } { return struct{ A, B byte }{byte(i), byte(i)} })
	drill(t, func(i int) triple { return thrice(int64(i)) })
	drill(t, func(i int) [100]byte { return [100]byte{0: byte(i), 99: byte(i)} })
}

func TestAdd(t *testing.T) {
	aadd(t, int8(127), 1, -128)
	aadd(t, uint8(255), 2, 1)
	aadd(t, int16(math.MaxInt16), 1, math.MinInt16)
	aadd(t, int32(5), -7, -2)
	aadd(t, uint32(5), math.MaxUint32, 4)
	aadd(t, int64(math.MaxInt64), 1, math.MinInt64)
	aadd(t, uint64(1), math.MaxUint64, 0)
	aadd(t, float32(0.5), 0.25, 0.75)
	aadd(t, 0.5, -0.75, -0.25)
}

func aadd[T value.Number](t *testing.T, from, d, want T) {
	t.Helper()
	for i := range 8 {
		xs := make([]T, 8)
		for j := range xs {
			xs[j] = from
		}
		a, err := array.From(xs)
		akeep(t, a, err)
		xs[i] = want
		if got := array.Add(a, i, d); got != want || !slices.Equal(contents(t, a), xs) {
			t.Errorf("%T: %v + %v = %v, then %v; want %v", d, from, d, got, contents(t, a), want)
		}
	}
}

// What is out of range names the index, and the length.
func TestBounds(t *testing.T) {
	a := amake(t, array.Config[int64]{Len: 10})
	big := amake(t, array.Config[triple]{Len: 10})
	for _, i := range []int{-1, 10, math.MinInt, math.MaxInt} {
		for name, f := range map[string]func(){
			"Load": func() { a.Load(i) }, "Store": func() { a.Store(i, 1) }, "Update": func() { a.Update(i, func(*int64) { t.Error("ran") }) },
			"Add": func() { array.Add(a, i, 1) }, " Load": func() { big.Load(i) }, " Store": func() { big.Store(i, triple{}) },
		} {
			func() {
				defer func() {
					s, _ := recover().(string)
					if !strings.Contains(s, strings.TrimSpace(name)) || !strings.Contains(s, "which has 10") {
						t.Errorf("%s of %d: %q", name, i, s)
					}
				}()
				f()
			}()
		}
	}
	for _, r := range [][2]int{{-1, 1}, {0, 11}, {10, 1}, {11, 0}, {math.MaxInt, 2}, {math.MinInt, 0}} {
		_, err := a.ReadAt(make([]int64, r[1]), r[0])
		_, err2 := a.WriteAt(make([]int64, r[1]), r[0])
		for _, err := range []error{err, err2} {
			if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "which has 10") {
				t.Errorf("%d at %d: %v", r[1], r[0], err)
			}
		}
	}
	if n, err := a.ReadAt(nil, 10); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestNamesAndErrors(t *testing.T) {
	a, err := array.OpenOrCreate[int32]("a.ints", 10)
	akeep(t, a, err)
	defer a.Unlink()
	b, err := array.Open[int32]("a.ints")
	akeep(t, b, err)
	if b.Len() != 10 || b.Name() != "a.ints" {
		t.Error(b.Len(), b.Name())
	}
	var m *shm.MismatchError
	if _, err = array.OpenOrCreate[int32]("a.ints", 11); !errors.As(err, &m) || m.What != "length" || m.Have != "10" || m.Want != "11" {
		t.Errorf("another length: %v", err)
	}
	if _, err = (array.Config[int32]{Stripes: 2}).Open("a.ints"); !errors.As(err, &m) || m.What != "stripes" {
		t.Errorf("other stripes: %v", err)
	}
	if _, err = array.Open[uint32]("a.ints"); !errors.As(err, &m) {
		t.Errorf("another T: %v", err)
	}
	if _, err = array.Open[int32]("a.none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, c := range []array.Config[int32]{{}, {Len: -1}, {Len: math.MaxInt}, {Len: 1, Init: []int32{1, 2}}, {Len: 1, Stripes: -1}, {Len: 1, Stripes: 1025}} {
		if _, err := c.New(); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err = array.New[string](1); err == nil || !strings.Contains(err.Error(), "string") {
		t.Errorf("strings: %v", err)
	}
}

func TestClosed(t *testing.T) {
	a := amake(t, array.Config[int64]{Len: 3})
	if a.Close() != nil || a.Close() != os.ErrClosed {
		t.Error("Close")
	}
	for _, a := range []*array.Array[int64]{a, {}} {
		_, err := a.MarshalText()
		_, err2 := a.ReadAt(nil, 0)
		_, err3 := a.WriteAt(nil, 0)
		for _, err := range []error{err, err2, err3, a.Close(), a.Unlink()} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
		for name, f := range map[string]func(){
			"Load": func() { a.Load(0) }, "Store": func() { a.Store(0, 1) }, "Add": func() { array.Add(a, 0, 1) },
			"Update": func() { a.Update(0, func(*int64) {}) }, "Lock": a.Lock, "Unlock": a.Unlock,
		} {
			func() {
				defer func() {
					if err, ok := recover().(error); !ok || !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), name) {
						t.Errorf("%s: %v", name, err)
					}
				}()
				f()
			}()
		}
		if a.Len() != 0 || a.Slice() != nil || a.Name() != "" {
			t.Error("a closed handle has something")
		}
	}
}

// Closing the handle gives its Lock back.
func TestCloseUnlocks(t *testing.T) {
	a := amake(t, array.Config[triple]{Len: 30, Stripes: 3})
	b := aagain(t, a)
	a.Lock()
	if a.Load(1) != (triple{}) || len(contents(t, a)) != 30 {
		t.Error("the holder does not see its array")
	}
	a.Close()
	done := make(chan struct{})
	go func() { b.Store(29, thrice(1)); close(done) }()
	select {
	case <-done:
	case <-time.After(ever):
		t.Error("the Lock of a closed handle still holds")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Unlock of what is not locked")
			}
		}()
		b.Unlock()
	}()
}

func TestPanicInUpdate(t *testing.T) {
	a, b := amake(t, array.Config[int64]{Len: 2}), amake(t, array.Config[triple]{Len: 2})
	func() {
		defer func() { recover() }()
		a.Update(1, func(x *int64) { *x = 1; panic("f") })
	}()
	func() {
		defer func() { recover() }()
		b.Update(1, func(x *triple) { x[0] = 1; panic("f") })
	}()
	if a.Load(1) != 0 || b.Load(1) != (triple{}) {
		t.Error("a panic in f has changed the element")
	}
	a.Update(1, func(x *int64) { *x = 2 })
	b.Update(1, func(x *triple) { *x = thrice(2) })
	if a.Load(1) != 2 || b.Load(1) != thrice(2) {
		t.Error("not free after a panic")
	}
}

func TestManyGoroutines(t *testing.T) {
	const each = 1000
	a := amake(t, array.Config[int16]{Len: 64, Stripes: 2})
	b := amake(t, array.Config[triple]{Len: 64, Stripes: 4})
	var g sync.WaitGroup
	for id := range 4 {
		g.Go(func() {
			b := aagain(t, b)
			for i := range each {
				array.Add(a, i%64, 1)
				a.Update((i+7)%64, func(x *int16) { *x++ })
				b.Update(i%64, func(x *triple) { *x = thrice(x[0] + 1) })
				if id == 0 { // neighbours of what others add to
					b.WriteAt([]triple{b.Load(63)}, 63)
				}
			}
		})
	}
	g.Wait()
	var sum int64
	for _, x := range contents(t, a) {
		sum += int64(x)
	}
	if sum != 8*each {
		t.Errorf("%d of %d", sum, 8*each)
	}
}

// A snapshot is of one moment, over many stripes.
func TestSnapshot(t *testing.T) {
	a := amake(t, array.Config[int32]{Len: 1000, Stripes: 8})
	stop := make(chan struct{})
	var g sync.WaitGroup
	g.Go(func() {
		b := aagain(t, a)
		xs := make([]int32, 1000)
		for n := int32(0); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			for i := range xs {
				xs[i] = n
			}
			b.WriteAt(xs, 0)
		}
	})
	for range 3000 {
		if xs := contents(t, a); slices.Min(xs) != slices.Max(xs) {
			t.Fatalf("torn: from %d to %d", slices.Min(xs), slices.Max(xs))
		}
	}
	close(stop)
	g.Wait()
}

func TestText(t *testing.T) {
	a := amake(t, array.Config[byte]{Len: 8})
	for _, s := range []string{"", "abc", "12345678", "größe", "xyz\xff", ""} {
		if err := array.SetString(a, s); err != nil || array.String(a) != s {
			t.Errorf("%q: %q, %v", s, array.String(a), err)
		}
	}
	array.SetString(a, "whole")
	for _, s := range []string{"123456789", "größer", "a\x00b", "a\x00", strings.Repeat("x", 100)} {
		err := array.SetString(a, s)
		if len(s) > 8 || strings.Contains(s, "\x00") {
			if !errors.Is(err, fs.ErrInvalid) || array.String(a) != "whole" {
				t.Errorf("%q: %q, %v", s, array.String(a), err)
			}
		} else if err != nil {
			t.Error(err)
		} else {
			array.SetString(a, "whole")
		}
	}
}

func TestAllocations(t *testing.T) {
	a := amake(t, array.Config[int64]{Len: 100, Stripes: 4})
	b := amake(t, array.Config[triple]{Len: 100, Stripes: 4})
	small := amake(t, array.Config[int16]{Len: 10})
	xs, bs := make([]int64, 100), make([]triple, 100)
	var sum int64
	for name, f := range map[string]func(){
		"Load, Store":        func() { a.Store(3, a.Load(2)) },
		"Add":                func() { array.Add(a, 1, 1); array.Add(small, 1, 1) },
		"Update":             func() { a.Update(1, func(x *int64) { *x++; sum++ }) },
		"ReadAt, WriteAt":    func() { a.ReadAt(xs, 0); a.WriteAt(xs, 0) },
		"Lock":               func() { through(a) },
		"24 B, Load, Store":  func() { b.Store(3, b.Load(2)) },
		"24 B, Update":       func() { b.Update(1, func(x *triple) { x[0]++; sum++ }) },
		"24 B, ReadAt & co.": func() { b.ReadAt(bs, 0); b.WriteAt(bs, 0) },
		"All": func() {
			for _, x := range a.All() {
				sum += x
			}
		},
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// An array of no elements, and one that is too large, are refused with what to do, and the limit is the true one.
func TestHowMany(t *testing.T) {
	_, none := array.New[int](0)
	_, empty := array.From[int](nil)
	_, create := array.Config[int]{}.Create("array.none")
	_, either := array.OpenOrCreate[int]("array.none", 0)
	for _, err := range []error{none, empty, create, either} {
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "Len be at least 1") {
			t.Error(err)
		}
	}
	_, err := array.New[int64](math.MaxInt)
	if err == nil {
		t.Fatal("too many are possible")
	}
	var n, size, most int
	if _, e := fmt.Sscanf(err.Error(), "array: %d elements of %d bytes: there are 1 to %d:", &n, &size, &most); e != nil {
		t.Fatal(err, e)
	}
	const room = 1<<40 - 64<<10 - 256 // one stripe, and all twice
	if 16*most > room || 16*(most+16) <= room {
		t.Errorf("%d elements are %d bytes of %d", most, 16*most, room)
	}
	if _, err := array.New[int64](most + 1); err == nil || !strings.Contains(err.Error(), "there are 1 to") {
		t.Error(err)
	}
}
