package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// barrierPass is a party that waits for nobody but itself.
var barrierPass = lab.NewRole("barrier.pass", func(w *lab.Worker) error {
	b, err := takeVar[sem.Barrier](w)
	if err != nil {
		return err
	}
	for {
		for range few {
			if _, err := b.Wait(ctx, nil); err != nil {
				return err
			}
		}
		w.Add(few)
	}
})

// A round trip is a round: both have to come before either goes.
var barrierMeet = lab.NewRole("barrier.meet", func(w *lab.Worker) error {
	b, err := takeVar[sem.Barrier](w)
	if err != nil {
		return err
	}
	return w.RoundTrips(func() error {
		_, err := b.Wait(ctx, nil)
		return err
	})
})

var barrierAttend = lab.NewRole("barrier.attend", func(w *lab.Worker) error {
	b, err := takeVar[sem.Barrier](w)
	if err != nil {
		return err
	}
	for {
		if _, err := b.Wait(ctx, nil); err != nil {
			return err
		}
	}
})

func init() {
	of := func(n int) func(*lab.Stage) error { return shareVar(func(b *sem.Barrier) { b.Init(n) }) }
	askFor(lab.Cost, ourCase("barrier/one", of(1), barrierPass))
	askFor(lab.RoundTrip, ourCase("barrier/pingpong", of(2), barrierMeet, barrierAttend), kernelRoundTrips(1, blocking)...)
}
