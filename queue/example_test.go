package queue_test

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/queue"
)

// One writes, one reads until the stream ends. Here both are one process; another one would open the queue by its name, or get
// the handle as an argument.
func ExampleQueue() {
	q, err := queue.New[int](10)
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	ctx := context.Background()
	go func() {
		for n := range 3 {
			if err := q.Put(ctx, n); err != nil {
				log.Fatal(err)
			}
		}
		q.Shutdown()
	}()
	for n, err := range q.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n)
	}
	// Output:
	// 0
	// 1
	// 2
}

func ExampleSimpleQueue() {
	q, err := queue.NewSimple[int]()
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	ctx := context.Background()
	if err := q.Put(ctx, 7); err != nil {
		log.Fatal(err)
	}
	n, err := q.Get(ctx)
	fmt.Println(n, err, q.Empty())
	// Output: 7 <nil> true
}
