package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/queue"
)

// ringOfPython is the capacity of the queues here, and of the peers beside them.
const ringOfPython = 1024

// shareQueue gives the workers a queue.
func shareQueue[T any](capacity int) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		q, err := queue.New[T](capacity)
		return give(s, q, err)
	}
}

// queuePut is the role of who puts one item after the other, made of its number.
func queuePut[T any](what string, item func(i int64) T) lab.Role {
	return lab.NewRole("queue.put."+what, func(w *lab.Worker) error {
		q := new(queue.Queue[T])
		if err := take(w, 0, q); err != nil {
			return err
		}
		for i := int64(0); ; i++ {
			if err := q.Put(ctx, item(i)); err != nil {
				return err
			}
		}
	})
}

// queueGet is the role of who takes them, and counts after every n.
func queueGet[T any](what string, n uint64, look func(v T) int64) lab.Role {
	return lab.NewRole("queue.get."+what, func(w *lab.Worker) error {
		q := new(queue.Queue[T])
		if err := take(w, 0, q); err != nil {
			return err
		}
		for {
			var sum int64
			for range n {
				v, err := q.Get(ctx)
				if err != nil {
					return err
				}
				sum += look(v)
			}
			sink = uint64(sum)
			w.Add(n)
		}
	})
}

// itself is an item that is its number.
func itself(i int64) int64 { return i }

var (
	queuePut8 = queuePut("8B", itself)
	queueGet8 = queueGet("8B", burst, itself)
)

var simplePut = lab.NewRole("queue.simple.put", func(w *lab.Worker) error {
	q := new(queue.SimpleQueue[int64])
	if err := take(w, 0, q); err != nil {
		return err
	}
	for i := int64(0); ; i++ {
		if err := q.Put(ctx, i); err != nil {
			return err
		}
	}
})

var simpleGet = lab.NewRole("queue.simple.get", func(w *lab.Worker) error {
	q := new(queue.SimpleQueue[int64])
	if err := take(w, 0, q); err != nil {
		return err
	}
	for {
		var sum int64
		for range burst {
			v, err := q.Get(ctx)
			if err != nil {
				return err
			}
			sum += v
		}
		sink = uint64(sum)
		w.Add(burst)
	}
})

func init() {
	askFor(lab.Messages, ourCase("queue/8B", shareQueue[int64](ringOfPython), queueGet8, queuePut8))
	askFor(lab.Messages, ourCase("queue/simple", func(s *lab.Stage) error {
		q, err := queue.NewSimple[int64]()
		return give(s, q, err)
	}, simpleGet, simplePut))
}
