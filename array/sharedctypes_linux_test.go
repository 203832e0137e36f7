package array_test

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

// More of what Python documents of Array, RawArray, ShareableList and the heap behind them: see python_linux_test.go. The last of
// multiprocessing's own, get_lock and get_obj, are Lock and Slice; count and index are those of package slices.

// Array and RawArray with a bad type code: TypeError. Here the path of the field.
func TestPythonArrayInvalidTypecode(t *testing.T) {
	if _, err := array.New[struct{ Name string }](3); err == nil || !strings.Contains(err.Error(), "Name") {
		t.Errorf("a string: %v", err)
	}
	a, err := array.OpenOrCreate[int32]("a.typecode", 3)
	akeep(t, a, err)
	defer a.Unlink()
	var m *shm.MismatchError
	if _, err := array.Open[float32]("a.typecode"); !errors.As(err, &m) {
		t.Errorf("another type: %v", err)
	}
}

// A slice of an Array is read element by element in Python, with the lock held for each: it may be of many moments. ReadAt is of one.
func TestPythonSliceIsOfOneMoment(t *testing.T) {
	a := amake(t, array.Config[int32]{Len: 64})
	p := proctest.Start(t, "array fills", atext(t, a))
	p.Expect("on")
	for range 5000 {
		if xs := contents(t, a); xs[0] != xs[63] || slices.Max(xs) != slices.Min(xs) {
			t.Fatalf("torn: %v", xs)
		}
	}
}

var _ = proctest.Register("array fills", func(args []string) int {
	a := new(array.Array[int32])
	if a.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	proctest.Say("on")
	for n := int32(0); ; n++ {
		a.WriteAt(slices.Repeat([]int32{n}, 64), 0)
	}
})

// Assigning to a slice needs as many as there are (ValueError); so WriteAt of what does not fit changes nothing. An index is
// checked, a negative one too: it counts from no end.
func TestPythonSliceAssignment(t *testing.T) {
	a := amake(t, array.Config[int32]{Init: []int32{1, 2, 3, 4}})
	for _, off := range []int{-1, 3, 5, math.MaxInt, math.MinInt} {
		if n, err := a.WriteAt([]int32{8, 9}, off); n != 0 || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("at %d: %d, %v", off, n, err)
		}
	}
	if xs := contents(t, a); !slices.Equal(xs, []int32{1, 2, 3, 4}) {
		t.Error(xs)
	}
	for _, i := range []int{-1, 4, math.MinInt} {
		if err := acaughtText(func() { a.Store(i, 1) }); !strings.Contains(err, "which has 4") {
			t.Errorf("%d: %s", i, err)
		}
	}
}

func acaughtText(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

// With a plain Lock, reading a[i] inside of `with a.get_lock()` waits for itself in Python. Here reading needs no lock.
func TestPythonArrayReadUnderTheLock(t *testing.T) {
	a := amake(t, array.Config[triple]{Len: 4})
	done := make(chan []triple)
	go func() {
		a.Lock()
		defer a.Unlock()
		a.Slice()[2] = thrice(3)
		xs := make([]triple, 4)
		a.ReadAt(xs, 0)
		done <- append(xs, a.Load(2))
	}()
	select {
	case xs := <-done:
		if xs[2] != thrice(3) || xs[4] != thrice(3) {
			t.Error(xs)
		}
	case <-time.After(ever):
		t.Fatal("it waits for itself")
	}
}

// heap: blocks aligned to 8 bytes, a negative size ValueError, a huge one OverflowError; what is freed is used again. Here each array is
// a segment of its own, aligned to 128, refused when it is made, and gone with its last user: TestMain looks for what is left.
func TestPythonHeap(t *testing.T) {
	for _, n := range []int{math.MaxInt, 1 << 50, -5} {
		if _, err := array.New[int64](n); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%d: %v", n, err)
		}
	}
	if _, err := array.New[int64](1 << 35); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free in the memory") {
		t.Errorf("half a terabyte: %v", err)
	}
	sizes := []int{1, 700, 3, 100_000, 64, 5000}
	for i := range 200 {
		a, err := array.New[int64](sizes[i%len(sizes)])
		if err != nil {
			t.Fatal(err)
		}
		a.Store(a.Len()-1, 1)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// ShareableList loses trailing NULs of bytes, and multi-byte text overruns. Elements of fixed bytes keep both; SetString cuts no rune.
func TestPythonTrailingNULs(t *testing.T) {
	a := amake(t, array.Config[[8]byte]{Init: [][8]byte{{'a', 0, 0}, {0, 0, 'b', 0}}})
	if a.Load(0) != ([8]byte{'a'}) || a.Load(1) != ([8]byte{2: 'b'}) || len(a.Load(0)) != 8 {
		t.Errorf("%q", contents(t, a))
	}
	text := amake(t, array.Config[byte]{Len: 9})
	for s, fits := range map[string]bool{"äöüß": true, "äöüßx": true, "äöüßß": false, "日本語": true, "日本語x": false, "": true} {
		before := array.String(text)
		err := array.SetString(text, s)
		if fits && (err != nil || array.String(text) != s) || !fits && (err == nil || array.String(text) != before) {
			t.Errorf("%q: %q, %v", s, array.String(text), err)
		}
	}
}
