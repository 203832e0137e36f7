// Reader has one process write numbers to a Queue and another read them, up to a sentinel, as the tutorials do.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
)

const (
	count    = 100_000
	sentinel = "DONE"
)

var reader = process.Register("reader", func(ctx context.Context, q *queue.Queue[any]) error {
	n, sum := 0, int64(0)
	for v, err := range q.All(ctx) {
		if err != nil {
			return err
		}
		if v == sentinel {
			break
		}
		n, sum = n+1, sum+v.(int64)
	}
	fmt.Printf("the reader has got %d numbers, together %d\n", n, sum)
	return nil
})

func main() {
	process.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	q, err := queue.New[any](0)
	if err != nil {
		return err
	}
	defer q.Close()
	p, err := reader.Start(ctx, q)
	if err != nil {
		return err
	}
	for n := range count {
		if err := q.Put(ctx, n); err != nil {
			return err
		}
	}
	if err := q.Put(ctx, sentinel); err != nil {
		return err
	}
	return p.Join(ctx)
}
