package include_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// pair is what Mu guards: A and B are equal whenever nobody holds it.
type pair struct {
	Mu   sem.Mutex
	A, B uint64
}

func newPair(t testing.TB) (*shm.Var[pair], *pair) {
	t.Helper()
	v, err := shm.New[pair]()
	must(t, err)
	t.Cleanup(func() { v.Close() })
	return v, v.Ptr()
}

func TestMutexAnswersInC(t *testing.T) {
	v, p := newPair(t)
	start(t, "mutex", text(t, v)).Expect("NOT_HELD NOT_HELD OK BUSY TIMEOUT TIMEOUT OK 0")
	if !p.Mu.TryLock() {
		t.Error("it is held")
	}
	p.Mu.Unlock()
}

// Three C processes and this one count under one lock.
func TestMutexBetweenCAndGo(t *testing.T) {
	const each = 50_000
	v, p := newPair(t)
	var procs []*proctest.Proc
	for range 3 {
		c := start(t, "count", text(t, v), strconv.Itoa(each))
		c.Expect("ready")
		procs = append(procs, c)
	}
	for _, c := range procs {
		c.Send("go")
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range each {
				p.Mu.Lock()
				p.A++
				p.B++
				p.Mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, c := range procs {
		c.Expect("0 repairs, 0 torn")
		c.Wait()
	}
	if p.A != 5*each || p.B != 5*each {
		t.Errorf("%d and %d of %d", p.A, p.B, 5*each)
	}
}

// The C holder dies while a goroutine waits.
func TestCHolderDies(t *testing.T) {
	v, p := newPair(t)
	c := start(t, "hold", text(t, v))
	c.Expect("ready")
	c.Expect("OK")
	if p.Mu.TryLock() {
		t.Fatal("both hold it")
	}
	got := make(chan error, 1)
	ctx := within(t)
	go func() { got <- p.Mu.LockContext(ctx) }()
	time.Sleep(5 * time.Millisecond) // it is asleep by now, or not: either will do
	start := time.Now()
	c.Kill()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	t.Logf("taken over after %v", time.Since(start))
	if !p.Mu.Abandoned() {
		t.Error("not abandoned")
	}
	p.Mu.Repaired()
	p.Mu.Unlock()
}

var _ = proctest.Register("hold in Go", func(args []string) int {
	var v shm.Var[pair]
	if v.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	v.Ptr().Mu.Lock()
	proctest.Say("held")
	proctest.Hear()
	return 0
})

// The Go holder dies while a C process waits. That one does not repair, so the next is told as well.
func TestGoHolderDies(t *testing.T) {
	v, p := newPair(t)
	g := proctest.Start(t, "hold in Go", text(t, v))
	g.Expect("held")
	c := start(t, "hold", text(t, v))
	c.Expect("ready")
	g.Kill()
	c.Expect("ABANDONED")
	c.Send("unlock")
	c.Expect("OK")
	must(t, p.Mu.LockContext(within(t)))
	if !p.Mu.Abandoned() {
		t.Error("not abandoned, though nobody has repaired")
	}
	p.Mu.Repaired()
	p.Mu.Unlock()
}

// A stopped holder is no dead one.
func TestStoppedCHolder(t *testing.T) {
	v, p := newPair(t)
	c := start(t, "hold", text(t, v))
	c.Expect("ready")
	c.Expect("OK")
	c.Stop()
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if p.Mu.TryLock() {
			t.Fatal("taken from a stopped holder")
		}
	}
	c.Cont()
	c.Send("unlock")
	c.Expect("OK")
	must(t, p.Mu.LockContext(within(t)))
	if p.Mu.Abandoned() {
		t.Error("abandoned")
	}
	p.Mu.Unlock()
}

// A forked child is another participant: its parent's death frees what the parent holds, though the child lives.
func TestForkInC(t *testing.T) {
	v, p := newPair(t)
	c := start(t, "fork", text(t, v))
	c.Expect("1 BUSY")
	c.Expect("child")
	if p.Mu.TryLock() {
		t.Fatal("taken from the living")
	}
	c.Zombie()
	must(t, p.Mu.LockContext(within(t)))
	if !p.Mu.Abandoned() {
		t.Error("not abandoned")
	}
	p.Mu.Unlock()
	c.Send("go")
	c.Expect("ABANDONED")
}
