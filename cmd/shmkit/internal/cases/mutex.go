package cases

import (
	"os"
	"sync"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// guarded is a number and its lock, on lines of their own.
type guarded struct {
	Mu sem.Mutex
	_  [124]byte
	N  uint64
}

var mutexLock = lab.NewRole("mutex.lock", func(w *lab.Worker) error {
	var v shm.Var[guarded]
	if err := take(w, 0, &v); err != nil {
		return err
	}
	for g := v.Ptr(); ; {
		for range burst / 4 {
			g.Mu.Lock()
			g.N++
			g.Mu.Unlock()
		}
		w.Add(burst / 4)
	}
})

// syncLock is the lock of one process, which is no substitute: it says what
// there is to gain at most.
var syncLock = lab.NewRole("mutex.sync", func(w *lab.Worker) error {
	var g struct {
		sync.Mutex
		n uint64
	}
	for {
		for range burst / 4 {
			g.Lock()
			g.n++
			g.Unlock()
		}
		w.Add(burst / 4)
	}
})

// fileLock and fileRead are what a Go program has without a shared lock.
var (
	fileLock = lab.NewRole("mutex.flock", func(w *lab.Worker) error { return lockFile(w, lockExclusive) })
	fileRead = lab.NewRole("mutex.flock-shared", func(w *lab.Worker) error { return lockFile(w, lockShared) })
)

func lockFile(w *lab.Worker, how int) error {
	f, err := os.Open(w.Texts[0])
	if err != nil {
		return err
	}
	for fd := int(f.Fd()); ; {
		if err := flock(fd, how); err != nil {
			return err
		}
		if err := flock(fd, lockNone); err != nil {
			return err
		}
		w.Add(1)
	}
}

func shareMutex(s *lab.Stage) error {
	v, err := shm.New[guarded]()
	return give(s, v, err)
}

func shareFile(s *lab.Stage) error {
	f, err := os.CreateTemp("", "shmkit-bench-")
	if err != nil {
		return err
	}
	s.Cleanup(func() { os.Remove(f.Name()) })
	s.Text(f.Name())
	return f.Close()
}

func init() {
	lab.Register(lab.Group{
		Name:  "mutex/uncontended",
		Kind:  lab.Cost,
		Cases: []lab.Case{{Name: "mutex/uncontended", Subject: lab.Procs{Label: ours, Share: shareMutex, Roles: []lab.Role{mutexLock}}}},
		Rivals: []lab.Subject{
			lab.Procs{Label: "flock", Share: shareFile, Roles: []lab.Role{fileLock}},
			lab.Procs{Label: "sync.Mutex, one process", Roles: []lab.Role{syncLock}},
		},
	})
	lab.Register(lab.Group{
		Name:  "mutex/contended",
		Kind:  lab.Operations,
		Cases: []lab.Case{{Name: "mutex/contended", Subject: lab.Procs{Label: ours, Share: shareMutex, Roles: []lab.Role{mutexLock, mutexLock}}}},
		Rivals: []lab.Subject{
			lab.Procs{Label: "flock", Share: shareFile, Roles: []lab.Role{fileLock, fileLock}},
		},
	})
}
