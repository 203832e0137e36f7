package bench

import (
	"fmt"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/proctest"
)

// cells is the length of the arrays whose elements are measured one by one: 8 KiB of int64, so that cache is no matter.
const cells = 1024

func newArray[T any](tb testing.TB, n, stripes int) *array.Array[T] {
	a, err := array.Config[T]{Len: n, Stripes: stripes}.New()
	must(tb, err)
	tb.Cleanup(func() { a.Close() })
	return a
}

// BenchmarkArrayLoad is a sum over all elements, an element an operation.
func BenchmarkArrayLoad(b *testing.B) {
	sum := func(b *testing.B, load func(n int) int64) {
		b.Helper()
		s := int64(0)
		for n := b.N; n > 0; n -= cells {
			s += load(min(n, cells))
		}
		sink.Store(s)
	}
	b.Run("slice", func(b *testing.B) {
		xs := make([]int64, cells)
		sum(b, func(n int) int64 { return sumSlice(xs, n) })
	})
	b.Run("Slice", func(b *testing.B) {
		a := newArray[int64](b, cells, 1)
		sum(b, func(n int) int64 { return sumSlice(a.Slice(), n) })
	})
	b.Run("Load", func(b *testing.B) {
		a := newArray[int64](b, cells, 1)
		sum(b, func(n int) int64 {
			s := int64(0)
			for i := range n {
				s += a.Load(i)
			}
			return s
		})
	})
	b.Run("Load 64 B", func(b *testing.B) {
		a := newArray[sixtyFour](b, cells, 1)
		sum(b, func(n int) int64 {
			s := int64(0)
			for i := range n {
				x := a.Load(i)
				s += x[7]
			}
			return s
		})
	})
}

//go:noinline
func sumSlice(xs []int64, n int) (s int64) {
	for i := range n {
		s += xs[i]
	}
	return s
}

// BenchmarkArrayStore is a store to all elements, an element an operation.
func BenchmarkArrayStore(b *testing.B) {
	fill := func(b *testing.B, store func(n int)) {
		b.Helper()
		for n := b.N; n > 0; n -= cells {
			store(min(n, cells))
		}
	}
	b.Run("slice", func(b *testing.B) {
		xs := make([]int64, cells)
		fill(b, func(n int) { fillSlice(xs, n) })
	})
	b.Run("Slice", func(b *testing.B) {
		a := newArray[int64](b, cells, 1)
		fill(b, func(n int) { fillSlice(a.Slice(), n) })
	})
	b.Run("Store", func(b *testing.B) {
		a := newArray[int64](b, cells, 1)
		fill(b, func(n int) {
			for i := range n {
				a.Store(i, int64(i))
			}
		})
	})
	b.Run("Store 64 B", func(b *testing.B) {
		a := newArray[sixtyFour](b, cells, 1)
		var x sixtyFour
		fill(b, func(n int) {
			for i := range n {
				x[0]++
				a.Store(i, x)
			}
		})
	})
}

//go:noinline
func fillSlice(xs []int64, n int) {
	for i := range n {
		xs[i] = int64(i)
	}
}

func BenchmarkArrayAdd(b *testing.B) {
	a := newArray[int64](b, cells, 1)
	for n := range b.N {
		array.Add(a, n%cells, 1)
	}
}

func BenchmarkArrayUpdate(b *testing.B) {
	a := newArray[sixtyFour](b, cells, 1)
	for n := range b.N {
		a.Update(n%cells, func(x *sixtyFour) { x[0]++ })
	}
}

// half is the elements that one of two processes writes: with two stripes it has one to itself.
const half = 512

var _ = proctest.Register("array.write", func(args []string) int {
	a := new(array.Array[sixtyFour])
	if err := a.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	for n := 0; ; n++ {
		writeCell(a, half+n%half)
	}
})

func writeCell(a *array.Array[sixtyFour], i int) { a.Update(i, func(x *sixtyFour) { x[0]++ }) }

// BenchmarkArrayWriters is one process that writes while another one does: to the same stripe, or to another one.
func BenchmarkArrayWriters(b *testing.B) {
	for _, stripes := range []int{1, 2} {
		b.Run(fmt.Sprintf("stripes%d", stripes), func(b *testing.B) {
			a := newArray[sixtyFour](b, 2*half, stripes)
			p := proctest.Start(b, "array.write", text(b, a))
			p.Expect("ready")
			n := 0
			for b.Loop() {
				writeCell(a, n%half)
				n++
			}
			p.Kill()
		})
	}
}
