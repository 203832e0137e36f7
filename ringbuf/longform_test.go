package ringbuf_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
)

// lasting is for how long a test goes on that ends by the clock: usual, or in the long form of a run long, or
// what SHMKIT_TIME says.
func lasting(usual, long time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv("SHMKIT_TIME")); err == nil && d > 0 {
		return d
	}
	if lengthy() {
		return long
	}
	return usual
}

// waits chooses where to kill one that waits, of whose instructions some thousands are the same: a point takes a third of a second,
// so the long form has a fiftieth of what SHMKIT_KILLS says, and at least 200.
func waits(usual int) killstep.Points {
	n := killstep.Budget(usual)
	if lengthy() {
		n = min(n, max(200, n/50))
	}
	return killstep.Random(n, 1)
}

// inRounds makes n kills in rounds of at most some hundreds, each with a ring, a book and processes of its own, so that what a
// long storm needs of memory and of disk does not grow with it. One round says how many it has made.
func inRounds(t *testing.T, n int, round func(t *testing.T, most int) int) {
	for left, k := n, 1; left > 0 && !t.Failed(); k++ {
		t.Run(fmt.Sprint("round ", k), func(t *testing.T) {
			made := round(t, min(left, 500))
			if made == 0 {
				t.Fatal("no kill was made")
			}
			left -= made
		})
	}
}

// lengthy says that this is the long form.
func lengthy() bool { return os.Getenv("SHMKIT_KILLS") != "" }

// all says that a run is to do all the scenes of a sweep, and not some by turns: also one that is refused system calls, which asks for
// its scenes by name.
func all() bool {
	return lengthy() || os.Getenv("SHMKIT_TEST_DENY") != "" || os.Getenv("SHMKIT_TEST_EVERY") != ""
}
