package array_test

import (
	"fmt"

	"github.com/shmkit/shmkit/array"
)

// Elements one by one, and a range that is written whole.
func ExampleArray() {
	a, err := array.From([]int32{1, 2, 3, 4})
	if err != nil {
		panic(err)
	}
	defer a.Close()
	a.Store(0, 10)
	array.Add(a, 1, 5)
	a.Update(2, func(x *int32) { *x *= 100 })
	if _, err := a.WriteAt([]int32{8, 9}, 3); err != nil {
		fmt.Println("two elements at 3 of 4 do not fit")
	}
	for i, x := range a.All() {
		fmt.Println(i, x)
	}
	// Output:
	// two elements at 3 of 4 do not fit
	// 0 10
	// 1 7
	// 2 300
	// 3 4
}

// Changing elements in place, alone.
func ExampleArray_Slice() {
	a, err := array.New[float64](3)
	if err != nil {
		panic(err)
	}
	defer a.Close()
	a.Lock()
	for i, xs := 0, a.Slice(); i < len(xs); i++ {
		xs[i] = float64(i) / 2
	}
	a.Unlock()
	fmt.Println(a.Load(2))
	// Output: 1
}

// Text in a fixed array, for programs in C too.
func ExampleSetString() {
	a, err := array.New[byte](16)
	if err != nil {
		panic(err)
	}
	defer a.Close()
	fmt.Println(array.SetString(a, "grüß dich"), array.String(a))
	// Output: <nil> grüß dich
}
