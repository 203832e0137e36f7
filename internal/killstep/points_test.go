package killstep

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTargets(t *testing.T) {
	a, b := Random(50, 7).targets(9, 0), Random(50, 7).targets(9, 0)
	if !slices.Equal(a, b) || slices.Equal(a, Random(50, 8).targets(9, 0)) {
		t.Error("the seed does not choose the points")
	}
	if slices.Min(a) != 0 || slices.Max(a) != 9 {
		t.Errorf("random points %v do not reach from 0 to 9", a)
	}
	if got := Random(0, 1).targets(9, 0); got == nil || len(got) != 0 {
		t.Errorf("no points: %v", got)
	}
	if got := All.targets(1000, -1); got != nil {
		t.Errorf("all points are a sample: %v", got)
	}
	if got := Distinct.targets(1000, 0); (got != nil) != brief() || brief() && len(got) != 25 {
		t.Errorf("brief %v: sample of %d", brief(), len(got))
	}
	if All.target(3) != (target{3, -1}) || Calls.target(3) != (target{-1, 3}) {
		t.Error("target")
	}
}

func TestBudget(t *testing.T) {
	t.Setenv("SHMKIT_KILLS", "")
	if got := Budget(50); got != 50 && !brief() || got != 5 && brief() {
		t.Errorf("budget %d", got)
	}
	t.Setenv("SHMKIT_KILLS", "10000")
	if got := Budget(50); got != 10000 {
		t.Errorf("budget %d in the long form", got)
	}
}

func TestPart(t *testing.T) {
	for text, want := range map[string][2]int{"": {0, 1}, "2/8": {2, 8}, "8/8": {0, 1}, "-1/2": {0, 1}, "x": {0, 1}, "0/1": {0, 1}} {
		if first, step := part(text); [2]int{first, step} != want {
			t.Errorf("%q: %d, %d", text, first, step)
		}
	}
}

func TestPointSaysWhatHappened(t *testing.T) {
	for want, p := range map[string]Point{
		"N=3 killed":                {Steps: 3},
		"N=4 region ended":          {Steps: 4, Ended: true},
		"N=5 frozen while blocked":  {Steps: 5, Frozen: true, Blocked: true},
		"N=6 killed at 0x7fff00000": {Steps: 6, pcs: []uintptr{0x7fff00000}},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	r := Report{Steps: 10, Visited: 9, Ended: 1, Took: time.Second, Stepped: 100, Stepping: time.Second / 2}
	if s := r.Summary(); !strings.Contains(s, "10 runs/s, 200 steps/s") {
		t.Error(s)
	}
}

func TestTaskLine(t *testing.T) {
	if s := quoteTask("a", []string{"b c", "d\ne"}); strings.Contains(s, "\n") || !strings.Contains(s, `b c`) {
		t.Errorf("%q", s)
	}
}
