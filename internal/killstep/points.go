package killstep

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/internal/race"
)

// Points chooses where the victims are interrupted.
type Points struct {
	kind kind
	n    int
	seed uint64
}

type kind int

const (
	all kind = iota
	distinct
	calls
	random
)

var (
	// All visits every instruction of the region, and its end.
	All = Points{kind: all}

	// Distinct visits the points between which others see no difference: after each
	// change of the watched memory and after each system call. For a region that
	// one thread runs alone that is as good as All, and far faster.
	Distinct = Points{kind: distinct}

	// Calls visits the points before and after each system call, and runs at full
	// speed in between. It is meant for regions of 10 000 instructions and more
	// whose traces are files rather than memory.
	Calls = Points{kind: calls}
)

// Random visits n instructions by chance; the same seed chooses the same ones.
func Random(n int, seed uint64) Points { return Points{random, n, seed} }

// Budget is the number of random kills or freezes that a test should do: the
// environment variable SHMKIT_KILLS, for the long form of a run, else usual, and
// a tenth of it under -short and -race.
func Budget(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("SHMKIT_KILLS")); err == nil && n > 0 {
		return n
	}
	if brief() {
		return max(1, usual/10)
	}
	return usual
}

func brief() bool { return testing.Short() || race.Enabled }

// target is where one victim is interrupted: after so many steps, or after so
// many events (changes and system calls). The other one is negative.
type target struct {
	steps, events int
}

var never = target{-1, -1}

func (p Points) target(n int) target {
	switch p.kind {
	case distinct, calls:
		return target{-1, n}
	}
	return target{n, -1}
}

// targets returns the chosen points of a region of which one victim was surveyed,
// or nil if they are to be visited in turn until the region ends. Points count
// from 0; last is the first one past the end.
func (p Points) targets(last, sample int) []int {
	n, seed := p.n, p.seed
	if p.kind != random {
		if sample == 0 {
			sample = 25
		}
		if !brief() || sample < 0 || last < sample {
			return nil
		}
		n, seed = sample, 1
	}
	r := rand.New(rand.NewPCG(seed, 0))
	ts := make([]int, n)
	for i := range ts {
		ts[i] = r.IntN(last + 1)
	}
	return ts
}

// part is which of the points that are visited in turn this run visits: SHMKIT_PART=i/n stands for every n'th from i on, 0 ≤ i < n, so
// that a sweep that lasts may be done in n runs. Anything else is all.
func part(text string) (first, step int) {
	i, n, _ := strings.Cut(text, "/")
	first, err := strconv.Atoi(i)
	step, err2 := strconv.Atoi(n)
	if err != nil || err2 != nil || first < 0 || first >= step {
		return 0, 1
	}
	return first, step
}
