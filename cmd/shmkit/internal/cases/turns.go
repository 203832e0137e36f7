package cases

import (
	"os"
	"slices"
	"time"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
)

// Processes want one lock: each holds it for a microsecond, keeps off it for
// another, and wants it again. Two of them have a CPU each. With sixteen the
// holder is often not running; what that does to the others is what this is
// about.
const held = time.Microsecond

var mutexTurns = lab.NewRole("mutex.turns", func(w *lab.Worker) error {
	g, err := takeVar[guarded](w)
	if err != nil {
		return err
	}
	return w.Turns(held,
		func() error { g.Mu.Lock(); g.N++; return nil },
		func() error { g.Mu.Unlock(); return nil })
})

var fileTurns = lab.NewRole("mutex.flock-turns", func(w *lab.Worker) error {
	f, err := os.Open(w.Texts[0])
	if err != nil {
		return err
	}
	fd := int(f.Fd())
	return w.Turns(held,
		func() error { return flock(fd, lockExclusive) },
		func() error { return flock(fd, lockNone) })
})

func init() {
	for name, n := range map[string]int{"mutex/turns2": 2, "mutex/oversub16": 16} {
		askFor(lab.Turns,
			ourCase(name, shareMutex, slices.Repeat([]lab.Role{mutexTurns}, n)...),
			lab.Procs{Label: "flock", Share: shareFile, Roles: slices.Repeat([]lab.Role{fileTurns}, n)})
	}
}
