package sem_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
)

// pace collects how long survivors waited, and at which points the victims had done the deed.
type pace struct {
	mu        sync.Mutex
	n, slow   int
	slowest   time.Duration
	no, yes   []int // the points at which it was not yet done, and was, in steps
	undefined []string
}

// took notes how long a survivor waited.
func (p *pace) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.slowest = max(p.slowest, d)
	if d > soon {
		p.slow++
	}
}

// deed notes whether the victim's operation had taken effect by the point. It happens at one instruction.
func (p *pace) deed(at killstep.Point, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case at.Ended && !done:
		p.undefined = append(p.undefined, at.String())
	case at.Ended:
	case done:
		p.yes = append(p.yes, at.Steps)
	default:
		p.no = append(p.no, at.Steps)
	}
}

// judge fails the test when survivors were too slow too often.
func (p *pace) judge(t testing.TB) {
	t.Helper()
	t.Logf("%d waits of survivors, the slowest %v, %d above %v", p.n, p.slowest.Round(10*time.Microsecond), p.slow, soon)
	if len(p.undefined) > 0 {
		t.Errorf("the operation has returned and had no effect: %v", p.undefined)
	}
	if p.slow > 1+p.n/10 {
		t.Errorf("%d of %d survivors waited for more than %v, one for %v", p.slow, p.n, soon, p.slowest)
	}
}

// oneInstant fails the test unless the deed was done at one instruction: all that were killed before it had
// not done it, all that were killed after it had. A victim that its scheduler has asked to yield comes there
// later than others, so some may be out of order, and on a busy machine many; an operation that is done in two moves has many.
func (p *pace) oneInstant(t testing.TB) {
	t.Helper()
	if len(p.yes) == 0 || race.Enabled { // the detector's own way is longer one time than another
		return
	}
	slices.Sort(p.yes)
	first := p.yes[min(len(p.yes)/10, len(p.yes)-1)]
	var late []int
	for _, n := range p.no {
		if n > first {
			late = append(late, n)
		}
	}
	if len(late) > 5+len(p.no)/3 {
		t.Errorf("done after %d instructions, and not done after %d", p.yes[0], late)
	}
}

// long skips a test under the race detector.
func long(t *testing.T) {
	t.Helper()
	if race.Enabled {
		t.Skip("the detector makes hundreds of steps of each: the run without it visits these regions")
	}
}

// get takes m as a survivor does, and notes how long that took.
func (p *pace) get(m *sem.Mutex) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	err := m.LockContext(ctx)
	p.took(time.Since(start))
	if err != nil {
		return fmt.Errorf("no survivor gets the lock: %w", err)
	}
	return nil
}

// survive is what everybody expects after a death: the lock comes, Abandoned says whether its holder died,
// and once it is repaired all is as before.
func (p *pace) survive(l *lab) error {
	w := l.muWord()
	if err := p.get(&l.Mu); err != nil {
		return fmt.Errorf("word %#x: %w", w, err)
	}
	died := w>>ownerAt != 0
	switch is := l.Mu.Abandoned(); {
	case is && !died && w&bitA == 0:
		return fmt.Errorf("word %#x: abandoned, and nobody held it", w)
	case !is && (died || w&bitA != 0):
		return fmt.Errorf("word %#x: not abandoned, and its holder died", w)
	}
	return p.normal(l)
}

// normal is given the lock held, and sees that it works as if nothing had happened.
func (p *pace) normal(l *lab) error {
	l.Mu.Repaired()
	l.Mu.Unlock()
	if !l.Mu.TryLock() {
		return fmt.Errorf("word %#x: TryLock fails on a free lock", l.muWord())
	}
	defer l.Mu.Unlock()
	if l.Mu.Abandoned() {
		return errors.New("abandoned after Repaired")
	}
	return nil
}

// respect is what everybody owes to a holder that stands still: the lock does not come.
func respect(l *lab) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*short)
	defer cancel()
	if err := l.Mu.LockContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("a holder that stands still was robbed: %v, word %#x", err, l.muWord())
	}
	if l.Mu.TryLock() {
		return errors.New("TryLock robbed a holder that stands still")
	}
	return nil
}
