package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// scribe writes down whose turn it is.
type scribe struct {
	name string
	log  *[]string
	err  error
	took time.Duration
}

func (s scribe) Name() string { return s.name }
func (s scribe) Sample(context.Context, *Lab, Kind) (Values, error) {
	*s.log = append(*s.log, s.name)
	time.Sleep(s.took)
	return Values{"throughput": 1}, s.err
}

func TestSubjectsTakeTurns(t *testing.T) {
	var log []string
	g := Group{Name: "g", Kind: Messages, Cases: []Case{{"g", scribe{"a", &log, nil, 0}}},
		Rivals: []Subject{scribe{"b", &log, nil, 0}, scribe{"c", &log, nil, 0}}}
	var last, total int
	o, err := new(Lab).Run(t.Context(), Plan{Groups: []Group{g}, Reps: 3, Progress: func(d, n int) { last, total = d, n }})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(log, ""); got != "abcabcabc" {
		t.Errorf("the order was %s", got)
	}
	if o.Reps != 3 || o.Short || last != 9 || total != 9 {
		t.Errorf("%d repetitions, short %v, %d of %d", o.Reps, o.Short, last, total)
	}
	for _, s := range append(o.Results[0].Cases, o.Results[0].Rivals...) {
		for i, x := range s.Samples {
			if x.Rep != i || x.State() != Alone {
				t.Errorf("sample %d of %s is of repetition %d, in %s", i, s.Subject, x.Rep, x.State())
			}
		}
	}
}

func TestWhoFailsIsNotAskedAgain(t *testing.T) {
	var log []string
	g := Group{Name: "g", Kind: Messages, Cases: []Case{{"g", scribe{"a", &log, nil, 0}}},
		Rivals: []Subject{scribe{"b", &log, errors.New("broken"), 0}}}
	o, err := new(Lab).Run(t.Context(), Plan{Groups: []Group{g}, Reps: 3})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(log, ""); got != "abaa" {
		t.Errorf("the order was %s", got)
	}
	if r := o.Results[0].Rivals[0]; r.Err == nil || len(r.Samples) != 0 {
		t.Errorf("the one that failed has %d samples, error %v", len(r.Samples), r.Err)
	}
}

func TestBudget(t *testing.T) {
	var log []string
	slow := scribe{"a", &log, nil, 30 * time.Millisecond}
	g := Group{Name: "g", Kind: Messages, Cases: []Case{{"g", slow}}}
	o, err := new(Lab).Run(t.Context(), Plan{Groups: []Group{g}, Reps: 1000, Budget: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !o.Short || o.Reps == 0 || o.Reps > 7 || len(log) != o.Reps {
		t.Errorf("in 200 ms there were %d repetitions of 30 ms, short %v", o.Reps, o.Short)
	}
	two := Group{Name: "g", Kind: Messages, Cases: []Case{{"g", slow}, {"h", slow}}}
	o, err = new(Lab).Run(t.Context(), Plan{Groups: []Group{two}, Reps: 1, Budget: 10 * time.Millisecond})
	if err != nil || !o.Short || len(o.Results[0].Cases[1].Samples) != 0 {
		t.Errorf("time was up in the first repetition: short %v, %v, %v", o.Short, o.Results[0].Cases[1], err)
	}
}

func TestCancelledRunKeepsWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var log []string
	g := Group{Name: "g", Kind: Messages, Cases: []Case{{"g", scribe{"a", &log, nil, 0}}}}
	o, err := new(Lab).Run(ctx, Plan{Groups: []Group{g}, Reps: 10, Progress: func(d, _ int) {
		if d == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || len(o.Results[0].Cases[0].Samples) < 2 {
		t.Errorf("%v, %d samples", err, len(o.Results[0].Cases[0].Samples))
	}
}

// Whatever is cut short by the end of the run has not failed.
func TestInterruptionIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log []string
	g := Group{Name: "g", Kind: Messages, Cases: []Case{{"g", scribe{"a", &log, context.Canceled, 0}}}}
	o, err := new(Lab).Run(ctx, Plan{Groups: []Group{g}, Reps: 1})
	if s := o.Results[0].Cases[0]; !errors.Is(err, context.Canceled) || s.Err != nil || len(s.Samples) != 0 {
		t.Errorf("%v, the subject: %v, %d samples", err, s.Err, len(s.Samples))
	}
}
