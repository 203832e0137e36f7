package sem_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
)

func (y *yard) run() error { y.Runs[0].Add(1); return nil }

func (y *yard) do() error {
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	return y.Once.Do(ctx, y.run)
}

func init() {
	acts["do"] = func(y *yard) error { return marked(func() error { return y.Once.Do(context.Background(), y.run) }) }
	acts["fail"] = func(y *yard) error {
		failed := errors.New("failed")
		if err := marked(func() error { return y.Once.Do(context.Background(), func() error { return failed }) }); err != failed {
			return fmt.Errorf("Do: %v", err)
		}
		return nil
	}
	acts["do with a sleeper"] = func(y *yard) error {
		return y.Once.Do(context.Background(), func() error {
			until(func() bool { return y.get(onceAt)&bitW != 0 })
			time.Sleep(time.Millisecond)
			killstep.Begin()
			y.Runs[0].Add(1)
			return nil
		})
	}
}

// Killed at each instruction: whoever comes next finds it done, or does it.
func TestKillOnce(t *testing.T) {
	for _, c := range []struct {
		act  string
		word func() uint32
	}{{"do", zero}, {"do", ghost}, {"do", func() uint32 { return 2 }}, {"do", func() uint32 { return 1 }}, {"fail", zero}} {
		w := c.word()
		t.Run(fmt.Sprintf("%s %#x", c.act, w&7), func(t *testing.T) {
			y, text := newYard(t, short)
			var p pace
			k := sweep(y, text, c.act, func() { y.set(onceAt, c.word()) })
			k.Points, k.Sample = killstep.Distinct, 6
			if w == 0 {
				k.Points = killstep.Random(killstep.Budget(60), uint64(time.Now().UnixNano()))
			}
			k.Check = func(at killstep.Point) error {
				was := y.get(onceAt)
				before := y.Runs[0].Load()
				if err := p.returns(background(y.do), "the next one"); err != nil {
					return fmt.Errorf("word %#x: %w", was, err)
				}
				ran := y.Runs[0].Load() - before
				if is := was&1 != 0; is && ran != 0 || !is && ran != 1 || y.get(onceAt) != 1 {
					return fmt.Errorf("word %#x, then %d runs, then %#x", was, ran, y.get(onceAt))
				}
				return nil
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// Somebody sleeps while the victim is at it, and is killed at an instruction of finishing it.
func TestKillOnceWithSleeper(t *testing.T) {
	y, text := newYard(t, short)
	var p pace
	var got <-chan error
	k := sweep(y, text, "do, ended", func() {
		got = background(func() error {
			until(func() bool { return byOther(y.get(onceAt)) || y.get(onceAt)&1 != 0 })
			return y.do()
		})
	})
	k.Check = func(at killstep.Point) error {
		if err := p.returns(got, "a sleeper"); err != nil {
			return err
		}
		if y.get(onceAt) != 1 || y.Runs[0].Load() < 1 {
			return fmt.Errorf("word %#x after %d runs", y.get(onceAt), y.Runs[0].Load())
		}
		return nil
	}
	k.Points = killstep.Random(killstep.Budget(40), uint64(time.Now().UnixNano()))
	killstep.Run(t, k)
	p.judge(t)
}

func init() {
	acts["do, ended"] = func(y *yard) error {
		err := acts["do with a sleeper"](y)
		killstep.End()
		return err
	}
}

// Processes race to do it while one of them dies in the midst, again and again: it is done once.
var _ = proctest.Register("once", func(args []string) int {
	y := enterYard(args)
	err := y.Once.Do(context.Background(), func() error {
		proctest.Say("begun")
		proctest.Hear()
		return y.run()
	})
	proctest.Say(fmt.Sprint(err))
	return 0
})

func TestOnceRunnerIsKilledAndStopped(t *testing.T) {
	y, text := newYard(t, short)
	first := proctest.Start(t, "once", text)
	first.Expect("begun")
	ctx, cancel := context.WithCancel(context.Background())
	carrier := background(func() error { return y.Event.Wait(ctx) }) // whose look must find the death
	defer func() { cancel(); <-carrier }()
	allParked(t, 1)
	time.Sleep(2 * short)
	got := background(y.do)
	until(func() bool { return y.get(onceAt)&bitW != 0 })
	first.Stop()
	time.Sleep(5 * short)
	if y.Runs[0].Load() != 0 || len(got) != 0 {
		t.Error("one who stands still was taken for dead")
	}
	first.Kill()
	if err := <-got; err != nil || y.Runs[0].Load() != 1 {
		t.Errorf("%v after %d runs", err, y.Runs[0].Load())
	}
	last := proctest.Start(t, "once", text)
	last.Expect("<nil>")
}

// Some give up at the moment at which it is done or has failed: who does not give up is never left behind.
func TestOnceCancelStorm(t *testing.T) {
	y, _ := newYard(t, time.Hour)
	for i := range killstep.Budget(1500) {
		y.set(onceAt, 0)
		y.Runs[0].Store(0)
		begun := make(chan struct{})
		first := background(func() error {
			return y.Once.Do(context.Background(), func() error {
				close(begun)
				time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
				if i%2 == 0 {
					return errors.New("failed")
				}
				return y.run()
			})
		})
		<-begun
		steady := background(y.do)
		var all sync.WaitGroup
		for range 2 {
			d := time.Duration(rand.IntN(150)) * time.Microsecond
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), d)
				defer cancel()
				if err := y.Once.Do(ctx, y.run); err == nil && y.Runs[0].Load() != 1 {
					t.Errorf("done after %d runs", y.Runs[0].Load())
				}
			})
		}
		if err := <-steady; err != nil {
			t.Fatalf("round %d: %v; word %#x", i, err, y.get(onceAt))
		}
		<-first
		all.Wait()
		if n := y.Runs[0].Load(); n != 1 {
			t.Fatalf("%d runs", n)
		}
	}
}
