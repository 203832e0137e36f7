package cases

import (
	"sync/atomic"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// events are one for each direction, on lines of their own.
type events struct {
	There sem.Event
	_     [124]byte
	Back  sem.Event
	_     [124]byte
}

var eventIsSet = lab.NewRole("event.isset", func(w *lab.Worker) error {
	e, err := takeVar[events](w)
	if err != nil {
		return err
	}
	for seen := uint64(0); ; sink = seen {
		for range many {
			if e.There.IsSet() {
				seen++
			}
		}
		w.Add(many)
	}
})

// plainLoad is all that looking at a word can cost.
var plainLoad = lab.NewRole("event.load", func(w *lab.Worker) error {
	word := new(atomic.Uint32)
	word.Store(1)
	for seen := uint64(0); ; sink = seen {
		for range many {
			if word.Load() != 0 {
				seen++
			}
		}
		w.Add(many)
	}
})

var eventSetClear = lab.NewRole("event.setclear", func(w *lab.Worker) error {
	e, err := takeVar[events](w)
	if err != nil {
		return err
	}
	for {
		for range few {
			e.There.Set()
			e.There.Clear()
		}
		w.Add(few)
	}
})

// idle is a pause for which nobody spins, so that whom it lets wait sleeps.
const idle = 200 * time.Microsecond

var (
	eventAsk  = lab.NewRole("event.ask", func(w *lab.Worker) error { return ask(w, 0) })
	eventWake = lab.NewRole("event.wake", func(w *lab.Worker) error { return ask(w, idle) })
)

func ask(w *lab.Worker, pause time.Duration) error {
	e, err := takeVar[events](w)
	if err != nil {
		return err
	}
	return w.PacedTrips(pause, func() error {
		e.There.Set()
		err := e.Back.Wait(ctx)
		e.Back.Clear()
		return err
	})
}

var eventAnswer = lab.NewRole("event.answer", func(w *lab.Worker) error {
	e, err := takeVar[events](w)
	if err != nil {
		return err
	}
	for {
		if err := e.There.Wait(ctx); err != nil {
			return err
		}
		e.There.Clear()
		e.Back.Set()
	}
})

func init() {
	share := shareVar[events](nil)
	set := shareVar(func(e *events) { e.There.Set() })
	askFor(lab.Cost, ourCase("event/isset", set, eventIsSet), inOneProcess("atomic load", plainLoad))
	askFor(lab.Cost, ourCase("event/setclear", share, eventSetClear))
	askFor(lab.RoundTrip, ourCase("event/wake", share, eventWake, eventAnswer))
	lab.Register(lab.Group{
		Name:   "event/pingpong",
		Kind:   lab.RoundTrip,
		Cases:  []lab.Case{ourCase("event/pingpong", share, eventAsk, eventAnswer)},
		Rivals: kernelRoundTrips(1, blocking),
	})
}
