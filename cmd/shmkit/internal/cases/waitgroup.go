package cases

import (
	"sync"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

var groupPair = lab.NewRole("waitgroup.pair", func(w *lab.Worker) error {
	g, err := takeVar[sem.WaitGroup](w)
	if err != nil {
		return err
	}
	for {
		for range few {
			g.Add(1)
			g.Done()
		}
		w.Add(few)
	}
})

// groupEnter is counted by name, so that its death would not be waited for.
var groupEnter = lab.NewRole("waitgroup.enter", func(w *lab.Worker) error {
	g, err := takeVar[sem.WaitGroup](w)
	if err != nil {
		return err
	}
	for {
		for range few {
			g.Enter()
			g.Leave()
		}
		w.Add(few)
	}
})

// groupWait waits for nobody.
var groupWait = lab.NewRole("waitgroup.wait", func(w *lab.Worker) error {
	g, err := takeVar[sem.WaitGroup](w)
	if err != nil {
		return err
	}
	for {
		for range burst {
			if err := g.Wait(ctx); err != nil {
				return err
			}
		}
		w.Add(burst)
	}
})

var (
	syncGroupPair = lab.NewRole("waitgroup.sync-pair", func(w *lab.Worker) error {
		for g := new(sync.WaitGroup); ; w.Add(few) {
			for range few {
				g.Add(1)
				g.Done()
			}
		}
	})
	syncGroupWait = lab.NewRole("waitgroup.sync-wait", func(w *lab.Worker) error {
		for g := new(sync.WaitGroup); ; w.Add(many) {
			for range many {
				g.Wait()
			}
		}
	})
)

func init() {
	share := shareVar[sem.WaitGroup](nil)
	askFor(lab.Cost, ourCase("waitgroup/pair", share, groupPair), inOneProcess("sync.WaitGroup", syncGroupPair))
	askFor(lab.Cost, ourCase("waitgroup/enter", share, groupEnter), inOneProcess("sync.WaitGroup", syncGroupPair))
	askFor(lab.Cost, ourCase("waitgroup/wait", share, groupWait), inOneProcess("sync.WaitGroup", syncGroupWait))
}
