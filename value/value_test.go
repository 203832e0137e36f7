package value_test

import (
	"context"
	"encoding"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

// ever is how long a test waits for what must come, on whatever machine.
const ever = 20 * time.Second

// wide is a T of 64 bytes; whole when all its words are equal.
type wide [8]int64

func all(n int64) (w wide) {
	for i := range w {
		w[i] = n
	}
	return w
}

func (w wide) whole() bool { return w == all(w[0]) }

// vnew makes a value that is closed with the test.
func vnew[T any](t testing.TB, init T) *value.Value[T] {
	t.Helper()
	v, err := value.New(init)
	return vkeep(t, v, err)
}

func vkeep[T any](t testing.TB, v *value.Value[T], err error) *value.Value[T] {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vclose(v) })
	return v
}

// vclose closes v and sees that its memory goes.
func vclose(v io.Closer) {
	v.Close()
	runtime.GC()
}

func vtext(t testing.TB, v encoding.TextMarshaler) string {
	t.Helper()
	b, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// vagain is another handle on the same value.
func vagain[T any](t testing.TB, v *value.Value[T]) *value.Value[T] {
	t.Helper()
	w := new(value.Value[T])
	return vkeep(t, w, w.UnmarshalText([]byte(vtext(t, v))))
}

// exercise is what every T can do.
func exercise[T comparable](t *testing.T, a, b, c T) {
	t.Helper()
	v := vnew(t, a)
	w := vagain(t, v)
	check := func(what string, want T) {
		t.Helper()
		if got := w.Load(); got != want {
			t.Errorf("%T: %s: %v, want %v", a, what, got, want)
		}
	}
	check("Init", a)
	v.Store(b)
	check("Store", b)
	if old := v.Swap(c); old != b {
		t.Errorf("%T: Swap: %v, want %v", a, old, b)
	}
	check("Swap", c)
	v.Update(func(x *T) {
		if *x != c {
			t.Errorf("%T: Update of %v", a, *x)
		}
		*x = a
	})
	check("Update", a)
	if value.CompareAndSwap(v, b, c) || !value.CompareAndSwap(v, a, b) {
		t.Errorf("%T: CompareAndSwap", a)
	}
	check("CompareAndSwap", b)
	if x, err := w.Wait(context.Background(), func(x T) bool { return x == b }); err != nil || x != b {
		t.Errorf("%T: Wait: %v, %v", a, x, err)
	}
}

func TestEveryShape(t *testing.T) {
	exercise(t, int8(1), -2, 3)
	exercise(t, uint16(1), 2, math.MaxUint16)
	exercise(t, int32(-1), math.MinInt32, 3)
	exercise(t, int64(-1), math.MinInt64, math.MaxInt64)
	exercise(t, true, false, true)
	exercise(t, float32(1.5), -2.25, float32(math.Inf(1)))
	exercise(t, 1.5, math.MaxFloat64, math.Inf(-1))
	exercise(t, complex64(1i), 2, 3)
	exercise(t, [3]byte{1, 2, 3}, [3]byte{}, [3]byte{255, 254, 253})
	exercise(t, [7]byte{1}, [7]byte{6: 1}, [7]byte{3: 255})
	exercise(t, [9]byte{1}, [9]byte{8: 1}, [9]byte{3: 255})
	exercise(t, complex128(1i), 2, 3)
	exercise(t, struct {
		A byte
		B int16
	}{1, 2}, struct {
		A byte
		B int16
	}{3, 4}, struct {
		A byte
		B int16
	}{5, -6})
	exercise(t, all(1), all(2), all(3))
	exercise(t, [1000]uint16{1}, [1000]uint16{999: 1}, [1000]uint16{500: 1})
	exercise(t, [10000]uint64{1}, [10000]uint64{9999: 1}, [10000]uint64{500: 1})
}

// Integers wrap around, floats are added, and other processes' padding does not get into the way.
func TestAdd(t *testing.T) {
	vadd(t, int8(127), 1, -128)
	vadd(t, uint8(255), 2, 1)
	vadd(t, int16(math.MaxInt16), 1, math.MinInt16)
	vadd(t, uint32(1), math.MaxUint32, 0)
	vadd(t, int32(5), -7, -2)
	vadd(t, int64(math.MaxInt64), 1, math.MinInt64)
	vadd(t, uint64(1), math.MaxUint64, 0)
	vadd(t, int(1), 2, 3)
	vadd(t, float32(0.5), 0.25, 0.75)
	vadd(t, 0.5, -0.75, -0.25)
	type celsius float64
	vadd(t, celsius(20.5), 1, 21.5)
}

func vadd[T value.Number](t *testing.T, from, d, want T) {
	t.Helper()
	v := vnew(t, from)
	if got := value.Add(v, d); got != want || v.Load() != want {
		t.Errorf("%T: %v + %v = %v, then %v; want %v", d, from, d, got, v.Load(), want)
	}
}

// Equal is what == says, not what the bytes say.
func TestCompareAndSwapIsEqual(t *testing.T) {
	f := vnew(t, math.Copysign(0, -1))
	if !value.CompareAndSwap(f, 0, 1) {
		t.Error("-0 is not 0")
	}
	f.Store(math.NaN())
	if value.CompareAndSwap(f, math.NaN(), 1) {
		t.Error("NaN is equal to NaN")
	}
	big := vnew(t, [2]float64{math.Copysign(0, -1)})
	if !value.CompareAndSwap(big, [2]float64{}, [2]float64{math.NaN()}) || value.CompareAndSwap(big, [2]float64{math.NaN()}, [2]float64{}) {
		t.Error("a pair")
	}
	type holey struct {
		A byte
		B int16
	}
	h := vnew(t, holey{1, 2})
	h.Update(func(x *holey) { *x = holey{1, 2} })
	if !value.CompareAndSwap(h, holey{1, 2}, holey{3, 4}) {
		t.Error("padding counts")
	}
}

// A panic in f, or its end by Goexit, leaves the old value and a free lock.
func TestPanicInUpdate(t *testing.T) {
	panicked(t, int64(1), 2)
	panicked(t, all(1), all(2))
}

func panicked[T comparable](t *testing.T, was, never T) {
	v := vnew(t, was)
	func() {
		defer func() {
			if recover() != "f" {
				t.Error("the panic did not come through")
			}
		}()
		v.Update(func(x *T) { *x = never; panic("f") })
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.Update(func(x *T) { *x = never; runtime.Goexit() })
	}()
	<-done
	if v.Load() != was {
		t.Errorf("%T: %v", was, v.Load())
	}
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	if err := v.UpdateContext(ctx, func(x *T) { *x = never }); err != nil || v.Load() != never {
		t.Errorf("%T: the lock is not free: %v", was, err)
	}
}

// Load, in f, of the value itself does not wait for f's lock; and one who waits for that ends with his context.
func TestInsideUpdate(t *testing.T) {
	v := vnew(t, all(7))
	v.Update(func(x *wide) {
		if v.Load() != all(7) {
			t.Error("Load inside of Update")
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := v.UpdateContext(ctx, func(*wide) { t.Error("two inside") }); err != context.DeadlineExceeded {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := v.UpdateContext(ctx, func(x *wide) { *x = all(8) }); err != nil || v.Load() != all(8) {
		t.Errorf("an ended context fails a call that need not wait: %v", err)
	}
}

// All that changes a value together loses nothing.
func TestManyGoroutines(t *testing.T) {
	const each = 2000
	n, f, big := vnew(t, int64(0)), vnew(t, float32(0)), vnew(t, wide{})
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			v := vagain(t, big)
			for range each {
				value.Add(n, 1)
				value.Add(f, 1)
				n.Update(func(x *int64) { *x++ })
				v.Update(func(x *wide) { *x = all(x[0] + 1) })
				for x := big.Load(); !value.CompareAndSwap(v, x, all(x[0]+1)); x = big.Load() {
				}
			}
		})
	}
	g.Wait()
	if n.Load() != 8*each || f.Load() != 4*each || big.Load() != all(8*each) {
		t.Errorf("%v, %v, %v", n.Load(), f.Load(), big.Load())
	}
}

// The race detector is told what the value orders: it would report note otherwise.
func TestOrdersOtherMemory(t *testing.T) {
	ready, large := vnew(t, false), vnew(t, wide{})
	note := 0
	go func() {
		note = 1
		ready.Store(true)
	}()
	for !ready.Load() {
		runtime.Gosched()
	}
	note++
	go func() {
		note++
		large.Update(func(x *wide) { *x = all(1) })
	}()
	for large.Load() != all(1) {
		runtime.Gosched()
	}
	if note++; note != 4 {
		t.Error(note)
	}
}

func TestNamesAndErrors(t *testing.T) {
	v, err := value.OpenOrCreate("v.int", int64(5))
	vkeep(t, v, err)
	defer v.Unlink()
	w, err := value.OpenOrCreate("v.int", int64(9))
	vkeep(t, w, err)
	if w.Load() != 5 || w.Name() != "v.int" {
		t.Errorf("%v in %q", w.Load(), w.Name())
	}
	if _, err = (value.Config[int64]{}).Create("v.int"); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if _, err = value.Open[int64]("v.none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	var m *shm.MismatchError
	if _, err = value.Open[float64]("v.int"); !errors.As(err, &m) || m.Have != "int64 at byte 0" || m.Want != "float64 at byte 0" {
		t.Errorf("another T: %v", err)
	}
	if _, err = shm.Open[int64]("v.int"); !errors.As(err, &m) || m.What != "kind" {
		t.Errorf("another kind: %v", err)
	}
	if _, err = value.New("text"); err == nil || !strings.Contains(err.Error(), "string") {
		t.Errorf("a string: %v", err)
	}
	if _, err = value.New(struct{ N atomic.Int64 }{}); err == nil || !strings.Contains(err.Error(), "shm.Var") {
		t.Errorf("an atomic: %v", err)
	}
	if err = w.UnmarshalText([]byte(vtext(t, v))); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("into an open handle: %v", err)
	}
}

func TestClosed(t *testing.T) {
	v := vnew(t, all(1))
	if v.Close() != nil || v.Close() != os.ErrClosed {
		t.Error("Close")
	}
	for _, v := range []*value.Value[wide]{v, {}} {
		_, err := v.MarshalText()
		_, err2 := v.Wait(context.Background(), wide.whole)
		for _, err := range []error{err, err2, v.Close(), v.Unlink(), v.UpdateContext(context.Background(), func(*wide) {})} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
		for name, f := range map[string]func(){
			"Load": func() { v.Load() }, "Store": func() { v.Store(wide{}) }, "Swap": func() { v.Swap(wide{}) },
			"Update": func() { v.Update(func(*wide) {}) }, "CompareAndSwap": func() { value.CompareAndSwap(v, wide{}, wide{}) },
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
		v.Notify(make(chan struct{}))()
	}
}

func TestAllocations(t *testing.T) {
	n, f, big := vnew(t, int64(0)), vnew(t, float32(0)), vnew(t, wide{})
	var sum int64
	for name, f := range map[string]func(){
		"Load":            func() { sum += n.Load() },
		"Store":           func() { n.Store(sum) },
		"Swap":            func() { n.Swap(sum) },
		"Add":             func() { value.Add(n, 1) },
		"Add of a float":  func() { value.Add(f, 1) },
		"Update":          func() { n.Update(func(x *int64) { *x++; sum++ }) },
		"CompareAndSwap":  func() { value.CompareAndSwap(n, sum, 1) },
		"64 B, Load":      func() { sum += big.Load()[0] },
		"64 B, Store":     func() { big.Store(all(sum)) },
		"64 B, Swap":      func() { big.Swap(all(sum)) },
		"64 B, Update":    func() { big.Update(func(x *wide) { x[0]++; sum++ }) },
		"64 B, CAS":       func() { value.CompareAndSwap(big, all(sum), all(1)) },
		"64 B, UpdateCtx": func() { big.UpdateContext(context.Background(), func(x *wide) { x[0]++; sum++ }) },
		"Wait":            func() { n.Wait(context.Background(), func(int64) bool { return true }) },
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
