package lab

import "math"

// State is how far apart the CPUs of a sample were.
type State string

// The states, by the round trip of a cache line.
const (
	Alone State = "alone" // not measured: one CPU, or one worker that nobody shares a line with
	SMT   State = "smt"   // below 75 ns: two threads of one core
	Near  State = "near"  // 75 to 200 ns: two cores that share a cache
	Far   State = "far"   // above, mostly far above: two cores that do not
	Moved State = "moved" // changed during the sample
)

// steady is how much the round trip varies, as a factor, while nothing changes.
const steady = 1.25

// StateOf names the state of a sample from the cache-line round trips, in
// nanoseconds, before and after it. A machine that lies on a border does not
// move because its figure crosses it: it is where the mean of the two is.
func StateOf(before, after float64) State {
	a, b := place(before), place(after)
	if a != b && max(before, after) <= steady*min(before, after) {
		return place(math.Sqrt(before * after))
	}
	if a != b {
		return Moved
	}
	return a
}

// place names the state at one moment.
func place(ns float64) State {
	switch {
	case ns == 0:
		return Alone
	case ns < 75:
		return SMT
	case ns <= 200:
		return Near
	}
	return Far
}
