package array_test

import (
	"errors"
	"io/fs"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

// The tests TestPython… are what Python's multiprocessing documents, or does, for Array, RawArray and ShareableList, between two
// processes. They say where this package does otherwise, and mean to.

var _ = proctest.Register("array peer", func(args []string) int {
	a := new(array.Array[int32])
	if a.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	for {
		switch proctest.Hear() {
		case "sort":
			a.Lock()
			slices.Sort(a.Slice())
			a.Unlock()
		case "count":
			for i := range 20000 {
				array.Add(a, i%a.Len(), 1)
				a.Update(i%a.Len(), func(x *int32) { *x++ })
			}
		case "lock":
			a.Lock()
		}
		proctest.Say("done")
	}
})

func apeer(t *testing.T, xs ...int32) (*array.Array[int32], *proctest.Proc) {
	a := amake(t, array.Config[int32]{Init: xs})
	return a, proctest.Start(t, "array peer", atext(t, a))
}

// A size is zero-filled, a sequence initialises; a negative size is an error, and so, unlike in Python, is none at all.
func TestPythonArrayFromSizeAndSequence(t *testing.T) {
	a, err := array.New[float64](10)
	akeep(t, a, err)
	if !slices.Equal(contents(t, a), make([]float64, 10)) {
		t.Error(contents(t, a))
	}
	b, err := array.From([]int32{3, 1, 2})
	akeep(t, b, err)
	if !slices.Equal(contents(t, b), []int32{3, 1, 2}) {
		t.Error(contents(t, b))
	}
	for _, n := range []int{-1, 0} {
		if _, err := array.New[int32](n); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// Array.test_array: another process changes it in place, under the lock; slices of it are written whole.
func TestPythonArrayAcrossProcesses(t *testing.T) {
	a, p := apeer(t, 680, 626, 934, 821, 150, 233, 548, 982, 714, 831)
	p.Send("sort")
	p.Expect("done")
	if xs := contents(t, a); !slices.IsSorted(xs) || xs[0] != 150 {
		t.Error(xs)
	}
	if n, err := a.WriteAt([]int32{1, 2}, 4); n != 2 || err != nil || a.Load(4) != 1 || a.Load(5) != 2 {
		t.Error(n, err, contents(t, a))
	}
}

// a[i] += 1 is two steps in Python. Add and Update are one.
func TestPythonArrayIncrementIsOneStep(t *testing.T) {
	a, p := apeer(t, make([]int32, 16)...)
	p.Send("count")
	for i := range 20000 {
		array.Add(a, i%16, 1)
		a.Update(i%16, func(x *int32) { *x++ })
	}
	p.Expect("done")
	for i, x := range contents(t, a) {
		if x != 5000 {
			t.Errorf("element %d: %d", i, x)
		}
	}
}

// A process that is killed holding the lock of an Array hangs all others in Python.
func TestPythonArrayLockOfTheDead(t *testing.T) {
	aslice(t)
	a, p := apeer(t, 1, 2, 3)
	p.Send("lock")
	p.Expect("done")
	var got atomic.Bool
	done := make(chan struct{})
	go func() { a.WriteAt([]int32{7}, 0); got.Store(true); close(done) }()
	time.Sleep(50 * time.Millisecond)
	if got.Load() {
		t.Error("the lock of the living does not hold")
	}
	p.Kill()
	select {
	case <-done:
	case <-time.After(ever):
		t.Fatal("the lock of the dead")
	}
}

// Array('c'): value is the text up to NUL, raw is all; too long is an error, here one that changes nothing.
func TestPythonText(t *testing.T) {
	a := amake(t, array.Config[byte]{Init: []byte("hello\x00xyz")})
	if array.String(a) != "hello" || string(contents(t, a)) != "hello\x00xyz" {
		t.Errorf("%q", contents(t, a))
	}
	if err := array.SetString(a, "0123456789"); !errors.Is(err, fs.ErrInvalid) || array.String(a) != "hello" {
		t.Error(err)
	}
}

// ShareableList: multi-byte text overruns its slot, trailing NULs are lost, a negative index out of range misreads
// memory. Here bytes are counted, a NUL is refused, an index is checked.
func TestPythonShareableListFaults(t *testing.T) {
	a := amake(t, array.Config[[8]byte]{Len: 3})
	text := amake(t, array.Config[byte]{Len: 8})
	if err := array.SetString(text, "ääääé"); err == nil {
		t.Error("10 bytes in 8")
	}
	if err := array.SetString(text, "a\x00\x00"); err == nil {
		t.Error("NULs are lost silently")
	}
	defer func() {
		if recover() == nil {
			t.Error("a negative index")
		}
	}()
	a.Load(-4)
}

// SharedMemory: the last process to leave destroys what others still name (the tracker). Here a name stays until it is unlinked,
// and an object until its last user is gone.
func TestPythonNobodyElseUnlinks(t *testing.T) {
	a, err := array.OpenOrCreate[int32]("a.stays", 3)
	akeep(t, a, err)
	p := proctest.Start(t, "array peer", atext(t, a))
	p.Send("sort")
	p.Expect("done")
	p.Kill()
	b, err := array.Open[int32]("a.stays")
	akeep(t, b, err)
	if err := shm.Unlink("a.stays"); err != nil {
		t.Error(err)
	}
	if err := b.Unlink(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second unlink: %v", err)
	}
	a.Store(1, 5)
	if b.Load(1) != 5 {
		t.Error("users do not keep it")
	}
}
