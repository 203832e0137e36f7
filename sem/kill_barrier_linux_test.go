package sem_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
)

// hallSteps is what is killed in a hall, as steps.
var hallSteps = map[string]func(h *hall) error{
	"join": func(h *hall) error {
		killstep.Begin()
		err := h.B.Join()
		killstep.End()
		return err
	},
	"wait": func(h *hall) error {
		killstep.Begin()
		_, err := h.B.Wait(context.Background(), h.act)
		killstep.End()
		return err
	},
	"wait without action": func(h *hall) error {
		killstep.Begin()
		_, err := h.B.Wait(context.Background(), nil)
		killstep.End()
		return err
	},
	"fail": func(h *hall) error {
		no := errors.New("no")
		killstep.Begin()
		_, err := h.B.Wait(context.Background(), func() error { return no })
		killstep.End()
		if err == nil { // the other party found all there first, and ran its action
			return nil
		}
		return other(err, no)
	},
	"give up": func(h *hall) error {
		ctx := ended()
		killstep.Begin()
		_, err := h.B.Wait(ctx, nil)
		killstep.End()
		return other(err, context.Canceled)
	},
	"find broken": func(h *hall) error {
		killstep.Begin()
		_, err := h.B.Wait(context.Background(), nil)
		killstep.End()
		return other(err, sem.ErrBroken)
	},
	"abort": func(h *hall) error {
		killstep.Begin()
		h.B.Abort()
		killstep.End()
		return nil
	},
	"reset": func(h *hall) error {
		killstep.Begin()
		h.B.Reset()
		killstep.End()
		return nil
	},
}

func other(err, want error) error {
	if err == want {
		return nil
	}
	return fmt.Errorf("%v; want %v", err, want)
}

var _ = proctest.Register("hall step", func(args []string) int {
	h := enterHall(args, short)
	warmHall(h)
	time.Sleep(2 * time.Millisecond) // until it may ask again whether a holder lives
	if err := hallSteps[args[1]](h); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// afterwards waits for the outcome of parties of this process, one of others being dead. If the dead one has
// come to nothing, others take its part. The outcome is the same for all.
func (h *hall) afterwards(p *pace, got ...chan error) (err error, helped bool) {
	start := time.Now()
	for i := 0; i < len(got); i++ {
		e, ok := take(got[i], time.Millisecond/2)
		for !ok {
			if missing := h.B.Parties() - h.B.Waiting(); !helped && h.strangers() == 0 && !h.B.Broken() && missing < h.B.Parties() {
				helped = true
				for range missing {
					got = append(got, party(h))
				}
			}
			if time.Since(start) > ever {
				return fmt.Errorf("a party waits for ever: state %#x", *h.state()), helped
			}
			e, ok = take(got[i], time.Millisecond/2)
		}
		if i > 0 && e != err {
			return fmt.Errorf("one party got %v, another %v", err, e), helped
		}
		err = e
	}
	p.took(time.Since(start))
	return err, helped
}

// survived is what everybody expects of a barrier after a death.
func (h *hall) survived(p *pace, at killstep.Point, got ...chan error) error {
	err, helped := h.afterwards(p, got...)
	if err != nil && err != sem.ErrBroken {
		return err
	}
	p.deed(at, err == nil && !helped)
	if n := h.Acts.Load(); n > 1 || err == nil && n == 0 {
		return fmt.Errorf("%d actions in a round that ended with %v", n, err)
	}
	return h.usable()
}

// sampled are n by chance, and in the long form all that differ: most of the steps of these regions are the
// scheduler's, and questions to the kernel.
func sampled(n int) killstep.Points {
	if os.Getenv("SHMKIT_KILLS") != "" {
		return killstep.Distinct
	}
	return killstep.Random(killstep.Budget(n), rand.Uint64())
}

// hallKills describes a sweep of one operation in h.
func hallKills(h *hall, text, op string, prepare func()) killstep.Config {
	return killstep.Config{
		Victim: "hall step", Args: []string{text, op}, Watch: h.words,
		Prepare: func() []string {
			h.clean()
			prepare()
			return nil
		},
	}
}

// The victim comes last, with another party asleep: the round is completed from the moment on at which it
// has arrived, or broken, and its action runs once.
func TestKillBarrierLast(t *testing.T) {
	h, text := newHall(t, 2)
	carried(t)
	var p pace
	var got chan error
	k := hallKills(h, text, "wait", func() {
		got = party(h)
		until(h.announced)
	})
	k.Check = func(at killstep.Point) error { return h.survived(&p, at, got) }
	k.Points = killstep.Distinct
	killstep.Run(t, k)
	k.Points = sampled(12)
	killstep.Run(t, k)
	p.judge(t)
}

// Without an action there is one instant, the arrival.
func TestKillBarrierLastWithoutAction(t *testing.T) {
	h, text := newHall(t, 2)
	var p pace
	var got chan error
	k := hallKills(h, text, "wait without action", func() {
		got = party(h)
		until(h.announced)
	})
	k.Points = killstep.Random(killstep.Budget(30), rand.Uint64())
	k.Check = func(at killstep.Point) error {
		err, helped := h.afterwards(&p, got)
		p.deed(at, err == nil && !helped)
		if err != nil && err != sem.ErrBroken {
			return err
		}
		return h.usable()
	}
	killstep.Run(t, k)
	p.judge(t)
	p.oneInstant(t)
}

// The victim comes first and sleeps; the other one comes when it does, or is dead.
func TestKillBarrierFirst(t *testing.T) {
	long(t)
	for _, op := range []string{"wait", "wait without action"} {
		t.Run(op, func(t *testing.T) {
			h, text := newHall(t, 2)
			var p pace
			var got, dead chan error
			k := hallKills(h, text, op, func() {
				stop := make(chan error)
				dead, got = stop, make(chan error, 1)
				into := got
				go func() {
					until(func() bool {
						_, stopped := take(stop, 0)
						return stopped || h.announced()
					})
					take(stop, 8*time.Millisecond)
					into <- <-party(h)
				}()
			})
			k.Points = sampled(4)
			k.Check = func(at killstep.Point) error {
				close(dead)
				err, _ := h.afterwards(&p, got)
				if err != nil && err != sem.ErrBroken {
					return err
				}
				return h.usable()
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// The victim breaks the round in which another party sleeps, or would.
func TestKillBarrierBreaker(t *testing.T) {
	for _, op := range []string{"fail", "give up", "abort", "reset"} {
		t.Run(op, func(t *testing.T) {
			parties := 3
			if op == "fail" {
				parties = 2
			}
			h, text := newHall(t, parties)
			carried(t)
			var p pace
			var got chan error
			k := hallKills(h, text, op, func() {
				got = party(h)
				until(h.announced)
			})
			if k.Points, k.Sample = killstep.Distinct, 6; op == "give up" {
				k.Points = sampled(8)
			}
			k.Check = func(at killstep.Point) error {
				err, helped := h.afterwards(&p, got)
				ran := op == "fail" && err == nil && h.Acts.Load() == 1 // the party has found all there first
				if at.Ended && !ran && (err != sem.ErrBroken || helped) {
					return fmt.Errorf("the victim has broken the round, and a party got %v", err)
				}
				if err != nil && err != sem.ErrBroken {
					return err
				}
				return h.usable()
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// arrivedIn is the place of a dead party.
func arrivedIn(gen uint64) uint64 { return (gen<<1|1)<<32 | uint64(ghost()) }

// What a dead process has left, at its worst: the victim finds it and is killed while it repairs that, and
// others repair what both have left.
func TestKillBarrierRepair(t *testing.T) {
	for _, c := range []struct {
		name, op string
		state    uint64 // but for the runner
		places   [4]uint64
		runner   bool
	}{
		{"a joined one", "find broken", 0, [4]uint64{uint64(ghost())}, false},
		{"an arrived one", "find broken", 8, [4]uint64{0, arrivedIn(1)}, false},
		{"the runner", "find broken", 1, [4]uint64{arrivedIn(0), arrivedIn(0)}, true},
		{"one of the last round", "find broken", 16, [4]uint64{arrivedIn(1)}, false},
		{"all are dead", "find broken", 0, [4]uint64{uint64(ghost()), 2<<32 | uint64(ghost()), arrivedIn(0)}, false},
		{"all have arrived", "reset", 0, [4]uint64{arrivedIn(0), arrivedIn(0), arrivedIn(0)}, false},
		{"the dead of a broken round", "reset", 2, [4]uint64{uint64(ghost()), arrivedIn(0), arrivedIn(0)}, false},
		{"the runner of a reset", "reset", 1, [4]uint64{arrivedIn(0), arrivedIn(0), arrivedIn(0)}, true},
		{"a full house", "join", 0, [4]uint64{uint64(ghost()), uint64(ghost()), uint64(ghost())}, false},
	} {
		t.Run(c.op+" "+c.name, func(t *testing.T) {
			h, text := newHall(t, 3)
			var p pace
			k := hallKills(h, text, c.op, func() {
				for i, v := range c.places {
					atomic.StoreUint64(h.place(i), v)
				}
				v := c.state
				if c.runner {
					v |= uint64(ghost()) << 32
				}
				atomic.StoreUint64(h.state(), v)
			})
			k.Points = sampled(2)
			k.Check = func(at killstep.Point) error {
				if c.op == "reset" && at.Ended {
					if h.B.Broken() || h.strangers() > 0 {
						return fmt.Errorf("after Reset: state %#x, %d places taken", *h.state(), h.strangers())
					}
				}
				start := time.Now()
				if h.strangers() > 0 || h.B.Broken() {
					if err := <-party(h); err != sem.ErrBroken && h.Acts.Load() == 0 {
						return fmt.Errorf("a party got %v beside a dead one", err)
					}
				}
				p.took(time.Since(start))
				return h.usable()
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// A Reset stops for a while; meanwhile another one is made, and a party of the next round dies. When the first
// one goes on it must not take that party away without a word.
func TestFreezeBarrierReset(t *testing.T) {
	h, text := newHall(t, 2)
	var late, gen uint64
	k := hallKills(h, text, "reset", func() {
		atomic.StoreUint64(h.place(0), uint64(ghost()))
		atomic.StoreUint64(h.place(1), arrivedIn(0))
		atomic.StoreUint64(h.state(), 2)
	})
	k.Action, k.Points = killstep.Freeze, sampled(8)
	k.Check = func(at killstep.Point) error {
		h.B.Reset()
		if err := h.usable(); err != nil {
			return err
		}
		gen = atomic.LoadUint64(h.state())
		late = uint64(ghost())
		atomic.StoreUint64(h.place(1), late)
		return nil
	}
	k.After = func(at killstep.Point) error {
		if atomic.LoadUint64(h.state()) == gen && atomic.LoadUint64(h.place(1)) != late {
			return errors.New("a dead party was removed, and the round is not broken")
		}
		return h.usable()
	}
	killstep.Run(t, k)
}

// The victim stands still at every point of the last arrival: it counts as alive, so nothing breaks; and once
// it has arrived nobody waits for it.
func TestFreezeBarrierLast(t *testing.T) {
	for _, op := range []string{"wait", "wait without action"} {
		t.Run(op, func(t *testing.T) {
			h, text := newHall(t, 2)
			carried(t)
			var got chan error
			k := hallKills(h, text, op, func() {
				got = party(h)
				until(h.announced)
			})
			k.Action, k.Points, k.Sample = killstep.Freeze, killstep.Distinct, 3
			k.Check = func(at killstep.Point) error {
				d := 2 * short
				if at.Frozen && h.B.Waiting() == 2 && atomic.LoadUint64(h.state())&3 == 0 {
					d = ever // all are there, and it is the other one that completes the round
				}
				switch err, ok := take(got, d); {
				case ok:
					got <- err
				case d == ever:
					return fmt.Errorf("all are there, and a party waits: state %#x", *h.state())
				}
				if h.B.Broken() {
					return fmt.Errorf("broken, and all live: state %#x", *h.state())
				}
				return nil
			}
			k.After = func(at killstep.Point) error {
				if err := <-got; err != nil {
					return err
				}
				return h.usable()
			}
			killstep.Run(t, k)
		})
	}
}
