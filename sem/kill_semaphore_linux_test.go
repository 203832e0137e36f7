package sem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
)

func init() {
	steps["acquire"] = func(l *lab) error {
		killstep.Begin()
		err := l.Sem.Acquire(context.Background())
		killstep.End()
		return err
	}
	steps["tryacquire"] = func(l *lab) error {
		killstep.Begin()
		ok := l.Sem.TryAcquire()
		killstep.End()
		if !ok {
			return errors.New("TryAcquire beside a token")
		}
		return nil
	}
	steps["release"] = func(l *lab) error {
		until(func() bool { return l.semWord() != 0 || l.Stage.Load() != 0 })
		time.Sleep(2 * time.Millisecond)
		killstep.Begin()
		err := l.Sem.Release(1)
		killstep.End()
		return err
	}
}

// tokens says how many there are, and takes them away.
func tokens(l *lab) (n int) {
	for l.Sem.TryAcquire() {
		n++
	}
	return n
}

// Nobody waits: the token is there or not, as the point says, and the semaphore works on.
func TestKillSemaphoreAlone(t *testing.T) {
	for _, c := range []struct {
		op           string
		before, over int
	}{{"acquire", 1, 0}, {"tryacquire", 1, 0}, {"release", 0, 1}, {"acquire", 3, 2}} {
		t.Run(fmt.Sprint(c.op, c.before), func(t *testing.T) {
			l, text := newLab(t)
			var p pace
			k := kills(l, text, c.op)
			k.Prepare = func() []string { l.reset(0, uint32(4*c.before)); l.stage(1); return nil }
			k.Check = func(at killstep.Point) error {
				n := tokens(l)
				if n != c.before && n != c.over {
					return fmt.Errorf("%d tokens; %d before, %d after", n, c.before, c.over)
				}
				p.deed(at, n == c.over)
				return p.token(l, func() error { return l.Sem.Release(1) })
			}
			killstep.Run(t, k)
			p.judge(t)
			p.oneInstant(t)
		})
	}
}

// token sees that somebody who waits gets the token that give gives.
func (p *pace) token(l *lab, give func() error) error {
	got := sleeper(l)
	time.Sleep(100 * time.Microsecond)
	start := time.Now()
	if err := give(); err != nil {
		return err
	}
	err := <-got
	p.took(time.Since(start))
	if err == nil && l.Sem.Value() != 0 {
		return fmt.Errorf("%d tokens left over", l.Sem.Value())
	}
	return err
}

// sleeper waits for a token.
func sleeper(l *lab) chan error {
	got := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		defer cancel()
		got <- l.Sem.Acquire(ctx)
	}()
	return got
}

// Somebody sleeps when the releaser is killed: he gets the token if it was released.
func TestKillReleaseWithSleeper(t *testing.T) {
	l, text := newLab(t)
	var p pace
	var got chan error
	k := kills(l, text, "release")
	k.Prepare = func() []string {
		l.reset(0, 0)
		got = sleeper(l)
		return nil
	}
	k.Check = func(at killstep.Point) error {
		start := time.Now()
		err, released := take(got, soon/2)
		if !released && l.Sem.Value() != 0 { // slow, if not lost
			err, released = take(got, ever)
		}
		p.deed(at, released)
		if released {
			p.took(time.Since(start))
			return err
		}
		if n := l.Sem.Value(); n != 0 {
			return fmt.Errorf("a sleeper beside %d tokens", n)
		}
		l.Sem.Release(1)
		return <-got
	}
	killstep.Run(t, k)
	p.judge(t)
	p.oneInstant(t)
}

func take(got chan error, d time.Duration) (error, bool) {
	select {
	case err := <-got:
		return err, true
	case <-time.After(d):
		return nil, false
	}
}

// The victim is the first of two sleepers. It is killed when it was woken for a token, or before: if it
// has not taken it, the other one gets it.
func TestKillTheWokenForAToken(t *testing.T) {
	long(t)
	l, text := newLab(t)
	var p pace
	var got chan error
	k := kills(l, text, "acquire")
	k.Points, k.Sample = killstep.Distinct, 4
	released := make(chan struct{})
	k.Prepare = func() []string {
		l.reset(0, 0)
		released, got = make(chan struct{}), nil
		go func() {
			defer close(released)
			until(func() bool { return l.semWord()&1 != 0 || l.Stage.Load() != 0 })
			got = sleeper(l)
			time.Sleep(8 * time.Millisecond)
			l.Sem.Release(1)
			time.Sleep(40 * time.Millisecond) // perhaps the other one was first
			if at := l.Stage.Load(); at == 0 && l.Sem.Value() == 0 && len(got) == 1 {
				l.Sem.Release(1)
			}
		}()
		return nil
	}
	k.Check = func(at killstep.Point) error {
		l.stage(1)
		<-released
		start := time.Now()
		err, ok := take(got, soon)
		if ok {
			p.took(time.Since(start))
			return err
		}
		if n := l.Sem.Value(); n != 0 {
			return fmt.Errorf("a sleeper beside %d tokens", n)
		}
		return p.token2(l, got)
	}
	killstep.Run(t, k)
	p.judge(t)
}

// token2 gives another token to one who waits already.
func (p *pace) token2(l *lab, got chan error) error {
	start := time.Now()
	l.Sem.Release(1)
	err := <-got
	p.took(time.Since(start))
	return err
}
