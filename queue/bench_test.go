package queue_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/queue"
)

var _ = proctest.Register("queue sink", func(args []string) int {
	ctx := context.Background()
	var err error
	switch args[1] {
	case "tasks":
		var q queue.JoinableQueue[int64]
		if err = q.UnmarshalText([]byte(args[0])); err == nil {
			for x, e := range q.All(ctx) {
				if err = e; err == nil {
					err = x.Done()
				}
			}
		}
	case "bytes":
		var q queue.Queue[[]byte]
		if err = q.UnmarshalText([]byte(args[0])); err == nil {
			for b := make([]byte, 1<<20); err == nil; {
				b, err = queue.GetBytes(ctx, &q, b)
			}
			err = nil
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// Tasks from one process to another: Put, Get and Done.
func BenchmarkTasks(b *testing.B) {
	q, err := queue.NewJoinable[int64](0)
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	text, _ := q.MarshalText()
	p := proctest.Start(b, "queue sink", string(text), "tasks")
	for n := range b.N {
		if err := q.Put(b.Context(), int64(n)); err != nil {
			b.Fatal(err)
		}
	}
	if err := q.Join(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
	q.Shutdown()
	p.Wait()
}

// Messages of 1 MiB from one process to another.
func BenchmarkMiB(b *testing.B) {
	q, err := queue.New[[]byte](8)
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	text, _ := q.MarshalText()
	p := proctest.Start(b, "queue sink", string(text), "bytes")
	m := make([]byte, 1<<20)
	b.SetBytes(1 << 20)
	for range b.N {
		if err := q.Put(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	q.Shutdown()
	p.Wait()
}
