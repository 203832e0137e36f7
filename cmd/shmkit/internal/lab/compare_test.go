package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// series makes samples of repetitions 0, 1, …: a value and the state's round
// trip before and after.
func series(xs ...[3]float64) *Series {
	s := new(Series)
	for i, x := range xs {
		s.Samples = append(s.Samples, Sample{Rep: i, Values: Values{"m": x[0]}, Before: x[1], After: x[2]})
	}
	return s
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{1, 3, 3, 3}},
		{[]float64{9, 1}, Spread{2, 1, 5, 9}},
		{[]float64{5, 1, 9}, Spread{3, 1, 5, 9}},
		{[]float64{4, 8, 1, 2}, Spread{4, 1, 3, 8}},
	} {
		if got := SpreadOf(c.xs); got != c.want {
			t.Errorf("SpreadOf(%v) = %v, want %v", c.xs, got, c.want)
		}
	}
}

func TestSpreadLeavesItsArgumentAlone(t *testing.T) {
	xs := []float64{3, 1, 2}
	SpreadOf(xs)
	if !cmp.Equal(xs, []float64{3, 1, 2}) {
		t.Errorf("it sorted its argument: %v", xs)
	}
}

func TestState(t *testing.T) {
	for _, c := range []struct {
		before, after float64
		want          State
	}{
		{0, 0, Alone},
		{50, 60, SMT},
		{100, 110, Near},
		{75, 200, Near},
		{500, 250, Far},
		{100, 500, Moved},
		{50, 110, Moved},
		{70, 78, SMT},   // lies on a border: the mean is 73.9
		{72, 80, Near},  // the mean is 75.9
		{195, 215, Far}, // the mean is 204.8
		{190, 205, Near},
		{0, 100, Moved},
	} {
		if got := StateOf(c.before, c.after); got != c.want {
			t.Errorf("StateOf(%v, %v) = %s, want %s", c.before, c.after, got, c.want)
		}
	}
}

// The ratio is the median of the pairs' ratios: here the medians of both sides
// are 20 and 10, but side by side we were never twice as good.
func TestCompareIsPaired(t *testing.T) {
	near := func(x float64) [3]float64 { return [3]float64{x, 100, 100} }
	ours := series(near(30), near(20), near(10))
	theirs := series(near(30), near(10), near(5))
	got := Compare(Metric{"m", "", true}, ours, theirs)
	want := []Ratio{{Near, Spread{3, 1, 2, 2}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	theirs = series(near(60), near(10), near(10))
	if got := Compare(Metric{"m", "", true}, ours, theirs); got[0].Median != 1 {
		t.Errorf("median of 0.5, 2, 1 is %v", got[0].Median)
	}
}

func TestCompareTurnsCostsAround(t *testing.T) {
	ours, theirs := series([3]float64{50, 0, 0}), series([3]float64{200, 0, 0})
	if got := Compare(Metric{"m", "ns", false}, ours, theirs); got[0].Median != 4 || got[0].State != Alone {
		t.Errorf("a quarter of the time is %+v, want 4 times better", got[0])
	}
}

func TestCompareKeepsStatesApart(t *testing.T) {
	ours := series([3]float64{10, 100, 100}, [3]float64{10, 400, 400}, [3]float64{10, 400, 410}, [3]float64{10, 100, 400}, [3]float64{10, 100, 100})
	theirs := series([3]float64{1, 100, 100}, [3]float64{5, 400, 400}, [3]float64{5, 400, 400}, [3]float64{1, 100, 100}, [3]float64{1, 400, 400})
	got := Compare(Metric{"m", "", true}, ours, theirs)
	want := []Ratio{
		{Far, Spread{2, 2, 2, 2}},
		{Near, Spread{1, 10, 10, 10}},
		{Moved, Spread{2, 10, 10, 10}}, // one sample moved; one pair saw two states
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestComparePutsMovedLast(t *testing.T) {
	ours := series([3]float64{1, 100, 400}, [3]float64{1, 100, 400}, [3]float64{1, 100, 100})
	theirs := series([3]float64{1, 100, 100}, [3]float64{1, 100, 100}, [3]float64{1, 100, 100})
	if got := Compare(Metric{"m", "", true}, ours, theirs); got[0].State != Near || got[0].N != 1 {
		t.Errorf("first is %+v, want the one pair that stood still", got[0])
	}
}

func TestComparePairsByRepetition(t *testing.T) {
	ours, theirs := series([3]float64{8, 0, 0}), series([3]float64{4, 0, 0})
	theirs.Samples[0].Rep = 1
	if got := Compare(Metric{"m", "", true}, ours, theirs); got != nil {
		t.Errorf("samples of different repetitions were paired: %v", got)
	}
	ours.Samples[0].Values = Values{}
	theirs.Samples[0].Rep = 0
	if got := Compare(Metric{"m", "", true}, ours, theirs); got != nil {
		t.Errorf("a missing value was paired: %v", got)
	}
}
