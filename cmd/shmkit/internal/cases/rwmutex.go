package cases

import (
	"sync"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// shelf is a number that is read more often than written.
type shelf struct {
	Mu sem.RWMutex
	_  [128]byte
	N  uint64
}

var shelfRead = lab.NewRole("rwmutex.read", func(w *lab.Worker) error {
	p, err := takeVar[shelf](w)
	if err != nil {
		return err
	}
	for sum := uint64(0); ; sink = sum {
		for range few {
			p.Mu.RLock()
			sum += p.N
			p.Mu.RUnlock()
		}
		w.Add(few)
	}
})

var shelfWrite = lab.NewRole("rwmutex.write", func(w *lab.Worker) error {
	p, err := takeVar[shelf](w)
	if err != nil {
		return err
	}
	for {
		for range few {
			p.Mu.Lock()
			p.N++
			p.Mu.Unlock()
		}
		w.Add(few)
	}
})

var syncRead = lab.NewRole("rwmutex.sync-read", func(w *lab.Worker) error {
	var p struct {
		sync.RWMutex
		n uint64
	}
	for sum := uint64(0); ; sink = sum {
		for range few {
			p.RLock()
			sum += p.n
			p.RUnlock()
		}
		w.Add(few)
	}
})

var syncWrite = lab.NewRole("rwmutex.sync-write", func(w *lab.Worker) error {
	var p struct {
		sync.RWMutex
		n uint64
	}
	for {
		for range few {
			p.Lock()
			p.n++
			p.Unlock()
		}
		w.Add(few)
	}
})

func init() {
	share := shareVar[shelf](nil)
	file := func(roles ...lab.Role) lab.Subject { return lab.Procs{Label: "flock", Share: shareFile, Roles: roles} }
	askFor(lab.Cost, ourCase("rwmutex/read", share, shelfRead), file(fileRead), inOneProcess("sync.RWMutex", syncRead))
	askFor(lab.Cost, ourCase("rwmutex/write", share, shelfWrite), file(fileLock), inOneProcess("sync.RWMutex", syncWrite))
	askFor(lab.Operations, ourCase("rwmutex/mixed2", share, shelfRead, shelfWrite), file(fileRead, fileLock))
	lab.Register(lab.Group{
		Name:   "rwmutex/readers2",
		Kind:   lab.Operations,
		Cases:  []lab.Case{ourCase("rwmutex/readers2", share, shelfRead, shelfRead)},
		Rivals: []lab.Subject{file(fileRead, fileRead)},
	})
}
