package killstep

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
)

var _ = proctest.Register("vyukov", func(args []string) int {
	q := (*vyukov)(enter(args))
	Begin()
	q.put(100)
	End()
	return 0
})

var errStalled = errors.New("stalled")

// The queue's producer claims anonymously: the sweep must find the window between
// claim and publication, all of it and nothing else, and name the place.
func TestFindsTheStalledQueue(t *testing.T) {
	need(t)
	w := newWorld(t)
	q := (*vyukov)(w.at())
	for _, points := range []Points{All, Distinct} {
		stalled := map[int]bool{}
		claimed := false
		r := Sweep(t, Config{
			Victim: "vyukov", Args: []string{w.path}, Watch: w.now, Points: points,
			Prepare: func() []string { w.clear(); q.init(); return nil },
			Check: func(at Point) error {
				inside := q.tail.Load() == 1 && q.cell[0].seq.Load() != 1
				claimed = claimed || inside
				q.put(200)
				_, ok := q.get()
				if ok == inside {
					t.Errorf("%v: got an item: %v; in the window: %v", at, ok, inside)
				}
				if !ok {
					stalled[at.Steps] = true
					return errStalled
				}
				return nil
			},
		})
		t.Log(r.Summary())
		if !claimed || len(r.Failures) == 0 {
			t.Fatal("the window was not visited")
		}
		for i, f := range r.Failures {
			// (A race build has more ways to stand in a function without its frame.)
			if !race.Enabled && !strings.Contains(f.At.String(), "killstep.(*vyukov).put") || f.Err != errStalled {
				t.Errorf("failure at %v: %v", f.At, f.Err)
			}
			if points == All && !brief() && f.At.Steps != r.Failures[0].At.Steps+i {
				t.Errorf("the failing points are not in a row: %d at %d", f.At.Steps, i)
			}
		}
		if points == Distinct && !brief() && r.Visited >= r.Steps {
			t.Errorf("%d distinct points of %d steps", r.Visited, r.Steps)
		}
		if r.Ended != 3 && !brief() {
			t.Errorf("%d victims came to the end, want 3", r.Ended)
		}
	}
}

// unlock comes to its region when a waiter is certainly asleep.
var _ = proctest.Register("unlock", func(args []string) int {
	m := (*mutex)(enter(args))
	m.lock(time.Second)
	for m.word.Load() != 2 {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(5 * time.Millisecond)
	Begin()
	m.unlock()
	End()
	return 0
})

// Killed between the store that unlocks and the wake, the victim leaves a free
// lock and a waiter asleep; killed before, a lock that nobody gets any more.
func TestFindsTheLostWakeUp(t *testing.T) {
	need(t)
	w := newWorld(t)
	m := (*mutex)(w.at())
	got := make(chan bool, 1)
	r := Sweep(t, Config{
		Victim: "unlock", Args: []string{w.path}, Watch: w.now, Points: Distinct, Sample: -1,
		Prepare: func() []string {
			w.clear()
			go func() {
				for m.word.Load() == 0 {
					time.Sleep(100 * time.Microsecond)
				}
				got <- m.lock(200 * time.Millisecond)
			}()
			return nil
		},
		Check: func(at Point) error {
			free := m.word.Load() == 0
			switch locked := <-got; {
			case locked:
				return nil
			case free:
				return errors.New("lost wake-up")
			}
			return errors.New("deadlock")
		},
	})
	t.Log(r.Summary())
	found := map[string]string{}
	for _, f := range r.Failures {
		found[f.Err.Error()] += f.At.String()
	}
	for fault, want := range map[string]string{"lost wake-up": "killstep.(*mutex).unlock", "deadlock": "N=0 killed"} {
		if !strings.Contains(found[fault], want) {
			t.Errorf("%s: found at %q", fault, found[fault])
		}
	}
}

var _ = proctest.Register("cell", func(args []string) int {
	c := (*cells)(enter(args))
	me := uint64(os.Getpid())
	Begin()
	ok := c.put(me, 100)
	End()
	if !ok {
		return 1
	}
	return 0
})

// cellSweep describes a consumer that may take what a dead producer claimed.
func cellSweep(w *world, dead func(at Point) bool) Config {
	c := (*cells)(w.at())
	return Config{
		Victim: "cell", Args: []string{w.path}, Watch: w.now, Prepare: w.clear,
		Check: func(at Point) error {
			if v, ok := c.get(func(owner uint64) bool { return owner == uint64(at.PID) && dead(at) }); ok && v != 100 {
				return fmt.Errorf("torn item %d", v)
			}
			for v := range uint64(4) {
				if !at.Frozen && !c.put(1, v+1) {
					return fmt.Errorf("only %d of 4 cells are left", v)
				}
			}
			return nil
		},
	}
}

func TestPassesTheSoundToy(t *testing.T) {
	need(t)
	w := newWorld(t)
	if r := Run(t, cellSweep(w, func(Point) bool { return true })); r.Visited == 0 {
		t.Error("no points were visited")
	}
	c := cellSweep(w, func(Point) bool { return true })
	c.Points = Random(Budget(100), uint64(time.Now().UnixNano()))
	Run(t, c)

	c = cellSweep(w, func(at Point) bool { return !at.Frozen })
	c.Action = Freeze
	frozen, after := 0, 0
	check := c.Check
	c.Check = func(at Point) error {
		if at.Frozen {
			frozen++
		}
		return check(at)
	}
	c.After = func(at Point) error { after++; return nil }
	r := Run(t, c)
	if frozen != r.Visited || after != r.Visited || frozen == 0 {
		t.Errorf("%d points were visited, %d checked frozen, %d checked after", r.Visited, frozen, after)
	}
}

// A consumer that takes the stopped for dead robs the live: the victim notices.
func TestFreezeFindsTheTheft(t *testing.T) {
	need(t)
	c := cellSweep(newWorld(t), func(Point) bool { return true })
	c.Action, c.Points, c.Sample = Freeze, Distinct, -1
	r := Sweep(t, c)
	if len(r.Failures) == 0 || !strings.Contains(r.Failures[0].Err.Error(), "exit code 1") {
		t.Errorf("failures: %v", r.Failures)
	}
}
