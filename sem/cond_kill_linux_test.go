package sem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
)

func init() {
	give := func(how func(y *yard)) func(y *yard) error {
		return func(y *yard) error {
			until(func() bool { return y.get(condAt)&1 != 0 || y.Stop.Load() != 0 })
			time.Sleep(time.Millisecond)
			return marked(func() error {
				y.Mu.Lock()
				y.Items.Store(1)
				y.Mu.Unlock()
				how(y)
				return nil
			})
		}
	}
	acts["signal"] = give(func(y *yard) { y.Cond.Signal(1) })
	acts["broadcast"] = give(func(y *yard) { y.Cond.Broadcast() })
	acts["await"] = func(y *yard) error {
		y.Mu.Lock()
		y.Runs[0].Store(1)
		err := marked(func() error { return y.Cond.WaitFor(context.Background(), &y.Mu, y.there) })
		y.Mu.Unlock()
		return err
	}
	acts["await briefly"] = func(y *yard) error {
		park.SetSlice(time.Hour) // the thread must block for its timer to be let go
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		y.Mu.Lock()
		err := marked(func() error { return y.Cond.WaitFor(ctx, &y.Mu, y.there) })
		y.Mu.Unlock()
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("WaitFor: %v", err)
		}
		return nil
	}
}

func (y *yard) there() bool { return y.Items.Load() != 0 }

// await waits until there is something, taking the mutex from the dead if it must.
func (y *yard) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	y.Mu.Lock()
	defer y.Mu.Unlock()
	return y.Cond.WaitFor(ctx, &y.Mu, y.there)
}

// goesOn gives something to the one who waits, if the victim did not, and then sees that the cond works on.
func (y *yard) goesOn(p *pace, got <-chan error) error {
	y.Mu.Lock()
	was := y.Items.Load()
	y.Items.Store(1)
	y.Mu.Unlock()
	if was == 0 {
		y.Cond.Signal(1)
	}
	if err := p.returns(got, "one who waits"); err != nil {
		return fmt.Errorf("%w; word %#x, it was given by the victim: %v", err, y.get(condAt), was != 0)
	}
	y.Items.Store(0)
	again := background(y.await)
	until(func() bool { return y.get(condAt)&1 != 0 })
	y.Mu.Lock()
	y.Items.Store(1)
	y.Mu.Unlock()
	y.Cond.Signal(1)
	return p.returns(again, "one who waits after the death")
}

// Killed at each instruction from the change to the end of the signal, with a sleeper and without.
func TestKillSignal(t *testing.T) {
	for _, act := range []string{"signal", "broadcast"} {
		for _, sleeper := range []bool{false, true} {
			t.Run(fmt.Sprint(act, " ", sleeper), func(t *testing.T) {
				y, text := newYard(t, short)
				var p pace
				var got <-chan error
				k := sweep(y, text, act, func() {
					if sleeper {
						got = background(y.await)
					} else {
						y.Stop.Store(1)
						y.set(condAt, 3) // left by a dead one
					}
				})
				k.Points, k.Sample = killstep.Distinct, 6
				if sleeper {
					k.Points = killstep.Random(killstep.Budget(60), uint64(time.Now().UnixNano()))
				}
				k.Check = func(at killstep.Point) error {
					if !sleeper {
						got = background(y.await)
					}
					return y.goesOn(&p, got)
				}
				killstep.Run(t, k)
				p.judge(t)
			})
		}
	}
}

// The victim waits beside another one, and is killed before, in and after its sleep.
func TestKillCondWaiter(t *testing.T) {
	long(t)
	for act, gives := range map[string]bool{"await": true, "await briefly": false} {
		t.Run(act, func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			var got <-chan error
			var done chan struct{}
			k := sweep(y, text, act, func() {
				done = make(chan struct{})
				got = background(y.await)
				go func() {
					defer close(done)
					until(func() bool { return y.Stop.Load() != 0 || gives && y.Runs[0].Load() != 0 && y.get(condAt)&1 != 0 })
					if y.Stop.Load() != 0 {
						return
					}
					time.Sleep(8 * time.Millisecond)
					y.Mu.Lock()
					y.Items.Store(1)
					y.Mu.Unlock()
					y.Cond.Signal(1)
				}()
			})
			k.Points = killstep.Random(killstep.Budget(8), uint64(time.Now().UnixNano()))
			k.Check = func(at killstep.Point) error {
				y.Stop.Store(1)
				<-done
				return y.goesOn(&p, got)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// One stands still in Signal without the mutex: all others go on.
func TestFreezeSignal(t *testing.T) {
	y, text := newYard(t, short)
	var p pace
	var got <-chan error
	k := sweep(y, text, "signal", func() { got = background(y.await) })
	k.Action, k.Points = killstep.Freeze, killstep.Distinct
	k.Check = func(at killstep.Point) error {
		if at.Frozen && (byOther(y.get(muAt)) || !y.there()) {
			return nil // it owes us the change
		}
		err := p.returns(got, "one who waits")
		got = background(func() error { return err })
		return err
	}
	k.After = func(at killstep.Point) error { return y.goesOn(&p, got) }
	killstep.Run(t, k)
	p.judge(t)
}
