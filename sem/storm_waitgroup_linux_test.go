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
)

// A worker whose work begins in each round and ends some time later, in either way.
var _ = proctest.Register("brief worker", func(args []string) int {
	h := enterHall(args, time.Hour)
	for r := int64(1); r <= number64(args[1]); r++ {
		if !turns(func() bool { return h.Turn.Load() == r }) {
			proctest.Say("it does not begin")
			break
		}
		if r%2 == 0 {
			h.G.Enter()
		}
		h.In[0].Store(r)
		time.Sleep(time.Duration(rand.IntN(40)) * time.Microsecond)
		if r%2 == 0 {
			h.G.Leave()
		} else {
			h.G.Done()
		}
	}
	proctest.Say("done")
	return 0
})

// Some of those who wait lose patience just as the work ends; with a slice of an hour, a wake-up that one of
// them has eaten is lost for good.
func TestWaitGroupCancelStorm(t *testing.T) {
	h, text := newHall(t, 1)
	slice(t, time.Hour)
	rounds := int64(killstep.Budget(1000))
	p := proctest.Start(t, "brief worker", text, strconv.FormatInt(rounds, 10))
	for r := int64(1); r <= rounds && !t.Failed(); r++ {
		if r%2 == 1 {
			h.G.Add(1)
		}
		h.Turn.Store(r)
		if !turns(func() bool { return h.In[0].Load() == r }) {
			t.Fatal("it does not begin")
		}
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				d := ever
				if i > 0 {
					d = time.Duration(rand.IntN(100)) * time.Microsecond
				}
				ctx, cancel := context.WithTimeout(context.Background(), d)
				defer cancel()
				if err := h.G.Wait(ctx); err != nil && (i == 0 || err != context.DeadlineExceeded) {
					t.Errorf("round %d: %v", r, err)
				}
			})
		}
		all.Wait()
	}
	p.Expect("done")
}

// A runner in a relay enters before the one before it leaves.
var _ = guest("relay", func(h *hall, args []string) {
	me, team, end := number64(args[0]), number64(args[1]), number64(args[2])
	for k := me; k < end; k += team {
		if !turns(func() bool { return h.Turn.Load() >= k }) {
			proctest.Say("the baton does not come")
		}
		h.G.Enter()
		h.Turn.Store(k + 1)
		if k+1 < end && !turns(func() bool { return h.Turn.Load() >= k+2 }) {
			proctest.Say("nobody takes the baton")
		}
		if k+1 == end {
			h.Stop.Store(1)
		}
		h.G.Leave()
	}
	proctest.Say("done")
})

// Others enter and leave as they like, and are killed.
var _ = guest("passer-by", func(h *hall, args []string) {
	proctest.Say("ready")
	for {
		h.G.Enter()
		h.G.Enter()
		h.G.Leave()
		h.G.Leave()
	}
})

// Somebody is inside at all times until the end of the relay: no Wait returns before it, whoever dies.
func TestWaitGroupRelay(t *testing.T) {
	h, text := newHall(t, 1)
	legs := 1000
	if testing.Short() {
		legs = 200
	}
	h.G.Add(1) // until the first has entered
	const team = 3
	var procs []*proctest.Proc
	for i := range team {
		procs = append(procs, proctest.Start(t, "relay", text, strconv.Itoa(i), strconv.Itoa(team), strconv.Itoa(legs)))
	}
	until(func() bool { return h.Turn.Load() > 0 })
	h.G.Done()
	var all sync.WaitGroup
	all.Go(func() {
		for h.Stop.Load() == 0 {
			if err := h.G.Wait(ended()); err == nil && h.Stop.Load() == 0 {
				t.Error("Wait returns, and somebody is inside")
				return
			}
		}
	})
	all.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.G.Wait(ctx); err != nil || h.Stop.Load() == 0 {
			t.Errorf("Wait says %v before the end: %v", err, h.Stop.Load() == 0)
		}
	})
	for h.Stop.Load() == 0 {
		p := proctest.Start(t, "passer-by", text)
		p.Expect("ready")
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		p.Kill()
	}
	all.Wait()
	for _, p := range procs {
		p.Expect("done")
	}
	if err := <-waits(h); err != nil { // the last one who passed by may have died inside
		t.Error(err)
	}
	if n := h.insiders(); n > 0 {
		t.Errorf("%d others inside after the end", n)
	}
}

var _ = guest("insider", func(h *hall, args []string) {
	h.G.Enter()
	proctest.Say("inside")
	proctest.Hear()
})

// A worker that dies inside has left; one that stands still has not.
func TestWaitGroupDeath(t *testing.T) {
	h, text := newHall(t, 1)
	carried(t)
	for range 3 {
		p := proctest.Start(t, "insider", text)
		p.Expect("inside")
		got := waits(h)
		until(h.longing)
		p.Stop()
		if err, ok := take(got, 3*short); ok {
			t.Fatalf("Wait says %v, and one that stands still is inside", err)
		}
		p.Kill()
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}
