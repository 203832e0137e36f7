package proctest

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// settle is how long what is just ending may take to end.
var settle = 5 * time.Second

var residents = []string{
	"os/signal.loop(",             // signal.Notify never ends its goroutine
	"proctest.(*starter).serve(",  // the thread that our children hang on
	"testing.(*M).startAlarm",     // the time limit of the run
	"testing.runFuzzing",          // fuzz workers
	"created by internal/runtime", // none of a test's business
}

// Resident says that goroutines with this function on their stack live as long as
// the process, and are no leak. The text is searched in runtime.Stack's output.
func Resident(function string) { residents = append(residents, function) }

// stock is what a process has at one moment.
type stock struct {
	fds        map[string]int // what is open, by kind or path, and how often
	goroutines map[string]bool
}

func takeStock() stock {
	warmUp()
	return stock{openFiles(), goroutines()}
}

// leaks compares with now, and waits for up to d until nothing is left over.
func (s stock) leaks(d time.Duration) error {
	pause := 100 * time.Microsecond
	for end := time.Now().Add(d); ; pause = min(2*pause, 50*time.Millisecond) {
		err := errors.Join(s.files(), s.routines(), children())
		if err == nil || time.Now().After(end) {
			return err
		}
		runtime.GC() // what a Close has left to the collector goes now
		time.Sleep(pause)
	}
}

func (s stock) files() error {
	now := openFiles()
	var errs []error
	for _, what := range slices.Sorted(maps.Keys(now)) {
		if n := now[what] - s.fds[what]; n > 0 {
			errs = append(errs, fmt.Errorf("descriptors: %d of %s", n, what))
		}
	}
	return errors.Join(errs...)
}

func (s stock) routines() error {
	var errs []error
	for id, stack := range stacks() {
		if !s.goroutines[id] && !resident(stack) {
			errs = append(errs, fmt.Errorf("%s", stack))
		}
	}
	return errors.Join(errs...)
}

func resident(stack string) bool {
	return slices.ContainsFunc(residents, func(f string) bool { return strings.Contains(stack, f) })
}

func goroutines() map[string]bool {
	ids := map[string]bool{}
	for id := range stacks() {
		ids[id] = true
	}
	return ids
}

// stacks returns the stacks of all other goroutines by their number.
func stacks() map[string]string {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	all := map[string]string{}
	for i, s := range strings.Split(string(b), "\n\n") {
		if f := strings.Fields(s); i > 0 && len(f) > 1 { // the first is our own
			all[f[1]] = strings.TrimSpace(s)
		}
	}
	return all
}
