package sem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
)

// step is what is killed: an operation between the marks. What it says is wrong ends the victim badly.
var steps = map[string]func(l *lab) error{
	"lock": func(l *lab) error {
		killstep.Begin()
		l.Mu.Lock()
		killstep.End()
		return mine(l)
	},
	"trylock": func(l *lab) error {
		killstep.Begin()
		ok := l.Mu.TryLock()
		killstep.End()
		if !ok {
			return errors.New("TryLock failed")
		}
		return mine(l)
	},
	"lockcontext": func(l *lab) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		killstep.Begin()
		err := l.Mu.LockContext(ctx)
		killstep.End()
		if err != nil {
			return err
		}
		return mine(l)
	},
	"cancelled": func(l *lab) error {
		park.SetSlice(time.Hour) // the thread must block for its timer to be let go
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		killstep.Begin()
		err := l.Mu.LockContext(ctx)
		killstep.End()
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("LockContext: %w", err)
		}
		return nil
	},
	"unlock": func(l *lab) error {
		l.Mu.Lock()
		killstep.Begin()
		l.Mu.Unlock()
		killstep.End()
		return nil
	},
	"unlock young": func(l *lab) error {
		l.Mu.Lock()
		until(l.waited)
		time.Sleep(2 * time.Millisecond)
		killstep.Begin()
		l.Mu.Unlock()
		killstep.End()
		return nil
	},
	"unlock old": func(l *lab) error {
		l.Mu.Lock()
		until(func() bool { return l.muWord()&bitH != 0 })
		time.Sleep(2 * time.Millisecond)
		killstep.Begin()
		l.Mu.Unlock()
		killstep.End()
		return nil
	},
	"repaired": func(l *lab) error {
		l.Mu.Lock()
		killstep.Begin()
		l.Mu.Repaired()
		killstep.End()
		if l.Mu.Abandoned() {
			return errors.New("abandoned after Repaired")
		}
		return mine(l)
	},
}

// mine says whether this process holds the lock. It then ends holding it.
func mine(l *lab) error {
	if l.holder() != owner.ID() {
		return fmt.Errorf("the word is %#x, and this process %#x has the lock", l.muWord(), owner.ID())
	}
	return nil
}

var _ = proctest.Register("step", func(args []string) int {
	l := enter(args)
	warm(l)
	time.Sleep(2 * time.Millisecond) // until it may ask again whether a holder lives
	if err := steps[args[1]](l); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// kills describes a sweep of one operation in l.
func kills(l *lab, text, op string) killstep.Config {
	return killstep.Config{
		Victim: "step", Args: []string{text, op}, Watch: l.words,
		Prepare: func() []string { l.reset(0, 0); return nil },
	}
}

// Nobody else is there: every instruction.
func TestKillMutexAlone(t *testing.T) {
	for _, c := range []struct {
		op   string
		word uint32
		held bool // it holds the lock when it is over
	}{
		{"lock", 0, true},
		{"lock", bitA, true},
		{"lock", bitA | bitW, true},
		{"trylock", 0, true},
		{"trylock", bitA | bitW | bitH, true},
		{"lockcontext", 0, true},
		{"unlock", 0, false},
		{"unlock", bitA, false},
		{"repaired", bitA, true},
	} {
		t.Run(fmt.Sprintf("%s %#b", c.op, c.word), func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			k := kills(l, text, c.op)
			k.Prepare = func() []string { l.reset(c.word, 0); return nil }
			k.Check = func(at killstep.Point) error {
				p.deed(at, (l.holder() != 0) == c.held)
				return p.survive(l)
			}
			if c.word != 0 && c.op == "lock" {
				k.Points = killstep.Distinct // it spins
			}
			killstep.Run(t, k)
			p.judge(t)
			if c.op != "repaired" && k.Points == killstep.All {
				p.oneInstant(t)
			}
		})
	}
}

// Somebody sleeps when the holder is killed in Unlock: he gets the lock, abandoned unless Unlock was done.
func TestKillUnlockWithSleeper(t *testing.T) {
	for _, op := range []string{"unlock young", "unlock old"} {
		t.Run(op, func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			var got chan error
			k := kills(l, text, op)
			k.Prepare = func() []string {
				l.reset(0, 0)
				got = sleepOn(l)
				return nil
			}
			k.Check = func(at killstep.Point) error {
				start := time.Now()
				err := <-got
				p.took(time.Since(start))
				if err != nil {
					return err
				}
				p.deed(at, !l.Mu.Abandoned())
				return p.normal(l)
			}
			killstep.Run(t, k)
			p.judge(t)
			p.oneInstant(t)
		})
	}
}

// sleepOn waits for the lock once another process holds it.
func sleepOn(l *lab) chan error {
	got := make(chan error, 1)
	go func() {
		until(l.heldByOther)
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		defer cancel()
		got <- l.Mu.LockContext(ctx)
	}()
	return got
}

// The victim waits for a lock that is released, abandoned, or kept for longer than it has patience.
func TestKillWaiter(t *testing.T) {
	long(t)
	for _, c := range []struct {
		name, op string
		free     func(l *lab)
	}{
		{"released", "lockcontext", func(l *lab) { l.Mu.Unlock() }},
		{"abandoned", "lock", func(l *lab) { l.setMu(ghost() | bitW) }},
		{"kept", "cancelled", nil},
	} {
		t.Run(c.op+" "+c.name, func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			var holder *holding
			k := kills(l, text, c.op)
			k.Points, k.Sample = killstep.Distinct, 4
			k.Prepare = func() []string {
				l.reset(0, 0)
				holder = hold(l, c.free)
				return nil
			}
			k.Check = func(at killstep.Point) error {
				holder.end()
				return p.survive(l)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}

// holding is a lock that this process holds until somebody waits.
type holding struct {
	l    *lab
	stop chan struct{}
	done chan struct{}
	free func(l *lab)
}

// hold takes the lock and frees it some time after somebody has announced himself; not at all before its
// end, if free is nil.
func hold(l *lab, free func(l *lab)) *holding {
	h := &holding{l, make(chan struct{}), make(chan struct{}), free}
	l.Mu.Lock()
	go func() {
		defer close(h.done)
		h.until()
		if free == nil {
			l.Mu.Unlock()
			return
		}
		free(l)
	}()
	return h
}

func (h *holding) until() {
	for h.free == nil || !h.l.waited() {
		select {
		case <-h.stop:
			return
		case <-time.After(100 * time.Microsecond):
		}
	}
	select {
	case <-h.stop:
	case <-time.After(15 * time.Millisecond):
	}
}

// end frees the lock now at the latest.
func (h *holding) end() {
	close(h.stop)
	<-h.done
}

// The victim is the first of two sleepers. It is killed when it was woken, or before: the wake-up that it
// took along is replaced.
func TestKillTheWoken(t *testing.T) {
	long(t)
	l, text := newLab(t)
	var p pace
	var holder *holding
	var got chan error
	k := kills(l, text, "lock")
	k.Points, k.Sample = killstep.Distinct, 4
	k.Prepare = func() []string {
		l.reset(0, 0)
		got = make(chan error, 1)
		holder = hold(l, func(l *lab) {
			go func() {
				err := p.get(&l.Mu)
				if err == nil {
					err = p.normal(l) // and on it goes: the victim may wait for it
				}
				got <- err
			}()
			time.Sleep(8 * time.Millisecond)
			l.Mu.Unlock()
		})
		return nil
	}
	k.Check = func(at killstep.Point) error {
		holder.end()
		if err := <-got; err != nil {
			return err
		}
		return p.survive(l)
	}
	killstep.Run(t, k)
	p.judge(t)
}

// The recoverer is killed at each instruction of its take-over, and a third takes over.
func TestKillRecoverer(t *testing.T) {
	long(t)
	for _, c := range []struct {
		op   string
		bits uint32
	}{
		{"lock", 0}, {"lock", bitW}, {"lock", bitW | bitA}, {"lock", bitH}, {"lockcontext", bitH | bitW}, {"trylock", 0}, {"trylock", bitA | bitW},
	} {
		t.Run(fmt.Sprintf("%s %#b", c.op, c.bits), func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			k := kills(l, text, c.op)
			k.Points, k.Sample = killstep.Distinct, 4
			if c.bits == 0 {
				k.Points = killstep.Random(killstep.Budget(20), uint64(time.Now().UnixNano()))
			}
			var dead uint32
			k.Prepare = func() []string {
				dead = ghost()
				l.reset(dead|c.bits, 0)
				return nil
			}
			k.Check = func(at killstep.Point) error {
				w := l.muWord()
				if w>>ownerAt == 0 || w>>ownerAt != dead>>ownerAt && w&bitA == 0 {
					return fmt.Errorf("word %#x, and the first one died holding it", w)
				}
				p.deed(at, w>>ownerAt != dead>>ownerAt)
				return p.survive(l)
			}
			killstep.Run(t, k)
			p.judge(t)
		})
	}
}
