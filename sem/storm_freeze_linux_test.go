package sem_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
)

// freeze stops one of a team by chance, for up to some slices, as often as the test's budget says.
func freeze(team []*proctest.Proc) {
	for range killstep.Budget(60) {
		p := team[rand.IntN(len(team))]
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
		p.Stop()
		if d := time.Duration(rand.IntN(4)) * short; d > 0 {
			time.Sleep(d)
		}
		p.Cont()
	}
}

// Processes that work under one Mutex are stopped by chance, with it and without, for longer than a slice.
// Nobody takes that for a death: it is never abandoned, and two are never inside.
func TestFreezeStormMutex(t *testing.T) {
	l, text := newLab(t)
	var team []*proctest.Proc
	for i := range 4 {
		team = append(team, worker(t, text, 1+i, -1))
	}
	for _, p := range team {
		p.Expect("ready")
	}
	freeze(team)
	l.Stop.Store(1)
	for _, p := range team {
		p.Expect("done")
	}
	n := l.N[0].Load()
	t.Logf("%d rounds", n)
	if l.Slow.Load() != 0 || n != l.sum() || n != l.N[2].Load() || l.muWord()>>ownerAt != 0 {
		t.Errorf("%d rounds, the workers did %d; taken over %d times; word %#x", n, l.sum(), l.Slow.Load(), l.muWord())
	}
}

// The same for the readers and writers of an RWMutex and the holders of permits.
func TestFreezeStormRWMutex(t *testing.T) {
	l, text := newRWLab(t)
	l.reset(0, 2)
	var team []*proctest.Proc
	for i := range 4 {
		team = append(team, proctest.Start(t, "rwworker", text, strconv.Itoa(i), "-1"))
	}
	freeze(team)
	l.Stop.Store(1)
	for _, p := range team {
		p.Expect("done")
	}
	if l.Mends.Load() != 0 || l.readers(0) != 0 || l.writer() != 0 || l.taken(0) != 0 || l.N[0].Load() != l.N[1].Load() {
		t.Errorf("%d repairs; left: %d readers, writer %#x, %d permits taken", l.Mends.Load(), l.readers(0), l.writer(), l.taken(0))
	}
}
