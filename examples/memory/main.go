// Memory shows that a child has memory of its own: what it appends to a variable its parent never sees. What both
// are to see lies in shared memory.
package main

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/shm"
)

var list []int // every process has its own

var appender = process.Register("appender", func(_ context.Context, count *shm.Var[atomic.Int64]) error {
	for n := range 3 {
		list = append(list, n)
		count.Ptr().Add(1)
	}
	fmt.Println("child: list", list, "count", count.Ptr().Load())
	return nil
})

func main() {
	process.Main()
	ctx := context.Background()
	count, err := shm.New[atomic.Int64]()
	if err != nil {
		log.Fatal(err)
	}
	defer count.Close()
	p, err := appender.Start(ctx, count)
	if err != nil {
		log.Fatal(err)
	}
	if err := p.Join(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("parent: list", list, "count", count.Ptr().Load())
}
