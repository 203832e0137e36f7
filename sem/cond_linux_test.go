package sem_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
)

// crowd makes n goroutines wait, each for one signal, and count themselves when they return.
func (y *yard) crowd(n int) (all *sync.WaitGroup) {
	all = new(sync.WaitGroup)
	for range n {
		all.Go(func() {
			y.Mu.Lock()
			defer y.Mu.Unlock()
			if y.Cond.Wait(context.Background(), &y.Mu) == nil {
				y.Home.Add(1)
			}
		})
	}
	until(func() bool { return parked() == n })
	return all
}

var _ = proctest.Register("cond crowd", func(args []string) int {
	y := enterYard(args)
	n, _ := strconv.Atoi(args[1])
	all := y.crowd(n)
	proctest.Say("parked")
	all.Wait()
	proctest.Say("home")
	return 0
})

// home waits until n have returned.
func (y *yard) home(t *testing.T, what string, n int64) {
	t.Helper()
	if !until(func() bool { return y.Home.Load() >= n }) {
		t.Fatalf("%s: %d have returned, want %d", what, y.Home.Load(), n)
	}
}

// Signal(n) wakes at least n, wherever they wait; Broadcast wakes all. No slice helps.
func TestCondSignals(t *testing.T) {
	y, text := newYard(t, time.Hour)
	const crowd = 30
	for _, processes := range []int{1, 3} {
		y.reset()
		var procs []*proctest.Proc
		for range processes - 1 {
			p := proctest.Start(t, "cond crowd", text, strconv.Itoa(crowd))
			p.Expect("parked")
			procs = append(procs, p)
		}
		all := y.crowd(crowd)
		var sent int64
		for _, n := range []int{1, 1, 5, 1, 2} {
			y.Cond.Signal(n)
			sent += int64(n)
			y.home(t, "after Signal("+strconv.Itoa(n)+")", sent)
		}
		t.Logf("%d processes: %d signals woke %d", processes, sent, y.Home.Load())
		y.Cond.Broadcast()
		all.Wait()
		for _, p := range procs {
			p.Expect("home")
			p.Wait()
		}
		if n := y.Home.Load(); n != int64(processes*crowd) {
			t.Errorf("%d have returned, want %d", n, processes*crowd)
		}
	}
}

// One signal wakes one of a crowd of one process, and one more after it one more. A busy machine may make a
// leader slow to be replaced, and the signaller believe that nobody sleeps: it must work out one time in ten.
func TestCondSignalIsForOne(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	const crowd = 20
	var woke []int64
	for range 10 {
		y.reset()
		all := y.crowd(crowd)
		for i := range int64(5) {
			y.Cond.Signal(1)
			y.home(t, "after a signal", i+1)
			until(func() bool { return parked() == crowd-int(y.Home.Load()) })
		}
		n := y.Home.Load()
		y.Cond.Broadcast()
		all.Wait()
		if n == 5 {
			return
		}
		woke = append(woke, n)
	}
	t.Errorf("5 signals, each with all others asleep, woke %d", woke)
}

// Many signals at once wake as many, although the leader of the process is up most of the time.
func TestCondSignalsInARow(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	const crowd = 64
	for range 50 {
		y.reset()
		all := y.crowd(crowd)
		for range crowd {
			y.Cond.Signal(1)
		}
		y.home(t, "after as many signals as waiters", crowd)
		all.Wait()
	}
}

// A crowd larger than what one broadcast moves seq by comes home.
func TestCondBroadcastToMany(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	n := 5000
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			y.Mu.Lock()
			y.Items.Add(1)
			if err := y.Cond.Wait(context.Background(), &y.Mu); err != nil {
				t.Error(err)
			}
			y.Mu.Unlock()
		})
	}
	until(func() bool { return y.Items.Load() == int64(n) })
	y.Mu.Lock() // all have announced themselves
	y.Cond.Broadcast()
	y.Mu.Unlock()
	all.Wait()
}

// After the last waiter has gone a signal leaves the word alone, once it has found that out.
func TestCondForgetsItsWaiters(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	all := y.crowd(3)
	y.Cond.Signal(3)
	all.Wait()
	if !until(func() bool { y.Cond.Signal(1); return y.get(condAt)&3 == 0 }) {
		t.Errorf("word %#x", y.get(condAt))
	}
	w := y.get(condAt)
	y.Cond.Signal(1)
	if now := y.get(condAt); now != w {
		t.Errorf("a signal to nobody moved the word from %#x to %#x", w, now)
	}
}

// Somebody changes what others wait for and dies before it signals: the slice tells.
func TestCondSignallerDiesBeforeItsSignal(t *testing.T) {
	y, _ := newYard(t, short)
	var all sync.WaitGroup
	const crowd = 100 // more than one slice takes along
	for range crowd {
		all.Go(func() {
			y.Mu.Lock()
			defer y.Mu.Unlock()
			if err := y.Cond.WaitFor(within(t), &y.Mu, func() bool { return y.Items.Load() != 0 }); err != nil {
				t.Error(err)
			}
		})
	}
	until(func() bool { return parked() > crowd/2 })
	y.Mu.Lock()
	y.Items.Store(1)
	y.Mu.Unlock()
	all.Wait()
}

// steady takes items until it is stopped, and never gives up.
func (y *yard) steady() {
	for {
		y.Mu.Lock()
		_ = y.Cond.WaitFor(context.Background(), &y.Mu, func() bool { return y.Items.Load() > 0 || y.Stop.Load() != 0 })
		if y.Stop.Load() != 0 {
			y.Mu.Unlock()
			return
		}
		y.Items.Add(-1)
		y.Taken.Add(1)
		y.Mu.Unlock()
	}
}

var _ = proctest.Register("cond steady", func(args []string) int {
	y := enterYard(args)
	proctest.Say("ready")
	y.steady()
	proctest.Say("home")
	return 0
})

// impatient waits for one item for no longer than d.
func (y *yard) impatient(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	y.Mu.Lock()
	defer y.Mu.Unlock()
	there := func() bool { return y.Items.Load() > 0 }
	err := y.Cond.WaitFor(ctx, &y.Mu, there)
	switch {
	case err == nil && !there():
		t.Error("WaitFor returns nil, and there is nothing")
	case err == nil:
		y.Items.Add(-1)
		y.Taken.Add(1)
	}
}

// In each round one item is given with one signal, while some wait who give up at that moment, and some who do
// not, here and in another process. The item is taken, although no slice helps.
func TestCondCancelStorm(t *testing.T) {
	y, text := newYard(t, time.Hour)
	other := proctest.Start(t, "cond steady", text)
	other.Expect("ready")
	var all sync.WaitGroup
	all.Go(y.steady)
	rounds := killstep.Budget(1500)
	for i := range rounds {
		var some sync.WaitGroup
		for range 1 + i%3 {
			d := time.Duration(rand.IntN(150)) * time.Microsecond
			some.Go(func() { y.impatient(t, d) })
		}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
		y.Mu.Lock()
		y.Items.Add(1)
		if i%2 == 0 {
			y.Cond.Signal(1)
		}
		y.Mu.Unlock()
		if i%2 != 0 {
			y.Cond.Signal(1)
		}
		if !until(func() bool { return y.Taken.Load() > int64(i) }) {
			t.Errorf("round %d: an item lies beside those who wait for it; word %#x", i, y.get(condAt))
			break
		}
		some.Wait()
	}
	y.Stop.Store(1)
	y.Mu.Lock()
	y.Cond.Broadcast()
	y.Mu.Unlock()
	all.Wait()
	other.Expect("home")
}

// One of two processes that wait is killed while items are given: the slice of the other takes them.
func TestCondKillStorm(t *testing.T) {
	y, text := newYard(t, short)
	var all sync.WaitGroup
	all.Go(y.steady)
	var p pace
	start := func() *proctest.Proc {
		victim := proctest.Start(t, "cond steady", text)
		victim.Expect("ready")
		return victim
	}
	victim := start()
	for range killstep.Budget(40) {
		killed := make(chan struct{})
		go func() {
			time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
			victim.Kill()
			close(killed)
		}()
		for range 1 + rand.IntN(20) {
			lockAndMend(y)
			y.Items.Add(1)
			y.Mu.Unlock()
			y.Cond.Signal(1)
			time.Sleep(time.Duration(rand.IntN(60)) * time.Microsecond)
		}
		<-killed
		begin := time.Now()
		lockAndMend(y)
		y.Mu.Unlock()
		if !until(func() bool { return y.Items.Load() == 0 }) {
			t.Errorf("%d items lie beside one who waits for them", y.Items.Load())
			break
		}
		p.took(time.Since(begin))
		victim = start()
	}
	lockAndMend(y)
	y.Stop.Store(1)
	y.Mu.Unlock()
	y.Cond.Broadcast()
	all.Wait()
	victim.Expect("home")
	p.judge(t)
}

// lockAndMend takes the mutex from a dead one, who may have taken an item and not counted it.
func lockAndMend(y *yard) {
	y.Mu.Lock()
	if y.Mu.Abandoned() {
		y.Mu.Repaired()
	}
}

// Waiters that sleep in pollers, because many others wait, get their signals as well.
func TestCondInACrowd(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	sleepers := shared[[60]sem.Event](t)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range sleepers {
		all.Go(func() { sleepers[i].Wait(ctx) })
	}
	allParked(t, len(sleepers))
	all.Go(y.steady)
	for i := range int64(300) {
		y.Mu.Lock()
		y.Items.Add(1)
		y.Mu.Unlock()
		y.Cond.Signal(1)
		if !until(func() bool { return y.Taken.Load() > i }) {
			t.Errorf("item %d lies beside one who waits for it", i)
			break
		}
	}
	y.Mu.Lock()
	y.Stop.Store(1)
	y.Mu.Unlock()
	y.Cond.Broadcast()
}

// The same beside one who carries the slice of the process for another word: that one's look must tell.
func TestCondBesideACarrier(t *testing.T) {
	y, _ := newYard(t, short)
	ctx, cancel := context.WithCancel(context.Background())
	carrier := background(func() error { return y.Event.Wait(ctx) })
	allParked(t, 1)
	time.Sleep(2 * short) // it has the slice
	cond := background(y.await)
	until(func() bool { return y.get(condAt)&1 != 0 })
	time.Sleep(2 * short)
	y.Mu.Lock()
	y.Items.Store(1)
	y.Mu.Unlock()
	if err := <-cond; err != nil {
		t.Errorf("Cond: %v", err)
	}
	cancel()
	if err := <-carrier; err != context.Canceled {
		t.Error(err)
	}
}
