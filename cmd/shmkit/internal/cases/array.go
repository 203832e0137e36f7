package cases

import (
	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// cells is the length of the arrays; half of it is what one of two writers has to itself.
const (
	cells = 1024
	half  = cells / 2
)

func shareArray[T any](stripes int) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		a, err := array.Config[T]{Len: cells, Stripes: stripes}.New()
		return give(s, a, err)
	}
}

// arrayRole opens the array and repeats n steps on it.
func arrayRole[T any](name string, n uint64, steps func(a *array.Array[T])) lab.Role {
	return lab.NewRole(name, func(w *lab.Worker) error {
		a := new(array.Array[T])
		if err := take(w, 0, a); err != nil {
			return err
		}
		for ; ; w.Add(n) {
			steps(a)
		}
	})
}

var (
	arrayLoad = arrayRole("array.load", cells, func(a *array.Array[int64]) {
		sum := int64(0)
		for i := range cells {
			sum += a.Load(i)
		}
		sink += uint64(sum)
	})
	arrayStore = arrayRole("array.store", cells, func(a *array.Array[int64]) {
		for i := range cells {
			a.Store(i, int64(i))
		}
	})
	arraySlice = arrayRole("array.slice", cells, func(a *array.Array[int64]) { sink += uint64(sumCells(a.Slice(), cells)) })

	// Two writers, each in its half.
	arrayLow  = arrayRole("array.low", half, func(a *array.Array[eight]) { writeCells(a, 0) })
	arrayHigh = arrayRole("array.high", half, func(a *array.Array[eight]) { writeCells(a, half) })
)

//go:noinline
func sumCells(xs []int64, n int) (sum int64) {
	for i := range n {
		sum += xs[i]
	}
	return sum
}

//go:noinline
func fillCells(xs []int64, n int) {
	for i := range n {
		xs[i] = int64(i)
	}
}

func writeCells(a *array.Array[eight], from int) {
	for i := range half {
		a.Update(from+i, func(x *eight) { x[0]++ })
	}
}

// What one process has without any of it.
var (
	sliceLoad = lab.NewRole("array.slice-load", func(w *lab.Worker) error {
		for xs := make([]int64, cells); ; w.Add(cells) {
			sink += uint64(sumCells(xs, cells))
		}
	})
	sliceStore = lab.NewRole("array.slice-store", func(w *lab.Worker) error {
		for xs := make([]int64, cells); ; w.Add(cells) {
			fillCells(xs, cells)
		}
	})
)

func init() {
	askFor(lab.Cost, ourCase("array/load", shareArray[int64](1), arrayLoad), inOneProcess("slice", sliceLoad))
	askFor(lab.Cost, ourCase("array/store", shareArray[int64](1), arrayStore), inOneProcess("slice", sliceStore))
	askFor(lab.Cost, ourCase("array/slice", shareArray[int64](1), arraySlice), inOneProcess("slice", sliceLoad))
	askFor(lab.Operations, ourCase("array/writers2", shareArray[eight](2), arrayLow, arrayHigh),
		lab.Procs{Label: "shmkit, one writer", Share: shareArray[eight](2), Roles: []lab.Role{arrayLow}},
		lab.Procs{Label: "shmkit, one stripe", Share: shareArray[eight](1), Roles: []lab.Role{arrayLow, arrayHigh}})
}
