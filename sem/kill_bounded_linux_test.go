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
	"github.com/shmkit/shmkit/internal/race"
)

func init() {
	rwsteps["acquire"] = func(l *rwlab) error { return markedWait(l.Bo.Acquire) }
	rwsteps["acquire vain"] = func(l *rwlab) error { return markedGiveUp(l.Bo.Acquire) }
	rwsteps["tryacquire"] = func(l *rwlab) error { return markedTry(l.Bo.TryAcquire) }
	rwsteps["release"] = func(l *rwlab) (err error) {
		if err := l.Bo.Acquire(context.Background()); err != nil {
			return err
		}
		l.await(l.permitWaited)
		between(func() { err = l.Bo.Release() })
		return err
	}
}

// bokills describes a sweep of one operation on n permits, of which the first have the owners given.
func bokills(l *rwlab, text, op string, n int, owners ...uint32) killstep.Config {
	return rwkills(l, text, op, func() {
		l.reset(0, n)
		for i, word := range owners {
			atomic.StoreUint64(l.permit(i), claim(word, 5))
		}
	})
}

// Nobody waits.
func TestKillBoundedAlone(t *testing.T) {
	me := owner.ID() << ownerAt
	for i, c := range []struct {
		op     string
		n      int
		owners []uint32
		over   int // permits taken after it, by others than the dead
	}{
		{"acquire", 1, nil, 1}, // the first two: every instruction
		{"release", 1, nil, 0},
		{"acquire", 3, []uint32{me, 0, me}, 3},
		{"tryacquire", 3, []uint32{me, me, 0}, 3},
		{"release", 3, []uint32{me, 0, me}, 2},
	} {
		t.Run(fmt.Sprint(c.op, c.n), func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			k := bokills(l, text, c.op, c.n, c.owners...)
			k.Points = points(i < 2)
			k.Check = func(at killstep.Point) error {
				p.deed(at, l.taken(0) == c.over)
				for l.taken(owner.ID()) > 0 {
					if err := l.Bo.Release(); err != nil {
						return err
					}
				}
				return p.surviveBo(l)
			}
			killstep.Run(t, k)
			p.judge(t)
			p.oneInstant(t)
		})
	}
}

// The dead have all permits, and one who inherits is killed as well.
func TestKillBoundedHeir(t *testing.T) {
	long(t)
	for _, op := range []string{"acquire", "tryacquire"} {
		if op != "acquire" && !thorough() {
			break
		}
		t.Run(op, func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			dead := ghost()
			k := bokills(l, text, op, 3, dead, dead, dead)
			k.Points, k.Sample = killstep.Distinct, 4
			k.Check = func(at killstep.Point) error { return p.surviveBo(l) }
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// Somebody of this process sleeps when the holder of the only permit is killed as it releases.
func TestKillBoundedReleaseWithSleeper(t *testing.T) {
	l, text := newRWLab(t)
	var p pace
	var got chan error
	k := rwkills(l, text, "release", func() {
		l.reset(0, 1)
		l.Stage.Store(sleeperComes)
		got = later(func() bool { return l.taken(0) == 1 }, l.Bo.Acquire)
	})
	k.Points = points(false)
	k.Check = func(at killstep.Point) error {
		start := time.Now()
		err := <-got
		p.took(time.Since(start))
		if err == nil {
			err = l.Bo.Release()
		}
		if err != nil {
			return err
		}
		return p.surviveBo(l)
	}
	killstep.Run(t, k)
	p.judge(t)
}

// The victim waits for this process, which gives the permit back, or keeps it for longer than it has patience.
// Another goroutine of this process waits too: what the victim was woken for comes to it.
func TestKillBoundedWaiter(t *testing.T) {
	long(t)
	for _, op := range []string{"acquire", "acquire vain"} {
		if op != "acquire" && !thorough() {
			break
		}
		t.Run(op, func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			var got chan error
			var over *atomic.Bool
			k := rwkills(l, text, op, func() {
				l.reset(0, 1)
				over = new(atomic.Bool)
				got = l.lend(over, op == "acquire")
			})
			k.Points = killstep.Random(10, 1)
			if thorough() {
				k.Points = killstep.Distinct
			}
			k.Check = func(at killstep.Point) error {
				over.Store(true)
				start := time.Now()
				err := errors.Join(<-got, <-got)
				p.took(time.Since(start))
				if err != nil {
					return err
				}
				return p.surviveBo(l)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// lend takes the only permit and gives it back when it is over, or, if asked to, when somebody has waited for
// some time; meanwhile somebody else of this process has begun to wait for it, and gives it back as well, for
// the victim may wait for him.
func (l *rwlab) lend(over *atomic.Bool, leave bool) (got chan error) {
	if !l.Bo.TryAcquire() {
		panic("no permit")
	}
	got = make(chan error, 2)
	wait := func() { until(func() bool { return over.Load() || leave && l.permitWaited() }) }
	go func() {
		wait()
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		defer cancel()
		if err := l.Bo.Acquire(ctx); err != nil {
			got <- err
			return
		}
		got <- l.Bo.Release()
	}()
	go func() {
		if wait(); !over.Load() {
			time.Sleep(8 * time.Millisecond)
		}
		got <- l.Bo.Release()
	}()
	return got
}

// A frozen process has a permit or not, and nobody robs it.
func TestFreezeBounded(t *testing.T) {
	for _, op := range []string{"acquire", "release"} {
		t.Run(op, func(t *testing.T) {
			l, text := newRWLab(t)
			var p pace
			k := bokills(l, text, op, 1)
			k.Action, k.Points, k.Sample = killstep.Freeze, killstep.Distinct, 6
			k.Check = func(at killstep.Point) error {
				if !at.Frozen || l.taken(0) == 0 {
					return p.surviveBo(l)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 3*short)
				defer cancel()
				if err := l.Bo.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) || l.Bo.TryAcquire() {
					return fmt.Errorf("a holder that stands still was robbed: %v", err)
				}
				return nil
			}
			k.After = func(at killstep.Point) error { return p.surviveBo(l) }
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

var _ = rwHelper("hoarder", func(l *rwlab, args []string) { hoard(l) })

// A process dies with all permits, and as many wait in another: all of them get theirs.
func TestBoundedInheritance(t *testing.T) {
	const n = 20
	l, text := newRWLab(t)
	l.reset(0, n)
	h := startHoarder(t, text)
	ctx := within(t)
	got := make(chan error, n)
	for range n {
		go func() { got <- l.Bo.Acquire(ctx) }()
	}
	until(l.permitWaited)
	if l.Bo.Value() != 0 || l.taken(owner.ID()) != 0 {
		t.Error("a live process was robbed")
	}
	h.Kill()
	for i := range n {
		if err := <-got; err != nil {
			t.Fatalf("permit %d: %v; %d are of the dead", i, err, n-l.taken(owner.ID()))
		}
	}
	if race.Enabled {
		return
	}
	slice(t, time.Hour) // a Try inherits without a slice
	for range n {
		if err := l.Bo.Release(); err != nil {
			t.Fatal(err)
		}
	}
	h = startHoarder(t, text)
	h.Kill()
	if !until(l.Bo.TryAcquire) {
		t.Error("TryAcquire never inherits")
	}
}
