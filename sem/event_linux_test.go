package sem_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
)

// Everybody who waits when the event is set comes home, although it is cleared at once, and no slice helps.
func TestEventPulse(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	const crowd = 40
	for range 20 {
		var all sync.WaitGroup
		ctx := within(t)
		for range crowd {
			all.Go(func() {
				if err := y.Event.Wait(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		allParked(t, crowd)
		y.Event.Set()
		y.Event.Clear()
		all.Wait()
	}
}

// A crowd of another process waits for the event, and counts who comes home.
var _ = proctest.Register("event crowd", func(args []string) int {
	y := enterYard(args)
	n, _ := strconv.Atoi(args[1])
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if y.Event.Wait(context.Background()) == nil {
				y.Home.Add(1)
			}
		})
	}
	until(func() bool { return parked() == n })
	proctest.Say("parked")
	all.Wait()
	proctest.Say("home")
	return 0
})

// Of three processes that wait one is killed and one is stopped; Set, with Clear at once, brings all home who
// can come, without any slice.
func TestEventCrowdsOfProcesses(t *testing.T) {
	y, text := newYard(t, time.Hour)
	const crowd = 5
	var procs []*proctest.Proc
	for range 4 {
		procs = append(procs, proctest.Start(t, "event crowd", text, strconv.Itoa(crowd)))
	}
	for _, p := range procs {
		p.Expect("parked")
	}
	procs[0].Kill()
	procs[1].Stop()
	y.Event.Set()
	y.Event.Clear()
	for _, p := range procs[2:] {
		p.Expect("home")
	}
	procs[1].Cont()
	procs[1].Expect("home")
	for _, p := range procs[1:] {
		if code := p.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	if n := y.Home.Load(); n != 3*crowd {
		t.Errorf("%d came home, want %d", n, 3*crowd)
	}
}

// Some give up at the moment of a pulse: each comes home or has its context's error, and who does not give up
// comes home, although no slice helps.
func TestEventCancelStorm(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	for i := range killstep.Budget(1500) {
		steady := background(func() error { return y.Event.Wait(context.Background()) })
		var some sync.WaitGroup
		for range 1 + i%3 {
			d := time.Duration(rand.IntN(150)) * time.Microsecond
			some.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), d)
				defer cancel()
				if err := y.Event.Wait(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
		y.Event.Set()
		select {
		case err := <-steady:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(ever):
			t.Fatalf("round %d: one waits for an event that is set; word %#x", i, y.get(eventAt))
		}
		some.Wait()
		y.Event.Clear()
	}
}

func init() {
	acts["set"] = func(y *yard) error {
		until(func() bool { return y.get(eventAt)&1 != 0 || y.Stop.Load() != 0 })
		return marked(func() error { y.Event.Set(); return nil })
	}
	acts["clear"] = func(y *yard) error { return marked(func() error { y.Event.Clear(); return nil }) }
	acts["wait"] = func(y *yard) error {
		y.Runs[0].Store(1)
		return marked(func() error { return y.Event.Wait(context.Background()) })
	}
	acts["wait briefly"] = func(y *yard) error {
		park.SetSlice(time.Hour) // the thread must block for its timer to be let go
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		err := marked(func() error { return y.Event.Wait(ctx) })
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("Wait: %v", err)
		}
		return nil
	}
}

// pulses sees that the event works on as if nothing had happened.
func (p *pace) pulses(y *yard) error {
	y.Event.Clear()
	got := background(func() error { return y.Event.Wait(context.Background()) })
	until(func() bool { return y.get(eventAt)&1 != 0 })
	y.Event.Set()
	return p.returns(got, "one who waits for a Set after the death")
}

func TestKillEventAlone(t *testing.T) {
	for _, c := range []struct {
		act    string
		before func(y *yard)
		is     bool // it is set when the act is over
	}{
		{"set", func(y *yard) { y.Stop.Store(1) }, true},
		{"clear", func(y *yard) { y.Event.Set() }, false},
		{"wait", func(y *yard) { y.Event.Set() }, true},
	} {
		t.Run(c.act, func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			k := sweep(y, text, c.act, func() { c.before(y) })
			k.Check = func(at killstep.Point) error {
				p.deed(at, y.Event.IsSet() == c.is)
				return p.pulses(y)
			}
			killstep.Run(t, k)
			p.judge(t)
			if c.act != "wait" {
				p.oneInstant(t)
			}
		})
	}
}

// Somebody sleeps when the one who sets is killed: he comes home if it is set, and else sleeps on.
func TestKillSetWithSleeper(t *testing.T) {
	y, text := newYard(t, short)
	var p pace
	var got <-chan error
	k := sweep(y, text, "set", func() {
		got = background(func() error { return y.Event.Wait(context.Background()) })
	})
	k.Check = func(at killstep.Point) error {
		set := y.Event.IsSet()
		p.deed(at, set)
		if !set {
			select {
			case <-got:
				return errors.New("one who waits comes home, and nobody has set the event")
			default:
			}
			y.Event.Set()
		}
		if err := p.returns(got, "a sleeper beside an event that is set"); err != nil {
			return err
		}
		return p.pulses(y)
	}
	killstep.Run(t, k)
	p.judge(t)
	p.oneInstant(t)
}

// The victim sleeps beside another one, and is killed before, in and after its sleep. The other one is woken.
func TestKillEventWaiter(t *testing.T) {
	long(t)
	for act, sets := range map[string]bool{"wait": true, "wait briefly": false} {
		t.Run(act, func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			var other <-chan error
			done := make(chan struct{})
			k := sweep(y, text, act, func() {
				done = make(chan struct{})
				other = background(func() error { return y.Event.Wait(context.Background()) })
				go func() {
					defer close(done)
					until(func() bool { return y.Stop.Load() != 0 || sets && y.Runs[0].Load() != 0 && parked() == 1 })
					time.Sleep(8 * time.Millisecond)
					if sets {
						y.Event.Set()
					}
				}()
			})
			k.Points, k.Sample = killstep.Distinct, 4
			if !sets {
				k.Points = killstep.Random(killstep.Budget(5), uint64(time.Now().UnixNano()))
			}
			k.Check = func(at killstep.Point) error {
				y.Stop.Store(1)
				<-done
				y.Event.Set()
				if err := p.returns(other, "the other one"); err != nil {
					return err
				}
				return p.pulses(y)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// One stands still in Set: whoever waits comes home once it is set, or when it goes on.
func TestFreezeEvent(t *testing.T) {
	y, text := newYard(t, short)
	var p pace
	var got <-chan error
	k := sweep(y, text, "set", func() {
		got = background(func() error { return y.Event.Wait(context.Background()) })
	})
	k.Action, k.Points = killstep.Freeze, killstep.Distinct
	k.Check = func(at killstep.Point) error {
		if !y.Event.IsSet() && at.Frozen {
			return nil
		}
		err := p.returns(got, "a sleeper beside an event that is set")
		got = background(func() error { return err })
		return err
	}
	k.After = func(at killstep.Point) error {
		if err := p.returns(got, "a sleeper"); err != nil {
			return err
		}
		return p.pulses(y)
	}
	killstep.Run(t, k)
	p.judge(t)
}
