package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Procs is a subject that works in processes of this program.
type Procs struct {
	Label string
	// Share prepares in the lab's process what the workers share. nil: nothing.
	Share func(s *Stage) error
	// Roles are the workers, a process each. The first one reports, if the kind
	// asks for a report; the consumer, so that what counts has arrived.
	Roles []Role
	// Check judges the report. nil: it needs no judgement.
	Check func(r Report) error
}

// How long a worker may take to show life, and how long to end.
const (
	patience    = 10 * time.Second
	jobPatience = 5 * time.Minute
)

// Name is the label.
func (p Procs) Name() string { return p.Label }

// Sample starts the workers, watches them and kills them.
func (p Procs) Sample(ctx context.Context, l *Lab, k Kind) (Values, error) {
	pg, err := newPage()
	if err != nil {
		return nil, err
	}
	defer pg.close()
	var s Stage
	defer s.close()
	if p.Share != nil {
		if err := p.Share(&s); err != nil {
			return nil, err
		}
	}
	t, err := l.newTeam(p.Roles, &s, pg)
	if err != nil {
		return nil, err
	}
	defer t.kill()
	if k.whole {
		return p.judge(ctx, t, jobPatience)
	}
	v, err := l.watch(ctx, t, pg, k)
	if err != nil || v != nil {
		return v, err
	}
	return p.judge(ctx, t, patience)
}

// judge takes the first worker's report.
func (p Procs) judge(ctx context.Context, t *team, limit time.Duration) (Values, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := t.report(ctx)
	if err == nil && p.Check != nil {
		err = p.Check(r)
	}
	return r.Values, err
}

// watch leads a team through the phases of a sample and returns what the kind
// makes of what the workers counted, if it does.
func (l *Lab) watch(ctx context.Context, t *team, pg *page, k Kind) (Values, error) {
	if err := t.alive(ctx, pg, k.all); err != nil {
		return nil, err
	}
	if err := t.during(ctx, l.Warm); err != nil {
		return nil, err
	}
	pg.phase().Store(measuring)
	n := len(t.members)
	for begin, before := time.Now(), pg.counts(n); ; {
		if err := t.during(ctx, k.Window(l.Window)); err != nil {
			return nil, err
		}
		rates, worst := ratesOf(before, pg.counts(n), time.Since(begin), k.all), pg.worst(n)
		if sum(rates) > 0 {
			pg.phase().Store(stopped)
			return k.values(rates, worst), nil
		}
		// Whoever stands still for a window, on a crowded machine, is measured for longer: it is slow,
		// and that is a figure too.
		if time.Since(begin) > patience {
			return nil, fmt.Errorf("lab: %s: nothing was done within %v", t.members[0].role, patience)
		}
	}
}

// ratesOf gives the rates, per second, of all workers or of those that count at
// all.
func ratesOf(before, after []uint64, d time.Duration, all bool) []float64 {
	var rates []float64
	for i := range after {
		if all || after[i] > 0 {
			rates = append(rates, float64(after[i]-before[i])/d.Seconds())
		}
	}
	return rates
}

// alive waits until the first worker, or each of them, has shown life.
func (t *team) alive(ctx context.Context, pg *page, all bool) error {
	waited := t.members[:1]
	if all {
		waited = t.members
	}
	limit := time.Now().Add(patience)
	for i, m := range waited {
		for !pg.alive(i) {
			if time.Now().After(limit) {
				return fmt.Errorf("lab: %s: no progress within %v", m.role, patience)
			}
			if err := t.during(ctx, time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// during waits. A worker that ends in this time has failed: none ends before
// it is told to.
func (t *team) during(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case m := <-t.ended:
		return errors.Join(m.failure(), fmt.Errorf("lab: %s ended before its time", m.role))
	}
}
