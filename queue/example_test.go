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

// A worker takes tasks until none is left. What it has not done when it dies, or gives up, is handed to another one.
func ExampleJoinableQueue() {
	q, err := queue.NewJoinable[string](10)
	if err != nil {
		log.Fatal(err)
	}
	defer q.Close()
	ctx := context.Background()
	go func() {
		for task, err := range q.All(ctx) {
			if err != nil {
				return // closed
			}
			if task.Attempt == 1 {
				task.Fail()
				continue
			}
			fmt.Println(task.Value, task.Attempt)
			task.Done()
		}
	}()
	if err := q.Put(ctx, "mail"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(q.Join(ctx), q.Unfinished())
	// Output:
	// mail 2
	// <nil> 0
}
