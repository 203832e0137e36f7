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
	release := func() {
		if err := l.Bo.Release(); err != nil {
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	for range goroutines / 3 {
		all.Go(func() { impatient(n, l.RW.LockContext, l.RW.Unlock) })
		all.Go(func() { impatient(n, l.RW.RLockContext, l.RW.RUnlock) })
		all.Go(func() { impatient(n, l.Bo.Acquire, release) })
	}
	all.Go(func() { l.patient() })
	all.Go(func() {
		other.Expect("going")
		until(func() bool { return l.Done[0].Load() > 0 && l.Done[1].Load() > 0 })
	})
	finished := make(chan struct{})
	go func() {
		time.AfterFunc(200*time.Millisecond, func() { l.Stop.Store(1) })
		all.Wait()
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
			if is := l.Done[0].Load() + l.Done[1].Load() + l.Done[2].Load(); is == was && l.Stop.Load() == 0 {
				t.Fatalf("nobody goes on: word %#x, drain %#x, bell %#x", atomic.LoadUint32(l.word()), atomic.LoadUint32(l.drain()), atomic.LoadUint32(l.bell()))
			} else if l.Stop.Load() != 0 && is == was && n < 100_000 {
				t.Fatalf("somebody waits for what is free: word %#x, drain %#x, bell %#x", atomic.LoadUint32(l.word()), atomic.LoadUint32(l.drain()), atomic.LoadUint32(l.bell()))
			} else {
				was = is
			}
		}
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
