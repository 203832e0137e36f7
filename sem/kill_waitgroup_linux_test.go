package sem_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
)

func init() {
	for name, f := range map[string]func(h *hall) error{
		"add":   func(h *hall) error { h.G.Add(2); return nil },
		"done":  func(h *hall) error { h.G.Done(); return nil },
		"enter": func(h *hall) error { h.G.Enter(); return nil },
		"look":  func(h *hall) error { return h.G.Wait(context.Background()) },
	} {
		hallSteps[name] = func(h *hall) error {
			killstep.Begin()
			err := f(h)
			killstep.End()
			return err
		}
	}
	hallSteps["leave"] = func(h *hall) error {
		h.G.Enter()
		h.Stage.Store(1)
		until(func() bool { return h.Stage.Load() == 2 })
		killstep.Begin()
		h.G.Leave()
		killstep.End()
		return nil
	}
}

// waits is one goroutine that waits for the group; its error.
func waits(h *hall) chan error {
	got := make(chan error, 1)
	go func() {
		ctx, cancel := lives()
		defer cancel()
		got <- h.G.Wait(ctx)
	}()
	return got
}

// counted is the count of h.G.
func (h *hall) counted() int { return int(uint32(atomic.LoadUint64(h.count()))) }

// ends sees that nothing holds the group up but what is counted, and that it works on.
func (h *hall) ends(p *pace, got chan error) error {
	for range h.counted() {
		h.G.Done()
	}
	start := time.Now()
	err := <-got
	p.took(time.Since(start))
	if err != nil {
		return fmt.Errorf("a waiter beside state %#x and %d others inside: %w", *h.count(), h.insiders(), err)
	}
	for range 2 {
		h.G.Enter()
		h.G.Add(1)
		if h.G.Wait(ended()) == nil {
			return errors.New("Wait returns, and somebody is inside and counted")
		}
		got := waits(h)
		h.G.Done()
		h.G.Leave()
		if err := <-got; err != nil {
			return err
		}
	}
	return nil
}

// Each operation of a process, in groups in which others are, live or dead.
func TestKillWaitGroup(t *testing.T) {
	for _, c := range []struct {
		op     string
		count  int // before
		after  int
		claims int  // of the dead
		sleeps bool // somebody waits for the group
	}{
		{"add", 0, 2, 0, false},
		{"add", 1, 3, 0, true},
		{"done", 1, 0, 0, false},
		{"done", 1, 0, 0, true},
		{"enter", 0, 0, 0, false},
		{"enter", 1, 1, 64, true},
		{"leave", 0, 0, 0, true},
		{"leave", 1, 1, 1, true},
		{"look", 0, 0, 3, false},
		{"look", 0, 0, 3, true},
	} {
		t.Run(fmt.Sprint(c.op, c.count, c.claims, c.sleeps), func(t *testing.T) {
			h, text := newHall(t, 2)
			carried(t)
			var p pace
			var got chan error
			k := hallKills(h, text, c.op, func() {
				for i := range c.claims {
					atomic.StoreUint64(h.claim(i), 1<<32|uint64(ghost()))
				}
				h.G.Add(c.count)
				if !c.sleeps {
					return
				}
				got = make(chan error, 1)
				into := got
				go func() {
					until(func() bool { return c.op != "leave" || h.Stage.Load() == 1 })
					g := waits(h)
					until(func() bool { return h.longing() || c.op == "look" })
					h.Stage.Store(2)
					into <- <-g
				}()
				until(func() bool { return h.longing() || c.op == "leave" || c.op == "look" })
			})
			k.Watch = h.group
			k.Points = sampled(5)
			k.Check = func(at killstep.Point) error {
				n := h.counted()
				if n != c.count && n != c.after {
					return fmt.Errorf("the count is %d; %d before, %d after", n, c.count, c.after)
				}
				if c.count != c.after {
					p.deed(at, n == c.after)
				}
				if at.Ended && c.op == "look" && h.insiders() != 0 {
					return errors.New("Wait returns beside the dead")
				}
				if !c.sleeps {
					got = waits(h)
				}
				return h.ends(&p, got)
			}
			killstep.Run(t, k)
			p.judge(t)
			if c.count != c.after {
				p.oneInstant(t)
			}
		})
	}
}

// One that stands still in Enter or Leave counts as inside from one instant on, or up to one.
func TestFreezeWaitGroup(t *testing.T) {
	for _, op := range []string{"enter", "leave"} {
		t.Run(op, func(t *testing.T) {
			h, text := newHall(t, 2)
			k := hallKills(h, text, op, func() { h.Stage.Store(2) })
			if op == "leave" {
				k = hallKills(h, text, op, func() { h.Stage.Store(0); go h.answer() })
			}
			k.Watch, k.Action, k.Points, k.Sample = h.group, killstep.Freeze, killstep.Distinct, 3
			k.Check = func(at killstep.Point) error {
				inside := h.insiders() > 0
				ctx, cancel := context.WithTimeout(context.Background(), 3*short)
				defer cancel()
				if err := h.G.Wait(ctx); at.Frozen && (err == nil) == inside {
					return fmt.Errorf("Wait says %v, and somebody is inside: %v", err, inside)
				}
				return nil
			}
			k.After = func(at killstep.Point) error {
				var p pace
				return h.ends(&p, waits(h)) // the victim has ended, wherever it was
			}
			killstep.Run(t, k)
		})
	}
}

// answer lets one go on that has entered.
func (h *hall) answer() {
	until(func() bool { return h.Stage.Load() == 1 })
	h.Stage.Store(2)
}
