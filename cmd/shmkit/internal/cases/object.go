package cases

import (
	"encoding"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
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
