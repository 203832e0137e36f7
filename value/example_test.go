package value_test

import (
	"context"
	"fmt"

	"github.com/shmkit/shmkit/value"
)

// A count that all processes add to.
func ExampleAdd() {
	hits, err := value.OpenOrCreate("example.hits", int64(0))
	if err != nil {
		panic(err)
	}
	defer hits.Close()
	defer hits.Unlink()
	value.Add(hits, 2)
	fmt.Println(value.Add(hits, 3), hits.Load())
	// Output: 5 5
}

// Several fields that change together, or not at all.
func ExampleValue_Update() {
	type position struct{ X, Y, Z float64 }
	p, err := value.New(position{X: 1})
	if err != nil {
		panic(err)
	}
	defer p.Close()
	p.Update(func(p *position) { p.X, p.Y = p.Y, p.X })
	fmt.Println(p.Load())
	// Output: {0 1 0}
}

// Waiting for somebody to change a value.
func ExampleValue_Wait() {
	stage, err := value.New(0)
	if err != nil {
		panic(err)
	}
	defer stage.Close()
	go stage.Store(3)
	n, err := stage.Wait(context.Background(), func(n int) bool { return n >= 3 })
	fmt.Println(n, err)
	// Output: 3 <nil>
}
