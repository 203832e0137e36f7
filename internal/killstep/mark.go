package killstep

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/proctest"
)

const (
	gate      = "killstep" // the registered function that every victim starts as
	beginLine = "\x01begin "

	// A goroutine that was told to give way does so when it next calls a function,
	// and mark is one. All threads but ours are stopped at the first mark, so that
	// nobody can tell us any more; one that was told before goes the long way round
	// through the scheduler here, rather than in the region.
	beginMarks = 4
)

// stepped is true from the start of a victim until its first Begin.
var stepped atomic.Bool

// inside is the thread between the marks, 0 outside.
var inside int

// The gate lets a process be started ahead: it learns later what it is to do.
var _ = proctest.Register(gate, func([]string) int {
	task, err := strconv.Unquote(proctest.Hear())
	if err != nil {
		fmt.Println(err)
		return 2
	}
	name, rest, _ := strings.Cut(task, "\x00")
	var args []string
	if rest != "" {
		args = strings.Split(rest, "\x00")
	}
	stepped.Store(true)
	return proctest.Call(name, args)
})

// quoteTask is the line that the gate waits for.
func quoteTask(name string, args []string) string {
	return strconv.Quote(strings.Join(append([]string{name}, args...), "\x00"))
}

// Begin starts the region. The goroutine stays on its thread until End, since it
// is the thread that is stepped. Only the first region of a victim counts.
//
//go:noinline
func Begin() {
	runtime.LockOSThread()
	if stepped.CompareAndSwap(true, false) {
		inside = threadID()
		proctest.Say(beginLine + strconv.Itoa(inside))
		proctest.Hear() // until all threads are seized: unseized, the mark would kill us
		for range beginMarks {
			mark(inside, markBegin)
		}
	}
	began()
}

// began is where the tracer begins to count, so that the way back from the mark is
// no part of the region.
//
//go:noinline
func began() {}

// End ends the region, for the tracer at its first instruction.
//
//go:noinline
func End() {
	if inside != 0 {
		mark(inside, markEnd)
		inside = 0
	}
	runtime.UnlockOSThread()
}
