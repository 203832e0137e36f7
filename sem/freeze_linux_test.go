package sem_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/shmkit/shmkit/internal/killstep"
)

// The victim stands still at every point, and counts as alive: what it holds it keeps, what it does not hold
// is there for others, and it goes on as if nothing had happened.
func TestFreezeMutex(t *testing.T) {
	for _, c := range []struct {
		op   string
		word func() uint32
	}{
		{"lock", zero}, {"trylock", zero}, {"trylock", ghost}, {"lock", ghost}, {"lockcontext", ghost}, {"unlock", zero}, {"repaired", ghost},
	} {
		t.Run(fmt.Sprint(c.op, c.word() != 0), func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			k := kills(l, text, c.op)
			k.Action = killstep.Freeze
			var dead uint32
			k.Prepare = func() []string { dead = c.word(); l.reset(dead, 0); return nil }
			if dead = c.word(); dead != 0 || c.op == "lock" {
				k.Points, k.Sample = killstep.Distinct, 4
			}
			k.Check = func(at killstep.Point) error {
				switch w := l.muWord(); {
				case !at.Frozen:
					return p.survive(l)
				case w>>ownerAt != 0 && w>>ownerAt != dead>>ownerAt:
					return respect(l)
				}
				return p.survive(l)
			}
			k.After = func(at killstep.Point) error { return p.survive(l) }
			if c.op == "trylock" {
				// TryLock may find that a survivor was faster, and took over: that is no failure of it.
				k.Check = ifHeld(l, &dead, k.Check)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

func zero() uint32 { return 0 }

// ifHeld leaves out the points at which check would take what the victim is about to try.
func ifHeld(l *lab, dead *uint32, check func(killstep.Point) error) func(killstep.Point) error {
	return func(at killstep.Point) error {
		if h := l.holder(); at.Frozen && (h == 0 || h == *dead>>ownerAt) {
			return nil
		}
		return check(at)
	}
}

// A holder stops in Unlock, before and after it has let go; a sleeper of another process gets the lock at
// once in the second case and when the holder goes on in the first.
func TestFreezeUnlockWithSleeper(t *testing.T) {
	for _, op := range []string{"unlock young", "unlock old"} {
		t.Run(op, func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			var got chan error
			k := kills(l, text, op)
			k.Action, k.Points, k.Sample = killstep.Freeze, killstep.Distinct, 6
			k.Prepare = func() []string {
				l.reset(0, 0)
				locked := sleepOn(l)
				got = make(chan error, 1)
				go func() {
					err := <-locked
					if err == nil && l.Mu.Abandoned() {
						err = errors.New("abandoned, and nobody died")
					}
					if err == nil {
						err = p.normal(l)
					}
					got <- err
				}()
				return nil
			}
			result := func() error {
				err := <-got
				got <- err
				return err
			}
			k.Check = func(at killstep.Point) error {
				if at.Frozen && l.heldByOther() {
					return respect(l)
				}
				return result()
			}
			k.After = func(at killstep.Point) error { return result() }
			killstep.Run(t, k)
		})
	}
}

// A frozen process has a token or not, and nobody else waits for it.
func TestFreezeSemaphore(t *testing.T) {
	for op, over := range map[string]int{"acquire": 1, "release": 3} {
		t.Run(op, func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			k := kills(l, text, op)
			k.Action, k.Points = killstep.Freeze, killstep.Distinct
			k.Prepare = func() []string { l.reset(0, 8); l.stage(1); return nil }
			k.Check = func(at killstep.Point) error {
				if n := l.Sem.Value(); n != 2 && n != over {
					return fmt.Errorf("%d tokens; 2 before, %d after", n, over)
				}
				return nil
			}
			k.After = func(at killstep.Point) error {
				if n := tokens(l); n != over {
					return fmt.Errorf("%d tokens after all, want %d", n, over)
				}
				return p.token(l, func() error { return l.Sem.Release(1) })
			}
			killstep.Run(t, k)
		})
	}
}
