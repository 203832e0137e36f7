// Doublers runs one function in five processes, each with a number of its own.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/shmkit/shmkit/process"
)

var doubler = process.Register("doubler", func(_ context.Context, n int) error {
	fmt.Printf("%d doubled to %d by pid %d\n", n, 2*n, os.Getpid())
	return nil
})

func main() {
	process.Main() // the children end here
	ctx := context.Background()
	var children []*process.Process
	for _, n := range []int{5, 10, 15, 20, 25} {
		p, err := doubler.Start(ctx, n)
		if err != nil {
			log.Fatal(err)
		}
		children = append(children, p)
	}
	for _, p := range children {
		if err := p.Join(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
