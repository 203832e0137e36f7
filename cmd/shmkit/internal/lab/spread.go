package lab

import "slices"

// Spread is where some numbers lie.
type Spread struct {
	N                int
	Min, Median, Max float64
}

// SpreadOf finds it. The median of an even number of them is the mean of the
// two in the middle.
func SpreadOf(xs []float64) Spread {
	if len(xs) == 0 {
		return Spread{}
	}
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return Spread{N: n, Min: xs[0], Median: (xs[(n-1)/2] + xs[n/2]) / 2, Max: xs[n-1]}
}

// Spread is that of one metric.
func (s *Series) Spread(metric string) Spread {
	var xs []float64
	for _, x := range s.Samples {
		if v, ok := x.Values[metric]; ok {
			xs = append(xs, v)
		}
	}
	return SpreadOf(xs)
}
