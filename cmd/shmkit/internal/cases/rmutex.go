package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// owned is a number and its recursive lock, on lines of their own.
type owned struct {
	Mu sem.RMutex
	_  [120]byte
	N  uint64
}

var ownerLock = lab.NewRole("rmutex.lock", func(w *lab.Worker) error {
	g, err := takeVar[owned](w)
	if err != nil {
		return err
	}
	for o := g.Mu.Owner(); ; {
		for range few {
			o.Lock()
			g.N++
			o.Unlock()
		}
		w.Add(few)
	}
})

func init() {
	share := shareVar[owned](nil)
	file := func(roles ...lab.Role) lab.Subject { return lab.Procs{Label: "flock", Share: shareFile, Roles: roles} }
	askFor(lab.Cost, ourCase("rmutex/pair", share, ownerLock), file(fileLock), inOneProcess("sync.Mutex", syncLock))
	askFor(lab.Operations, ourCase("rmutex/contended", share, ownerLock, ownerLock), file(fileLock, fileLock))
}
