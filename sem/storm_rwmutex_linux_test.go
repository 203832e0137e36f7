package sem_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
)

// impatient waits n times for some microseconds, and gives back what it got.
func impatient(n int, wait func(context.Context) error, leave func()) {
	for range n {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(80))*time.Microsecond)
		if wait(ctx) == nil {
			leave()
		}
		cancel()
	}
}

// Waits are cancelled while wake-ups come, here and in another process, and no slice heals anything: those who
// are patient get what they wait for all the same.
func TestStormOfCancellations(t *testing.T) {
	l, text := newRWLab(t)
	slice(t, time.Hour)
	l.reset(0, 1)
	const goroutines = 6
	n := killstep.Budget(6000) / goroutines
	other := proctest.Start(t, "rwpatient", text)
	other.Expect("going")
	release := func() { _ = l.Bo.Release() }
	var hasty, steady sync.WaitGroup
	steady.Go(l.patient)
	for range goroutines / 3 {
		hasty.Go(func() { impatient(n, l.RW.LockContext, l.RW.Unlock) })
		hasty.Go(func() { impatient(n, l.RW.RLockContext, l.RW.RUnlock) })
		hasty.Go(func() { impatient(n, l.Bo.Acquire, release) })
	}
	finished := make(chan struct{})
	go func() {
		hasty.Wait()
		until(func() bool { return l.Done[0].Load() > 0 && l.Done[2].Load() > 0 })
		l.Stop.Store(1)
		steady.Wait()
		close(finished)
	}()
	for was := int64(-1); ; {
		select {
		case <-finished:
			other.Expect("done")
			if l.readers(0) != 0 || l.writer() != 0 || l.Bo.Value() != 1 {
				t.Errorf("left: %d readers, writer %#x, %d permits", l.readers(0), l.writer(), l.Bo.Value())
			}
			return
		case <-time.After(ever):
		}
		is := l.Done[0].Load() + l.Done[1].Load() + l.Done[2].Load()
		if is == was {
			t.Fatalf("somebody waits for what is free: word %#x, drain %#x, bell %#x", atomic.LoadUint32(l.word()), atomic.LoadUint32(l.drain()), atomic.LoadUint32(l.bell()))
		}
		was = is
	}
}

// patient never gives up, until it is told to stop.
func (l *rwlab) patient() {
	for l.Stop.Load() == 0 {
		l.RW.Lock()
		l.Done[0].Add(1)
		l.RW.Unlock()
		l.RW.RLock()
		l.Done[1].Add(1)
		l.RW.RUnlock()
		if l.Bo.Acquire(context.Background()) == nil {
			l.Done[2].Add(1)
			_ = l.Bo.Release()
		}
	}
}

var _ = proctest.Register("rwpatient", func(args []string) int {
	l := enterRW(args)
	park.SetSlice(time.Hour)
	proctest.Say("going")
	l.patient()
	proctest.Say("done")
	return 0
})

// Processes that write, read and take permits are killed by chance, and new ones take their places.
func TestStormOfDeaths(t *testing.T) {
	l, text := newRWLab(t)
	l.reset(0, 2)
	const team = 4
	start := func(i int) *proctest.Proc { return proctest.Start(t, "rwworker", text, strconv.Itoa(i), "-1") }
	var procs [team]*proctest.Proc
	for i := range procs {
		procs[i] = start(i)
	}
	var p pace
	sum := func() (n int64) {
		for i := range team {
			n += l.Done[i].Load()
		}
		return n
	}
	for range killstep.Budget(60) {
		i := rand.IntN(team)
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		n, begin := sum(), time.Now()
		procs[i].Kill()
		if !until(func() bool { return sum() > n+team }) {
			t.Fatalf("nobody goes on: word %#x, drain %#x, bell %#x", atomic.LoadUint32(l.word()), atomic.LoadUint32(l.drain()), atomic.LoadUint32(l.bell()))
		}
		p.took(time.Since(begin))
		procs[i] = start(i)
	}
	l.Stop.Store(1)
	for _, w := range procs {
		w.Expect("done")
	}
	p.judge(t)
	if err := p.gain("write", l.RW.LockContext); err != nil {
		t.Fatal(err)
	}
	if n := l.readers(0); n != 0 {
		t.Errorf("a writer beside %d readers", n)
	}
	l.RW.Unlock()
	if err := p.surviveBo(l); err != nil {
		t.Error(err)
	}
	t.Logf("%d rounds, %d repairs", sum(), l.Mends.Load())
}

// One wake-up goes to each of several processes in turn, and no slice helps.
var _ = proctest.Register("rwsleeper", func(args []string) int {
	l := enterRW(args)
	park.SetSlice(time.Hour)
	proctest.Say("going")
	var err error
	if args[1] == "acquire" {
		err = l.Bo.Acquire(context.Background())
	} else {
		l.RW.RLock()
	}
	proctest.Say("inside")
	proctest.Hear()
	if err != nil {
		return 1
	}
	return 0
})

func TestWakeUpsArePassedOn(t *testing.T) {
	for _, what := range []string{"acquire", "rlock"} {
		l, text := newRWLab(t)
		l.reset(0, 3)

		for range 3 {
			if err := l.Bo.Acquire(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		l.RW.Lock()
		var procs []*proctest.Proc
		for range 3 {
			p := proctest.Start(t, "rwsleeper", text, what)
			p.Expect("going")
			procs = append(procs, p)
		}
		until(func() bool { return l.permitWaited() || l.writerWaited() })
		time.Sleep(30 * time.Millisecond) // asleep; one that is not makes the test easier
		if what == "rlock" {
			l.RW.Unlock()
		}
		for range 3 {
			if err := l.Bo.Release(); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range procs {
			p.Expect("inside")
		}
	}
}
