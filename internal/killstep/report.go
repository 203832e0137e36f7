package killstep

import (
	"fmt"
	"time"
)

// Report is what a sweep found.
type Report struct {
	Steps, Events int           // length of the region, as the first victim ran it
	Visited       int           // victims that were interrupted in the region
	Ended         int           // victims that came to the end before
	Blocked       int           // of the visited: in a system call that lasted
	Failures      []Failure     // in the order of the visits
	Slowest       time.Duration // the longest Check
	Took          time.Duration
	Stepped       int           // steps of all victims
	Stepping      time.Duration // time that took
}

// Failure is a point that some survivor did not survive.
type Failure struct {
	At  Point
	Err error
}

// Summary is the report in a line.
func (r Report) Summary() string {
	runs := r.Visited + r.Ended
	return fmt.Sprintf("killstep: region of %d steps, %d events; %d points (%d blocked), %d ended before; %d failures; slowest check %v; %v, %.0f runs/s, %.0f steps/s",
		r.Steps, r.Events, r.Visited, r.Blocked, r.Ended, len(r.Failures), r.Slowest.Round(10*time.Microsecond),
		r.Took.Round(time.Millisecond), rate(runs, r.Took), rate(r.Stepped, r.Stepping))
}

func rate(n int, d time.Duration) float64 { return float64(n) / max(d, 1).Seconds() }
