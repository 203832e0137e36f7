package cases

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// Twenty processes put ten thousand items each, and twenty take as many each. The first of the takers says go when all are there, and
// tells how long it took until the last has got its last.
const (
	crowdSide = 20
	crowdEach = 10_000
)

// meeting is where the processes of a crowd meet.
type meeting struct {
	Ready atomic.Int64 // who is there
	Home  atomic.Int64 // takers that have all theirs
	Sum   atomic.Int64 // of what they have got
	Go    sem.Event
	End   sem.Event
}

// meet opens both objects, says that it is there, and waits for the word.
func meet(w *lab.Worker) (*queue.Queue[int64], *meeting, error) {
	q, v := new(queue.Queue[int64]), new(shm.Var[meeting])
	if err := take(w, 0, q); err != nil {
		return nil, nil, err
	}
	if err := take(w, 1, v); err != nil {
		return nil, nil, err
	}
	m := v.Ptr()
	m.Ready.Add(1)
	return q, m, nil
}

var crowdFirst = lab.NewRole("queue.crowd.first", func(w *lab.Worker) error {
	q, m, err := meet(w)
	if err != nil {
		return err
	}
	for m.Ready.Load() < 2*crowdSide {
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	m.Go.Set()
	if err := m.takes(q); err != nil {
		return err
	}
	if err := m.End.Wait(ctx); err != nil {
		return err
	}
	d := time.Since(begin)
	const n = crowdSide * crowdEach
	if got, want := m.Sum.Load(), int64(crowdSide*crowdEach*(crowdEach-1)/2); got != want {
		return fmt.Errorf("the items that were taken sum up to %d, those that were put to %d", got, want)
	}
	w.Report(lab.Report{Values: lab.Values{"time": float64(d.Nanoseconds()), "throughput": n / d.Seconds()}})
	return nil
})

var crowdTaker = lab.NewRole("queue.crowd.take", func(w *lab.Worker) error {
	q, m, err := meet(w)
	if err != nil {
		return err
	}
	if err := m.Go.Wait(ctx); err != nil {
		return err
	}
	return m.takes(q)
})

// takes takes a taker's share. The last one of all ends it.
func (m *meeting) takes(q *queue.Queue[int64]) error {
	var sum int64
	for range crowdEach {
		v, err := q.Get(ctx)
		if err != nil {
			return err
		}
		sum += v
	}
	m.Sum.Add(sum)
	if m.Home.Add(1) == crowdSide {
		m.End.Set()
	}
	return nil
}

var crowdGiver = lab.NewRole("queue.crowd.put", func(w *lab.Worker) error {
	q, m, err := meet(w)
	if err != nil {
		return err
	}
	if err := m.Go.Wait(ctx); err != nil {
		return err
	}
	for i := range int64(crowdEach) {
		if err := q.Put(ctx, i); err != nil {
			return err
		}
	}
	return nil
})

func init() {
	askFor(lab.Errand, ourCase("queue/20x20", func(s *lab.Stage) error {
		if err := shareQueue[int64](ringOfPython)(s); err != nil {
			return err
		}
		return shareVar[meeting](nil)(s)
	}, slices.Concat([]lab.Role{crowdFirst}, slices.Repeat([]lab.Role{crowdTaker}, crowdSide-1), slices.Repeat([]lab.Role{crowdGiver}, crowdSide))...))
}
