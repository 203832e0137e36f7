package lab

import (
	"context"
	"time"
)

// Plan is what to run.
type Plan struct {
	Groups []Group
	Reps   int
	// Budget is when to stop for lack of time, whatever is left to do; 0 is
	// never. A repetition that would not end in time is not begun.
	Budget time.Duration
	// Progress is told after every sample how many are done, of how many. nil
	// is fine.
	Progress func(done, total int)
}

// Sample is what one subject yielded in one repetition.
type Sample struct {
	Rep           int
	Values        Values
	Before, After float64 // cache-line round trips, in ns; 0: not measured
}

// State is the state in which the sample was taken.
func (s Sample) State() State { return StateOf(s.Before, s.After) }

// Series is what one subject yielded in all repetitions.
type Series struct {
	Case    string // empty for a rival
	Subject string
	Samples []Sample
	Err     error // why it was given up
}

// Result is a group that was run.
type Result struct {
	Group  Group
	Cases  []*Series
	Rivals []*Series
}

// Outcome is a plan that was run.
type Outcome struct {
	Results []*Result
	Reps    int  // how many repetitions were whole
	Short   bool // the budget ended it
}

// Run carries out a plan: subject after subject, group after group, and then
// all of it again. A subject that fails is not tried again. The error is the
// ctx's; what was measured before is there nevertheless.
func (l *Lab) Run(ctx context.Context, p Plan) (*Outcome, error) {
	o, todo := p.lay()
	begin, done := time.Now(), 0
	var slowest time.Duration
	for rep := range p.Reps {
		if p.late(begin, slowest) {
			o.Short = true
			break
		}
		repBegin := time.Now()
		for _, t := range todo {
			if p.late(begin, 0) {
				o.Short = true
				return o, ctx.Err()
			}
			t.sample(ctx, l, rep)
			if ctx.Err() != nil {
				return o, ctx.Err()
			}
			if done++; p.Progress != nil {
				p.Progress(done, len(todo)*p.Reps)
			}
		}
		o.Reps++
		slowest = max(slowest, time.Since(repBegin))
	}
	return o, nil
}

// late says whether something that takes d would end after the budget.
func (p Plan) late(begin time.Time, d time.Duration) bool {
	return p.Budget > 0 && time.Since(begin)+d > p.Budget
}

// task is one subject's turn in each repetition.
type task struct {
	series  *Series
	kind    Kind
	subject Subject
}

// lay prepares an empty result and the order in which to fill it.
func (p Plan) lay() (*Outcome, []task) {
	o := new(Outcome)
	var todo []task
	for _, g := range p.Groups {
		r := &Result{Group: g}
		o.Results = append(o.Results, r)
		for _, e := range g.subjects() {
			s := &Series{Case: e.name, Subject: e.subject.Name()}
			if e.name != "" {
				r.Cases = append(r.Cases, s)
			} else {
				r.Rivals = append(r.Rivals, s)
			}
			todo = append(todo, task{s, g.Kind, e.subject})
		}
	}
	return o, todo
}

// sample takes one sample between two calibrations.
func (t task) sample(ctx context.Context, l *Lab, rep int) {
	if t.series.Err != nil {
		return
	}
	s := Sample{Rep: rep}
	if !t.kind.alone {
		s.Before = l.LineRoundTrip()
	}
	v, err := t.subject.Sample(ctx, l, t.kind)
	if !t.kind.alone {
		s.After = l.LineRoundTrip()
	}
	if err == nil {
		s.Values = v
		t.series.Samples = append(t.series.Samples, s)
	} else if ctx.Err() == nil { // else it was not the subject that failed
		t.series.Err = err
	}
}
