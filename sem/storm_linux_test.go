package sem_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
)

// work does rounds under the lock until it is told to stop. The three counters agree whenever the lock is
// not abandoned; In finds two who are inside at once.
func work(l *lab, me int64, rounds int64) {
	for l.Stop.Load() == 0 && rounds != 0 {
		rounds--
		l.Mu.Lock()
		if l.Mu.Abandoned() {
			l.mend()
		}
		if was := l.In.Swap(me); was != 0 {
			proctest.Say("two are inside: " + strconv.FormatInt(was, 10))
			return
		}
		n := l.N[0].Load()
		if l.N[1].Load() != n || l.N[2].Load() != n {
			proctest.Say("torn, and not abandoned")
			return
		}
		l.N[0].Store(n + 1)
		if n%64 == 0 {
			runtime.Gosched()
		}
		l.N[1].Store(n + 1)
		l.N[2].Store(n + 1)
		l.Done[me].Add(1)
		l.In.Store(0)
		l.Mu.Unlock()
	}
}

// mend commits what the dead holder had begun.
func (l *lab) mend() {
	n := l.N[0].Load()
	l.N[1].Store(n)
	l.N[2].Store(n)
	l.In.Store(0)
	l.Slow.Add(1) // deaths in the midst
	l.Mu.Repaired()
}

func (l *lab) sum() (n int64) {
	for i := range l.Done {
		n += l.Done[i].Load()
	}
	return n
}

var _ = helper("worker", func(l *lab, args []string) {
	me, _ := strconv.ParseInt(args[0], 10, 64)
	rounds, _ := strconv.ParseInt(args[1], 10, 64)
	proctest.Say("ready")
	work(l, me, rounds)
	proctest.Say("done")
})

func worker(t *testing.T, text string, me, rounds int) *proctest.Proc {
	return proctest.Start(t, "worker", text, strconv.Itoa(me), strconv.Itoa(rounds))
}

// Processes that all work under one lock are killed by chance, and new ones take their places.
func TestStorm(t *testing.T) {
	l, text := newLab(t)
	const team = 4
	var procs [team]*proctest.Proc
	for i := range procs {
		procs[i] = worker(t, text, 1+i, -1)
	}
	for _, p := range procs {
		p.Expect("ready")
	}
	var p pace
	kills := killstep.Budget(120)
	for range kills {
		i := rand.IntN(team)
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		n := l.N[2].Load()
		procs[i].Kill()
		start := time.Now()
		if !until(func() bool { return l.N[2].Load() > n+1 }) {
			t.Fatalf("nobody goes on: word %#x", l.muWord())
		}
		p.took(time.Since(start))
		procs[i] = worker(t, text, 1+i, -1)
	}
	l.Stop.Store(1)
	for _, p := range procs {
		line := p.Recv()
		if line == "ready" {
			line = p.Recv()
		}
		if line != "done" {
			t.Errorf("a worker says %q", line)
		}
		if code := p.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	p.judge(t)
	if err := p.survive(l); err != nil {
		t.Error(err)
	}
	n := l.N[0].Load()
	t.Logf("%d kills, %d of them inside; %d rounds", kills, l.Slow.Load(), n)
	if d := n - l.sum(); d < 0 || d > l.Slow.Load()+1 {
		t.Errorf("%d rounds, and the workers did %d; %d died inside", n, l.sum(), l.Slow.Load())
	}
}
