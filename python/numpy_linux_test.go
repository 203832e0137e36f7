package python_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/array"
)

// Arrays as numpy sees them. Without numpy they are memoryviews, and the tests see that those are right.

func haveNumpy(t *testing.T) bool {
	cmd := exec.Command(needPython(t), "-c", "import numpy; print(numpy.__version__)")
	cmd.Env = environ()
	out, err := cmd.Output()
	if err != nil {
		t.Log("there is no numpy: the fallback is tested")
		return false
	}
	t.Logf("numpy %s", strings.TrimSpace(string(out)))
	return true
}

type inner struct {
	Z complex64
	B [3]int8
}

type nrecord struct {
	N    int64
	On   bool
	_    [2]byte
	U    uint16
	Grid [2][2]float32
	In   inner
}

func nrecords(n int) []nrecord {
	xs := make([]nrecord, n)
	for i := range xs {
		f := float32(i)
		xs[i] = nrecord{N: int64(i) - 2, On: i%2 == 0, U: uint16(i), Grid: [2][2]float32{{f, 1}, {2, 3}}, In: inner{complex(f, 1), [3]int8{int8(i), -1, 2}}}
	}
	return xs
}

func TestRecordsInNumpy(t *testing.T) {
	xs := nrecords(7)
	a, err := array.From(xs)
	must(t, err)
	defer a.Close()
	with := haveNumpy(t)
	c := start(t, "records", text(t, a))
	if !with {
		c.Expect(fmt.Sprintf("no numpy memoryview B %d", 7*48))
		c.Wait()
		return
	}
	c.Expect("(7,) 48 True")
	c.Expect("[('N', 'int64', 0), ('On', 'bool', 8), ('U', 'uint16', 12), ('Grid', \"('<f4', (2, 2))\", 16), " +
		"('In', \"{'names': ['Z', 'B'], 'formats': ['<c8', ('i1', (3,))], 'offsets': [0, 8], 'itemsize': 12}\", 32)]")
	c.Expect("[True, True, True, True, True, True, True]")
	c.Expect("done")
	c.Wait()
	for i, x := range a.All() {
		want := xs[i]
		want.N *= 2
		want.On = true
		want.Grid[1][0] = 2.5
		want.In.Z += 1i
		if i == 6 {
			want.U = 65535
		}
		if x != want {
			t.Errorf("element %d is %+v, want %+v", i, x, want)
		}
	}
}

// numbered makes an array of 1 … 5, and says what becomes of it: doubled by numpy, or left.
func numbered[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64 | float32 | float64](t *testing.T) (string, func(factor T)) {
	a, err := array.From([]T{1, 2, 3, 4, 5})
	must(t, err)
	t.Cleanup(func() { a.Close() })
	return text(t, a), func(factor T) {
		for i, x := range a.All() {
			if x != T(i+1)*factor {
				t.Errorf("%T %d is %v", x, i, x)
			}
		}
	}
}

func TestNumbersInNumpy(t *testing.T) {
	with := haveNumpy(t)
	var texts, wants []string
	var checks []func()
	add := func(text, dtype, format string, check func()) {
		texts, checks = append(texts, text), append(checks, check)
		if with {
			wants = append(wants, dtype)
		} else {
			wants = append(wants, format)
		}
	}
	factor := 1
	if with {
		factor = 2
	}
	one := func(text, dtype, letter string, check func()) {
		sum := "15"
		if dtype[1] == 'f' {
			sum = "15.0"
		}
		add(text, dtype+" (5,) "+sum, letter+" 5", check)
	}
	i8, c1 := numbered[int8](t)
	one(i8, "|i1", "b", func() { c1(int8(factor)) })
	u8, c2 := numbered[uint8](t)
	one(u8, "|u1", "B", func() { c2(uint8(factor)) })
	i16, c3 := numbered[int16](t)
	one(i16, "<i2", "h", func() { c3(int16(factor)) })
	u16, c4 := numbered[uint16](t)
	one(u16, "<u2", "H", func() { c4(uint16(factor)) })
	i32, c5 := numbered[int32](t)
	one(i32, "<i4", "i", func() { c5(int32(factor)) })
	u32, c6 := numbered[uint32](t)
	one(u32, "<u4", "I", func() { c6(uint32(factor)) })
	i64, c7 := numbered[int64](t)
	one(i64, "<i8", "q", func() { c7(int64(factor)) })
	u64, c8 := numbered[uint64](t)
	one(u64, "<u8", "Q", func() { c8(uint64(factor)) })
	f32, c9 := numbered[float32](t)
	one(f32, "<f4", "f", func() { c9(float32(factor)) })
	f64, c10 := numbered[float64](t)
	one(f64, "<f8", "d", func() { c10(float64(factor)) })

	bools, err := array.From([]bool{true, false, true})
	must(t, err)
	defer bools.Close()
	add(text(t, bools), "|b1 (3,) 2", "? 3", func() {
		if bools.Load(0) == with || bools.Load(1) != with {
			t.Error(bools.Load(0), bools.Load(1))
		}
	})
	complexes, err := array.From([]complex128{1, 1i})
	must(t, err)
	defer complexes.Close()
	add(text(t, complexes), "<c16 (2,) (1+1j)", "B 32", func() {
		if complexes.Load(1) != complex(0, float64(factor)) {
			t.Error(complexes.Load(1))
		}
	})
	rows, err := array.From([][3]int32{{1, 2, 3}, {4, 5, 6}})
	must(t, err)
	defer rows.Close()
	add(text(t, rows), "<i4 (2, 3) 21", "B 24", func() {
		if f := int32(factor); rows.Load(1) != ([3]int32{4 * f, 5 * f, 6 * f}) {
			t.Error(rows.Load(1))
		}
	})

	c := start(t, append([]string{"kinds"}, texts...)...)
	for _, w := range wants {
		c.Expect(w)
	}
	c.Wait()
	for _, check := range checks {
		check()
	}
}
