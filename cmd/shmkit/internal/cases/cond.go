package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// turn is whose turn it is. One mutex guards it; each direction has a condition
// of its own.
type turn struct {
	Mu    sem.Mutex
	_     [124]byte
	There sem.Cond
	_     [120]byte
	Back  sem.Cond
	_     [120]byte
	Asked uint64
}

// condSignal signals, and nobody waits.
var condSignal = lab.NewRole("cond.signal", func(w *lab.Worker) error {
	t, err := takeVar[turn](w)
	if err != nil {
		return err
	}
	for {
		for range many {
			t.There.Signal(1)
		}
		w.Add(many)
	}
})

var condAsk = lab.NewRole("cond.ask", func(w *lab.Worker) error {
	t, err := takeVar[turn](w)
	if err != nil {
		return err
	}
	return w.RoundTrips(func() error {
		t.Mu.Lock()
		defer t.Mu.Unlock()
		t.Asked = 1
		t.There.Signal(1)
		for t.Asked != 0 {
			if err := t.Back.Wait(ctx, &t.Mu); err != nil {
				return err
			}
		}
		return nil
	})
})

var condAnswer = lab.NewRole("cond.answer", func(w *lab.Worker) error {
	t, err := takeVar[turn](w)
	if err != nil {
		return err
	}
	for {
		t.Mu.Lock()
		for t.Asked == 0 {
			if err := t.There.Wait(ctx, &t.Mu); err != nil {
				return err
			}
		}
		t.Asked = 0
		t.Back.Signal(1)
		t.Mu.Unlock()
	}
})

func init() {
	share := shareVar[turn](nil)
	askFor(lab.Cost, ourCase("cond/signal", share, condSignal))
	askFor(lab.RoundTrip, ourCase("cond/pingpong", share, condAsk, condAnswer), kernelRoundTrips(1, blocking)...)
}
