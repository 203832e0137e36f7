package lab

import (
	"cmp"
	"maps"
	"slices"
)

// Ratio is how many times better we are than a rival, in one state of the
// machine. It is the spread of the ratios of pairs, not the ratio of two
// medians: the two samples of a pair were taken one after the other, so what
// slowed one of them down slowed both.
type Ratio struct {
	State State
	Spread
}

// Compare pairs the samples of two series by repetition and gives a ratio for
// each state that was seen, the one with the most pairs first. A pair whose
// samples saw different states, or a change, is in Moved, which comes last.
func Compare(m Metric, ours, theirs *Series) []Ratio {
	byState := map[State][]float64{}
	for _, a := range ours.Samples {
		for _, b := range theirs.Samples {
			x, y := a.Values[m.Name], b.Values[m.Name]
			if a.Rep != b.Rep || x <= 0 || y <= 0 {
				continue
			}
			s := common(a.State(), b.State())
			byState[s] = append(byState[s], m.Better(x, y))
		}
	}
	var rs []Ratio
	for _, s := range slices.Sorted(maps.Keys(byState)) {
		rs = append(rs, Ratio{s, SpreadOf(byState[s])})
	}
	slices.SortStableFunc(rs, func(a, b Ratio) int {
		return cmp.Or(rank(a.State)-rank(b.State), b.N-a.N)
	})
	return rs
}

// rank puts pairs that cannot be relied on behind the others.
func rank(s State) int {
	if s == Moved {
		return 1
	}
	return 0
}

// common is the state of a pair.
func common(a, b State) State {
	if a == b {
		return a
	}
	return Moved
}
