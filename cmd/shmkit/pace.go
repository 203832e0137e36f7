package main

import "time"

// pace is how long a run takes.
type pace struct {
	reps         int
	warm, window time.Duration
	budget       time.Duration
	corpus       int64 // bytes of the default corpus
}

var (
	usual = pace{5, 40 * time.Millisecond, 120 * time.Millisecond, 105 * time.Second, 16 << 20}
	short = pace{2, 15 * time.Millisecond, 40 * time.Millisecond, 16 * time.Second, 4 << 20}
)

// pace is what the flags ask for. Whoever says how many repetitions, or wants
// peers, gets them, however long it takes.
func (f *benchFlags) pace() pace {
	p := usual
	if f.short {
		p = short
	}
	if f.n > 0 {
		p.reps = f.n
		p.budget = 0
	}
	if f.peers {
		p.budget = 0
	}
	return p
}
