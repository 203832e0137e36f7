package sem_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// hoard takes all permits that there are, and waits to be killed.
func hoard(l *rwlab) {
	for range l.Bo.Cap() {
		if err := l.Bo.Acquire(context.Background()); err != nil {
			proctest.Say(err.Error())
			return
		}
	}
	proctest.Say("has all")
	proctest.Hear()
}

func startHoarder(t *testing.T, text string) *proctest.Proc {
	h := proctest.Start(t, "hoarder", text)
	h.Expect("has all")
	return h
}

// rwkeeper does as it is told.
var _ = rwHelper("rwkeeper", func(l *rwlab, args []string) {
	g := l.RW.Guard(l.mend)
	orders := map[string]func(){
		"rlock": l.RW.RLock, "runlock": l.RW.RUnlock, "lock": l.RW.Lock, "unlock": l.RW.Unlock,
		"guarded rlock": g.RLock, "guarded lock": g.Lock,
		"tear": func() { l.RW.Lock(); l.N[0].Add(1) },
		"intact": func() {
			if l.N[0].Load() != l.N[1].Load() {
				proctest.Say("torn")
			}
		},
	}
	for {
		order := proctest.Hear()
		orders[order]()
		proctest.Say(order)
	}
})

// mend commits what a dead writer had begun.
func (l *rwlab) mend() {
	l.N[1].Store(l.N[0].Load())
	l.In.Store(0)
	l.Mends.Add(1)
}

func keeper(t *testing.T, text string, orders ...string) *proctest.Proc {
	p := proctest.Start(t, "rwkeeper", text)
	obey(p, orders...)
	return p
}

func obey(p *proctest.Proc, orders ...string) {
	for _, order := range orders {
		p.Send(order)
		p.Expect(order)
	}
}

// Eight processes read; the ninth waits for one of them to leave, or to die.
func TestRWMutexNinthReader(t *testing.T) {
	l, text := newRWLab(t)
	var procs []*proctest.Proc
	for range rwPlaces {
		procs = append(procs, keeper(t, text, "rlock", "rlock"))
	}
	if l.RW.TryRLock() {
		t.Fatal("a ninth process reads")
	}
	if err := l.RW.RLockContext(ended()); err != context.Canceled {
		t.Fatalf("a ninth process reads: %v", err)
	}
	for i, leave := range []func(p *proctest.Proc){
		func(p *proctest.Proc) { obey(p, "runlock", "runlock") },
		(*proctest.Proc).Kill,
	} {
		got := later(func() bool { return true }, l.RW.RLockContext)
		until(l.drainWaited)
		if n := l.readers(owner.ID()); n != 0 {
			t.Errorf("the ninth has %d places", n)
		}
		leave(procs[i])
		if err := <-got; err != nil {
			t.Errorf("the ninth: %v", err)
		}
		l.RW.RLock()   // again, in the same place
		l.RW.RUnlock() //lint:ignore SA2001 nothing to do inside
		l.RW.RUnlock()
		if i == 0 {
			obey(procs[i], "rlock")
		}
	}
}

// A dead reader is nobody; a stopped one is a reader.
func TestRWMutexDeadReader(t *testing.T) {
	l, text := newRWLab(t)
	p := keeper(t, text, "rlock", "rlock")
	p.Stop()
	if err := respectRW(l); err != nil {
		t.Error(err)
	}
	got := later(func() bool { return true }, l.RW.LockContext)
	until(l.drainWaited)
	p.Cont()
	p.Kill()
	if err := <-got; err != nil || l.RW.Abandoned() {
		t.Errorf("%v, abandoned %v", err, l.RW.Abandoned())
	}
	l.RW.Unlock()
}

// A writer dies inside, or while it waits for a reader to leave: the next one, of either kind, comes in.
func TestRWMutexDeadWriter(t *testing.T) {
	for _, draining := range []bool{false, true} {
		for name, get := range map[string]func(l *rwlab) (func(context.Context) error, func()){
			"reader": func(l *rwlab) (func(context.Context) error, func()) { return l.RW.RLockContext, l.RW.RUnlock },
			"writer": func(l *rwlab) (func(context.Context) error, func()) { return l.RW.LockContext, l.RW.Unlock },
		} {
			t.Run(name+" "+strconv.FormatBool(draining), func(t *testing.T) {
				l, text := newRWLab(t)
				wait, leave := get(l)
				if draining {
					l.RW.RLock()
				}
				p := proctest.Start(t, "rwkeeper", text)
				p.Send("lock")
				until(l.written)
				if draining {
					until(l.drainWaited)
				} else {
					p.Expect("lock")
				}
				if l.RW.TryRLock() || l.RW.TryLock() {
					t.Error("a writer excludes nobody")
				}
				got := later(func() bool { return true }, wait)
				until(l.writerWaited)
				p.Kill()
				if draining {
					l.RW.RUnlock()
				}
				if err := <-got; err != nil || !l.RW.Abandoned() {
					t.Fatalf("%v, abandoned %v", err, l.RW.Abandoned())
				}
				leave()
				l.RW.Lock()
				l.RW.Repaired()
				l.RW.Unlock()
			})
		}
	}
}

// A writer dies in the midst. Who comes next through a guard, in whichever process, finds all repaired.
func TestRWGuardRepairs(t *testing.T) {
	for _, order := range []string{"guarded rlock", "guarded lock"} {
		l, text := newRWLab(t)
		keeper(t, text, "tear").Kill()
		a, b := keeper(t, text), keeper(t, text)
		if order == "guarded lock" {
			obey(a, order, "intact", "unlock")
		} else {
			obey(a, order, "intact")
			obey(b, order)
			obey(b, "intact", "runlock")
			obey(a, "runlock")
		}
		g := l.RW.Guard(l.mend)
		g.RLock()
		if l.N[0].Load() != 1 || l.N[1].Load() != 1 || l.Mends.Load() != 1 {
			t.Errorf("%s: %d, %d, mended %d times", order, l.N[0].Load(), l.N[1].Load(), l.Mends.Load())
		}
		g.RUnlock()
	}
}

// A repair that panics leaves the lock free and abandoned.
func TestRWGuardPanics(t *testing.T) {
	l, text := newRWLab(t)
	keeper(t, text, "tear").Kill()
	bad := l.RW.Guard(func() { panic("no") })
	mustPanic(t, "Lock", bad.Lock)
	mustPanic(t, "RLock", bad.RLock)
	if !l.RW.TryLock() || !l.RW.Abandoned() {
		t.Error("the lock is not free, or not abandoned")
	}
}

// rwwork does rounds until it is told to stop: writes, reads, and rounds with a permit.
func rwwork(l *rwlab, me, rounds int) {
	g := l.RW.Guard(l.mend)
	n := int64(l.Bo.Cap())
	for i := 0; l.Stop.Load() == 0 && i != rounds; i++ {
		if i%4 == 0 {
			g.Lock()
			if !l.In.CompareAndSwap(0, int64(me)) {
				proctest.Say("two write")
			}
			l.N[0].Add(1)
			l.N[1].Add(1)
			l.In.Store(0)
			g.Unlock()
		} else {
			g.RLock()
			if l.In.Load() != 0 || l.N[0].Load() != l.N[1].Load() {
				proctest.Say("a writer beside a reader, or torn and not abandoned")
			}
			g.RUnlock()
		}
		if l.Bo.Acquire(context.Background()) != nil || int64(l.taken(0)) > n || l.Bo.Release() != nil {
			proctest.Say("a permit is wrong")
		}
		l.Done[me].Add(1)
	}
}

var _ = rwHelper("rwworker", func(l *rwlab, args []string) {
	me, _ := strconv.Atoi(args[0])
	rounds, _ := strconv.Atoi(args[1])
	rwwork(l, me, rounds)
	proctest.Say("done")
})

// Four processes write, read and take permits, and no round is lost.
func TestRWMutexProcesses(t *testing.T) {
	l, text := newRWLab(t)
	l.reset(0, 2)
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	var procs []*proctest.Proc
	for i := range 4 {
		procs = append(procs, proctest.Start(t, "rwworker", text, strconv.Itoa(i), strconv.Itoa(rounds)))
	}
	for _, p := range procs {
		p.Expect("done")
	}
	if n := l.N[0].Load(); n != int64(rounds) || n != l.N[1].Load() {
		t.Errorf("%d and %d writes, want %d", n, l.N[1].Load(), rounds)
	}
	if l.Bo.Value() != 2 || l.readers(0) != 0 || atomic.LoadUint32(l.word()) != 0 {
		t.Error("something is left")
	}
}

// Processes come between the readers or the writers of another that never leave the lock alone.
func TestRWMutexNobodyStarves(t *testing.T) {
	for _, others := range []string{"readers", "writers"} {
		l, text := newRWLab(t)
		p := proctest.Start(t, "rwhogs", text, others)
		p.Expect("busy")
		wait, leave := l.RW.RLockContext, l.RW.RUnlock
		if others == "readers" {
			wait, leave = l.RW.LockContext, l.RW.Unlock
		}
		for i := range 20 {
			if err := wait(within(t)); err != nil {
				t.Fatalf("beside %s: %d: %v", others, i, err)
			}
			leave()
		}
		l.Stop.Store(1)
		p.Expect("done")
	}
}

var _ = rwHelper("rwhogs", func(l *rwlab, args []string) {
	lock, unlock := l.RW.RLock, l.RW.RUnlock
	if args[0] == "writers" {
		lock, unlock = l.RW.Lock, l.RW.Unlock
	}
	done := make(chan bool)
	lock()
	proctest.Say("busy")
	for range 3 {
		go func() {
			for l.Stop.Load() == 0 {
				lock()
				time.Sleep(50 * time.Microsecond)
				unlock()
			}
			done <- true
		}()
	}
	unlock()
	for range 3 {
		<-done
	}
	proctest.Say("done")
})

// mine is the place in which this process reads, which must be one.
func (l *rwlab) mine(t *testing.T) int {
	t.Helper()
	at := -1
	l.each(rwPlaces, func(i int) {
		if uint32(atomic.LoadUint64(l.place(i)))>>ownerAt == owner.ID() {
			if at >= 0 {
				t.Errorf("it reads in places %d and %d", at, i)
			}
			at = i
		}
	})
	if at < 0 {
		t.Fatal("it reads in no place")
	}
	return at
}

// Of two processes that look at the same place first, one looks elsewhere from then on: else each would drag
// the other's cache line about for ever.
func TestRWMutexReadersPart(t *testing.T) {
	l, text := newRWLab(t)
	p := keeper(t, text, "rlock")
	var other uint64
	l.each(rwPlaces, func(i int) { other = max(other, atomic.LoadUint64(l.place(i))) })
	obey(p, "runlock")
	l.RW.RLock()
	before := l.mine(t)
	l.RW.RUnlock()
	atomic.StoreUint64(l.place(before), other)
	for range 2 { // beside the other, and after it has left
		l.RW.RLock()
		if is := l.mine(t); is == before {
			t.Errorf("it still reads in place %d", is)
		}
		l.RW.RUnlock()
		atomic.StoreUint64(l.place(before), 0)
	}
	if n := l.readers(0); n != 0 {
		t.Errorf("%d read locks are left", n)
	}
}
