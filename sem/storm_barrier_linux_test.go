package sem_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
)

// turns waits until ok; another process is to make it so, and it is not the slice that does.
func turns(ok func() bool) bool {
	end := time.Now().Add(3 * ever)
	for n := 0; !ok(); n++ {
		switch {
		case n < 500:
			runtime.Gosched()
		case time.Now().After(end):
			return false
		default: // the other one may wait for this CPU
			time.Sleep(20 * time.Microsecond)
		}
	}
	return true
}

// What a party's round came to.
const (
	completed = 1 + iota
	wasBroken
	gaveUp
	nonsense
)

func came(err error) int64 {
	switch err {
	case nil:
		return completed
	case sem.ErrBroken:
		return wasBroken
	case context.DeadlineExceeded:
		return gaveUp
	}
	return nonsense
}

// hasty is one of two parties whose patience may end at any time. After each round they compare what they
// were told: both that it was completed, or one that it gave up and the other that it is broken.
func (h *hall) hasty(me int, rounds int64) error {
	for r := int64(1); r <= rounds; r++ {
		d := time.Duration(rand.IntN(60)) * time.Microsecond
		if rand.IntN(4) == 0 {
			d = ever
		}
		ctx, cancel := context.WithTimeout(context.Background(), d)
		_, err := h.B.Wait(ctx, nil)
		cancel()
		h.In[2*me+int(r&1)].Store(r<<3 | came(err)) // the other one may still read that of the last round
		theirs := &h.In[2-2*me+int(r&1)]
		if !turns(func() bool { return theirs.Load()>>3 == r }) {
			return fmt.Errorf("round %d: %v, and the other one hangs: state %#x", r, err, *h.state())
		}
		mine, yours := came(err), theirs.Load()&7
		if mine != completed && mine+yours != wasBroken+gaveUp || mine == completed && yours != completed || mine == nonsense {
			return fmt.Errorf("round %d: %v, and the other one %d", r, err, yours)
		}
		if me == 0 {
			if mine != completed {
				h.B.Reset()
			}
			h.Turn.Store(r)
		} else if !turns(func() bool { return h.Turn.Load() == r }) {
			return fmt.Errorf("round %d: no reset", r)
		}
	}
	return nil
}

var _ = proctest.Register("hasty", func(args []string) int {
	h := enterHall(args, time.Hour)
	if err := h.hasty(1, number64(args[1])); err != nil {
		proctest.Say(err.Error())
	}
	proctest.Say("done")
	return 0
})

// With a slice of an hour, a wake-up that a context has eaten is lost for good.
func TestBarrierCancelStorm(t *testing.T) {
	h, text := newHall(t, 2)
	slice(t, time.Hour)
	rounds := killstep.Budget(5000)
	p := proctest.Start(t, "hasty", text, strconv.Itoa(rounds))
	if err := h.hasty(0, int64(rounds)); err != nil {
		t.Fatal(err)
	}
	p.Expect("done")
}

// The same among goroutines of one process, of which one sleeps for all.
func TestBarrierCancelStormInside(t *testing.T) {
	slice(t, time.Hour)
	const parties = 4
	for range killstep.Budget(4000) {
		b := newBarrier(parties)
		got := make(chan error, parties)
		for range parties {
			go func() {
				d := time.Duration(rand.IntN(100)) * time.Microsecond
				if rand.IntN(3) > 0 {
					d = ever
				}
				ctx, cancel := context.WithTimeout(context.Background(), d)
				defer cancel()
				_, err := b.Wait(ctx, nil)
				got <- err
			}()
		}
		var n [nonsense + 1]int
		for range parties {
			n[came(<-got)]++
		}
		if n[nonsense] > 0 || n[completed] != parties && (n[gaveUp] != 1 || n[completed] != 0) {
			t.Fatalf("%d completed, %d broken, %d gave up", n[completed], n[wasBroken], n[gaveUp])
		}
	}
}

// A member works in rounds, and resets what is broken.
var _ = guest("barrier member", func(h *hall, args []string) {
	proctest.Say("ready")
	for h.Stop.Load() == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		_, err := h.B.Wait(ctx, h.act)
		cancel()
		switch {
		case err == sem.ErrBroken:
			h.B.Reset()
		case err != nil:
			proctest.Say(err.Error())
			return
		}
	}
	h.B.Abort()
	proctest.Say("done")
})

// Members are killed by chance and replaced, and the rounds go on.
func TestBarrierStorm(t *testing.T) {
	h, text := newHall(t, 3)
	var team [3]*proctest.Proc
	for i := range team {
		team[i] = proctest.Start(t, "barrier member", text)
	}
	for _, m := range team {
		m.Expect("ready")
	}
	for range killstep.Budget(40) {
		i := rand.IntN(len(team))
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		team[i].Kill()
		team[i] = proctest.Start(t, "barrier member", text)
		team[i].Expect("ready")
		n := h.Acts.Load()
		if !until(func() bool { return h.Acts.Load() > n+1 }) {
			t.Fatalf("nobody goes on: state %#x", *h.state())
		}
	}
	h.Stop.Store(1)
	h.B.Abort()
	for _, m := range team {
		m.Expect("done")
	}
	if err := h.usable(); err != nil {
		t.Error(err)
	}
}
