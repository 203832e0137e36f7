package bench

import (
	"io"
	"testing"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/queue"
)

var (
	_ = proctest.Register("queue.drain.int64", drainQueue[int64])
	_ = proctest.Register("queue.drain.simple", func(args []string) int {
		q := new(queue.SimpleQueue[int64])
		if err := q.UnmarshalText([]byte(args[0])); err != nil {
			return fail(err)
		}
		proctest.Say("ready")
		for {
			v, err := q.Get(ctx)
			if err != nil {
				return fail(err)
			}
			if v < 0 {
				proctest.Say("end")
				return 0
			}
		}
	})
)

func drainQueue[T any](args []string) int {
	q := new(queue.Queue[T])
	if err := q.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	for {
		if _, err := q.Get(ctx); err == io.EOF {
			proctest.Say("end")
			return 0
		} else if err != nil {
			return fail(err)
		}
	}
}

// benchQueue puts items into a queue that another process drains.
func benchQueue[T any](b *testing.B, drain string, capacity int, item T) {
	q, err := queue.New[T](capacity)
	must(b, err)
	defer q.Close()
	proc := proctest.Start(b, drain, text(b, q))
	proc.Expect("ready")
	for b.Loop() {
		must(b, q.Put(ctx, item))
	}
	must(b, q.Shutdown())
	proc.Expect("end")
	proc.Wait()
}

// BenchmarkQueue sends items to another process.
func BenchmarkQueue(b *testing.B) {
	b.Run("int64", func(b *testing.B) { benchQueue(b, "queue.drain.int64", 1024, int64(7)) })
}

func BenchmarkSimpleQueue(b *testing.B) {
	q, err := queue.NewSimple[int64]()
	must(b, err)
	defer q.Close()
	proc := proctest.Start(b, "queue.drain.simple", text(b, q))
	proc.Expect("ready")
	for b.Loop() {
		must(b, q.Put(ctx, 7))
	}
	must(b, q.Put(ctx, -1))
	proc.Expect("end")
	proc.Wait()
}
