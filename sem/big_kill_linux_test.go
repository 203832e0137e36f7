package sem_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// bigsteps are what is killed: an operation between the marks.
var bigsteps = map[string]func(l *biglab) error{
	"acquire":      func(l *biglab) error { return markedWait(l.Acquire) },
	"acquire vain": func(l *biglab) error { return markedGiveUp(l.Acquire) },
	"tryacquire":   func(l *biglab) error { return markedTry(l.TryAcquire) },
	"release": func(l *biglab) (err error) {
		if err := l.Acquire(context.Background()); err != nil {
			return err
		}
		if l.Stage.Load() == sleeperComes {
			until(l.waited)
			time.Sleep(2 * time.Millisecond)
		}
		between(func() { err = l.Release() })
		return err
	},
	// far: the permit is further away than a call looks that is in a hurry.
	"acquire far": func(l *biglab) error {
		atomic.StoreUint64(l.permit((l.home()+90)%l.Cap()), 0)
		return markedWait(l.Acquire)
	},
	"release far": func(l *biglab) (err error) {
		atomic.StoreUint64(l.permit((l.home()+10)%l.Cap()), claim(owner.ID()<<ownerAt, 5))
		between(func() { err = l.Release() })
		return err
	},
}

var _ = proctest.Register("bigstep", func(args []string) int {
	l := enterBig(args)
	l.warm()
	if err := bigsteps[args[2]](l); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// bigkills describes a sweep of one operation on permits of the owners given.
func bigkills(l *biglab, texts []string, op string, of func(int) uint32) killstep.Config {
	return killstep.Config{
		Victim: "bigstep", Args: append(texts[:2:2], op), Watch: l.words,
		Prepare: func() []string { l.reset(of); return nil },
	}
}

// Nobody waits.
func TestKillBigAlone(t *testing.T) {
	for i, c := range []struct {
		op   string
		n    int
		mine bool // the survivor has all that the victim does not free for itself
		over int  // permits taken after it
	}{
		{"acquire", 70, false, 1}, // the first two: every instruction
		{"release", 70, false, 0},
		{"acquire far", 100, true, 100},
		{"tryacquire", 70, false, 1},
		{"release far", 100, true, 99},
	} {
		t.Run(c.op, func(t *testing.T) {
			l, texts := newBigLab(t, c.n)
			var p pace
			of := func(int) uint32 { return 0 }
			if c.mine {
				of = l.but(-1)
			}
			k := bigkills(l, texts, c.op, of)
			k.Points = points(i < 2)
			k.Check = func(at killstep.Point) error {
				p.deed(at, l.taken(0) == c.over)
				if err := l.drop(); err != nil {
					return err
				}
				return p.surviveBig(l)
			}
			killstep.Run(t, k)
			p.judge(t)
			p.oneInstant(t)
		})
	}
}

// The dead have all permits, and one who inherits is killed as well, among so many that he takes over and gives back.
func TestKillBigHeir(t *testing.T) {
	long(t)
	for _, op := range []string{"acquire", "tryacquire"} {
		if op != "acquire" && !thorough() {
			break
		}
		t.Run(op, func(t *testing.T) {
			l, texts := newBigLab(t, 20)
			var p pace
			a, b := ghost(), ghost()
			k := bigkills(l, texts, op, func(i int) uint32 { return []uint32{a, b}[i/3%2] })
			k.Points = killstep.Random(8, uint64(time.Now().UnixNano()))
			if thorough() {
				k.Points = killstep.Distinct
			}
			k.Check = func(at killstep.Point) error { return p.surviveBig(l) }
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// Somebody of this process sleeps when the holder of a permit is killed as it releases; this process has all others.
func TestKillBigReleaseWithSleeper(t *testing.T) {
	l, texts := newBigLab(t, 100)
	var p pace
	var got chan error
	k := bigkills(l, texts, "release", nil)
	k.Prepare = func() []string {
		l.reset(l.but(40))
		l.Stage.Store(sleeperComes)
		got = later(func() bool { return l.taken(0) == 100 }, l.Acquire)
		return nil
	}
	k.Points = points(false)
	k.Check = func(at killstep.Point) error {
		start := time.Now()
		err := <-got
		p.took(time.Since(start))
		if err == nil {
			err = l.drop()
		}
		if err != nil {
			return err
		}
		return p.surviveBig(l)
	}
	killstep.Run(t, k)
	p.judge(t)
}

// The victim waits for this process, which gives a permit back, or keeps all for longer than it has patience.
// Another goroutine of this process waits too: what the victim was woken for comes to it.
func TestKillBigWaiter(t *testing.T) {
	long(t)
	for _, op := range []string{"acquire", "acquire vain"} {
		if op != "acquire" && !thorough() {
			break
		}
		t.Run(op, func(t *testing.T) {
			l, texts := newBigLab(t, 30)
			var p pace
			var got chan error
			var over *atomic.Bool
			k := bigkills(l, texts, op, nil)
			k.Prepare = func() []string {
				l.reset(l.but(-1))
				over = new(atomic.Bool)
				got = l.lend(over, op == "acquire")
				return nil
			}
			k.Points = killstep.Random(8, uint64(time.Now().UnixNano()))
			if thorough() {
				k.Points = killstep.Distinct
			}
			k.Check = func(at killstep.Point) error {
				over.Store(true)
				start := time.Now()
				err := errors.Join(<-got, <-got)
				p.took(time.Since(start))
				if err == nil {
					err = l.drop()
				}
				if err != nil {
					return err
				}
				return p.surviveBig(l)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// lend gives a permit back when it is over, or, if asked to, when somebody has waited for some time; meanwhile
// somebody else of this process has begun to wait for it.
func (l *biglab) lend(over *atomic.Bool, leave bool) (got chan error) {
	got = make(chan error, 2)
	wait := func() { until(func() bool { return over.Load() || leave && l.waited() }) }
	go func() {
		wait()
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		defer cancel()
		if err := l.Acquire(ctx); err != nil {
			got <- err
			return
		}
		got <- l.Release()
	}()
	go func() {
		if wait(); !over.Load() {
			time.Sleep(8 * time.Millisecond)
		}
		got <- l.Release()
	}()
	return got
}

// A frozen process has a permit or not, and nobody robs it.
func TestFreezeBig(t *testing.T) {
	for _, op := range []string{"acquire", "release"} {
		t.Run(op, func(t *testing.T) {
			l, texts := newBigLab(t, 70)
			var p pace
			k := bigkills(l, texts, op, l.but(30))
			k.Action, k.Points, k.Sample = killstep.Freeze, killstep.Distinct, 6
			k.Check = func(at killstep.Point) error {
				if !at.Frozen || l.taken(0) < 70 {
					return errors.Join(l.drop(), p.surviveBig(l))
				}
				ctx, cancel := context.WithTimeout(context.Background(), 3*short)
				defer cancel()
				if err := l.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) || l.TryAcquire() {
					return fmt.Errorf("a holder that stands still was robbed: %v", err)
				}
				return nil
			}
			k.After = func(at killstep.Point) error { return errors.Join(l.drop(), p.surviveBig(l)) }
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}
