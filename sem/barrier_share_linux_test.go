package sem_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
)

// rounds is one party's work: in each round the action finds that all of the last round had numbers of their
// own, and nobody leaves before it has run.
func (h *hall) rounds(n int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	everybody := int64(1)<<h.B.Parties() - 1
	for r := range n {
		i, err := h.B.Wait(ctx, func() error {
			if was := h.Seen.Swap(0); r > 0 && was != everybody {
				return fmt.Errorf("numbers given out in round %d: %b", r-1, was)
			}
			h.Acts.Add(1)
			return nil
		})
		switch {
		case err != nil:
			return fmt.Errorf("round %d: %w", r, err)
		case h.Acts.Load() != r+1:
			return fmt.Errorf("out of round %d after %d actions", r, h.Acts.Load())
		}
		h.Seen.Add(1 << i)
	}
	return nil
}

// team is two parties in one process.
func (h *hall) team(n int64) error {
	var errs [2]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = h.rounds(n) })
	}
	all.Wait()
	return errors.Join(errs[:]...)
}

var _ = guest("barrier team", func(h *hall, args []string) {
	if err := h.team(number64(args[0])); err != nil {
		proctest.Say(fmt.Sprintf("%q", err))
	}
	proctest.Say("done")
})

// Three processes of two goroutines each, used again at once after each round.
func TestBarrierProcesses(t *testing.T) {
	h, text := newHall(t, 6)
	rounds := 10000
	if testing.Short() || race.Enabled {
		rounds = 500
	}
	a := proctest.Start(t, "barrier team", text, strconv.Itoa(rounds))
	b := proctest.Start(t, "barrier team", text, strconv.Itoa(rounds))
	if err := h.team(int64(rounds)); err != nil {
		t.Error(err)
	}
	a.Expect("done")
	b.Expect("done")
	if n := h.Acts.Load(); n != int64(rounds) {
		t.Errorf("%d actions in %d rounds", n, rounds)
	}
}

// A party that joins, or waits, or runs the action, and then is killed.
var _ = guest("barrier victim", func(h *hall, args []string) {
	switch args[0] {
	case "joined":
		if err := h.B.Join(); err != nil {
			proctest.Say(err.Error())
		}
		proctest.Say("there")
		proctest.Hear()
	case "arrived":
		proctest.Say("there")
		h.B.Wait(context.Background(), nil)
	case "running":
		h.B.Wait(context.Background(), func() error { proctest.Say("there"); proctest.Hear(); return nil })
		proctest.Say("another ran its own")
	}
})

func TestBarrierDeath(t *testing.T) {
	for _, c := range []struct {
		how     string
		waiting int // parties of the four that wait here
	}{{"joined", 2}, {"joined", 3}, {"arrived", 2}, {"running", 3}} {
		t.Run(fmt.Sprint(c.how, c.waiting), func(t *testing.T) {
			h, text := newHall(t, 4)
			carried(t)
			for rounds := 0; rounds < 3; {
				var got []chan error
				for range c.waiting {
					got = append(got, party(h))
				}
				until(func() bool { return h.B.Waiting() == c.waiting })
				v := proctest.Start(t, "barrier victim", text, c.how)
				if v.Recv() != "there" { // one that looked just when all were there was quicker
					for _, g := range got {
						if err := <-g; err != nil {
							t.Fatal(err)
						}
					}
					continue
				}
				rounds++
				until(func() bool {
					return h.B.Waiting() >= c.waiting && (c.how != "arrived" || h.B.Waiting() == c.waiting+1)
				})
				if h.B.Broken() {
					t.Error("broken, and all live")
				}
				time.Sleep(3 * short) // mostly they sleep again by then, on a word that says what the victim does
				v.Kill()
				for _, g := range got {
					if err := <-g; err != sem.ErrBroken {
						t.Errorf("a party got %v", err)
					}
				}
				if _, err := h.B.Wait(ended(), nil); err != sem.ErrBroken {
					t.Errorf("Wait on a broken barrier: %v", err)
				}
				if err := h.usable(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// usable resets the barrier and sees that it is as new.
func (h *hall) usable() error {
	h.B.Reset()
	if n := h.strangers(); n != 0 {
		return fmt.Errorf("%d places of the dead after Reset", n)
	}
	for range 2 {
		var got []chan error
		for range h.B.Parties() {
			got = append(got, party(h))
		}
		for _, g := range got {
			if err := <-g; err != nil {
				return fmt.Errorf("after Reset: %w, state %#x", err, *h.state())
			}
		}
	}
	return nil
}

// A party that stands still is waited for; when it goes on the round is completed.
func TestBarrierStopped(t *testing.T) {
	h, text := newHall(t, 2)
	v := proctest.Start(t, "barrier victim", text, "arrived")
	v.Expect("there")
	until(func() bool { return h.B.Waiting() == 1 })
	v.Stop()
	if err := <-party(h); err != nil {
		t.Errorf("all have arrived, and one stands still: %v", err)
	}
	got := party(h)
	if err, ok := take(got, 3*short); ok {
		t.Errorf("%v, and only one of two is there", err)
	}
	v.Cont()
	if code := v.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	h.B.Abort()
	if err := <-got; err != sem.ErrBroken {
		t.Error(err)
	}
}

// With all places of the dead, one that comes finds the barrier broken, and one that joins finds a place.
func TestBarrierFullOfTheDead(t *testing.T) {
	h, text := newHall(t, 2)
	for range 2 {
		v := proctest.Start(t, "barrier victim", text, "joined")
		v.Expect("there")
		v.Kill()
	}
	if err := <-party(h); err != sem.ErrBroken {
		t.Errorf("%v, and all places are of the dead", err)
	}
	if err := h.B.Join(); err != nil {
		t.Error(err)
	}
	if err := h.usable(); err != nil {
		t.Error(err)
	}
}
