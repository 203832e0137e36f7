package cases

import (
	"sync"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// onceDone asks for what has been done long ago.
var onceDone = lab.NewRole("once.done", func(w *lab.Worker) error {
	o, err := takeVar[sem.Once](w)
	if err != nil {
		return err
	}
	f := func() error { sink++; return nil }
	for {
		for range many {
			if err := o.Do(ctx, f); err != nil {
				return err
			}
		}
		w.Add(many)
	}
})

var syncOnce = lab.NewRole("once.sync", func(w *lab.Worker) error {
	f := func() { sink++ }
	for o := new(sync.Once); ; w.Add(many) {
		for range many {
			o.Do(f)
		}
	}
})

func init() {
	askFor(lab.Cost, ourCase("once/done", shareVar[sem.Once](nil), onceDone), inOneProcess("sync.Once", syncOnce))
}
