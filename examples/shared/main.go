// Shared has a child change a Value and an Array that its parent has made.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/value"
)

type args struct {
	Num   *value.Value[float64] // handles travel in arguments, and arrive open
	Total *value.Value[int64]
	Arr   *array.Array[int32]
}

var change = process.Register("change", func(_ context.Context, a args) error {
	a.Num.Store(3.1415927)
	for i := range a.Arr.Len() {
		a.Arr.Update(i, func(x *int32) { *x = -*x })
	}
	return nil
})

// add is safe as it is: the parts of += are one step here, where Python needs get_lock.
var add = process.Register("add", func(_ context.Context, a args) error {
	for range 1000 {
		value.Add(a.Total, 1)
	}
	return nil
})

func main() {
	process.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	a, err := makeArgs()
	if err != nil {
		return err
	}
	defer a.close()
	fmt.Println("before:", a.Num.Load(), a.elements())
	p, err := change.Start(ctx, a)
	if err != nil {
		return err
	}
	if err := p.Join(ctx); err != nil {
		return err
	}
	fmt.Println("after: ", a.Num.Load(), a.elements())
	for range 4 {
		if _, err := add.Start(ctx, a); err != nil {
			return err
		}
	}
	for _, p := range process.Children() {
		if err := p.Join(ctx); err != nil {
			return err
		}
	}
	fmt.Println("four times a thousand:", a.Total.Load())
	return nil
}

func makeArgs() (a args, err error) {
	if a.Num, err = value.New(0.0); err != nil {
		return a, err
	}
	if a.Total, err = value.New[int64](0); err != nil {
		return a, err
	}
	a.Arr, err = array.From([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	return a, err
}

func (a args) close() {
	a.Num.Close()
	a.Total.Close()
	a.Arr.Close()
}

func (a args) elements() (xs []int32) {
	for _, x := range a.Arr.All() {
		xs = append(xs, x)
	}
	return xs
}
