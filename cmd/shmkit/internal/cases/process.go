package cases

import (
	"context"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/process"
)

var nothing = process.Register("bench.nothing", func(context.Context, struct{}) error { return nil })

// processStart starts a child and waits for its end. The child is this whole command, which is larger, and so slower to start,
// than most programs: see docs/performance.md.
var processStart = lab.NewRole("process.start", func(w *lab.Worker) error {
	for ; ; w.Add(1) {
		p, err := nothing.Start(ctx, struct{}{})
		if err != nil {
			return err
		}
		if err := p.Join(ctx); err != nil {
			return err
		}
	}
})

func init() {
	askFor(lab.Cost, ourCase("process/start", func(*lab.Stage) error { return nil }, processStart))
}
