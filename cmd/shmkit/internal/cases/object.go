package cases

import (
	"encoding"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/shm"
)

// handle is any of shmkit's objects.
type handle interface {
	encoding.TextMarshaler
	Close() error
}

// give passes objects to the workers, as text, and keeps them until the workers
// are gone. It takes the results of a constructor.
func give[H handle](s *lab.Stage, h H, err error) error {
	if err != nil {
		return err
	}
	s.Cleanup(func() { h.Close() })
	text, err := h.MarshalText()
	if err != nil {
		return err
	}
	s.Text(string(text))
	return nil
}

// take opens object i of a worker: h is a pointer to its zero value.
func take(w *lab.Worker, i int, h encoding.TextUnmarshaler) error {
	return h.UnmarshalText([]byte(w.Texts[i]))
}

// shareVar gives the workers a T, on which init was called, if there is one.
func shareVar[T any](init func(*T)) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		v, err := shm.Config[T]{Init: init}.New()
		return give(s, v, err)
	}
}

// takeVar is its other side.
func takeVar[T any](w *lab.Worker) (*T, error) {
	v := new(shm.Var[T])
	if err := take(w, 0, v); err != nil {
		return nil, err
	}
	return v.Ptr(), nil
}
