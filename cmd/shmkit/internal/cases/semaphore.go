package cases

import (
	"os"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// signals are two semaphores, one for each direction, on lines of their own.
type signals struct {
	There sem.Semaphore
	_     [124]byte
	Back  sem.Semaphore
	_     [124]byte
}

var semaphoreToken = lab.NewRole("semaphore.token", func(w *lab.Worker) error {
	var v shm.Var[signals]
	if err := take(w, 0, &v); err != nil {
		return err
	}
	for s := &v.Ptr().There; ; {
		for range burst / 4 {
			if err := s.Release(1); err != nil {
				return err
			}
			if err := s.Acquire(ctx); err != nil {
				return err
			}
		}
		w.Add(burst / 4)
	}
})

// pipeToken keeps its tokens in a pipe, as make does.
var pipeToken = lab.NewRole("semaphore.pipe", func(w *lab.Worker) error {
	r, out, err := os.Pipe()
	if err != nil {
		return err
	}
	for b := make([]byte, 1); ; {
		if _, err := out.Write(b); err != nil {
			return err
		}
		if _, err := r.Read(b); err != nil {
			return err
		}
		w.Add(1)
	}
})

var semaphorePing = lab.NewRole("semaphore.ping", func(w *lab.Worker) error {
	var v shm.Var[signals]
	if err := take(w, 0, &v); err != nil {
		return err
	}
	s := v.Ptr()
	return w.RoundTrips(func() error {
		if err := s.There.Release(1); err != nil {
			return err
		}
		return s.Back.Acquire(ctx)
	})
})

var semaphorePong = lab.NewRole("semaphore.pong", func(w *lab.Worker) error {
	var v shm.Var[signals]
	if err := take(w, 0, &v); err != nil {
		return err
	}
	for s := v.Ptr(); ; {
		if err := s.There.Acquire(ctx); err != nil {
			return err
		}
		if err := s.Back.Release(1); err != nil {
			return err
		}
	}
})

func shareSignals(s *lab.Stage) error {
	v, err := shm.New[signals]()
	return give(s, v, err)
}

func init() {
	lab.Register(lab.Group{
		Name:   "semaphore/uncontended",
		Kind:   lab.Cost,
		Cases:  []lab.Case{{Name: "semaphore/uncontended", Subject: lab.Procs{Label: ours, Share: shareSignals, Roles: []lab.Role{semaphoreToken}}}},
		Rivals: []lab.Subject{lab.Procs{Label: "pipe", Roles: []lab.Role{pipeToken}}},
	})
	lab.Register(lab.Group{
		Name:   "semaphore/rtt/blocking",
		Kind:   lab.RoundTrip,
		Cases:  []lab.Case{{Name: "semaphore/rtt/blocking", Subject: lab.Procs{Label: ours, Share: shareSignals, Roles: []lab.Role{semaphorePing, semaphorePong}}}},
		Rivals: kernelRoundTrips(1, blocking),
	})
}
