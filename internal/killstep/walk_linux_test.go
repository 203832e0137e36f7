package killstep

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
)

var (
	sink    uint64
	garbage atomic.Pointer[[]byte]
)

// pure runs without the kernel and the scheduler; "busy" with goroutines beside it
// that keep the collector running.
var _ = proctest.Register("pure", func(args []string) int {
	if args[0] == "busy" {
		for range 3 {
			go func() {
				for {
					b := make([]byte, 100_000)
					garbage.Store(&b)
				}
			}()
		}
		time.Sleep(20 * time.Millisecond)
	}
	Begin()
	x := sink
	for i := range uint64(300) {
		x = x*6364136223846793005 + i
	}
	sink = x
	End()
	return 0
})

// steps runs one victim through its region.
func steps(t *testing.T, c Config) int {
	t.Helper()
	c.Points, c.Check = Random(0, 0), fine
	return Sweep(t, c).Steps
}

func TestCountingIsDeterministic(t *testing.T) {
	need(t)
	want := steps(t, Config{Victim: "pure", Args: []string{"calm"}})
	if want < 900 || want > 10_000 {
		t.Fatalf("%d steps for 300 rounds", want)
	}
	for range 5 {
		if got := steps(t, Config{Victim: "pure", Args: []string{"busy"}}); got != want {
			t.Errorf("%d steps beside a busy collector, %d without", got, want)
		}
	}
}

// The runtime may preempt at any time. Here the signal comes at every step.
func TestPreemptionIsHeldBack(t *testing.T) {
	need(t)
	w := newWorld(t)
	urge := func(n *uint32) func() []byte { return func() []byte { w.urge(); *n++; return nil } }
	var calls uint32
	calm := steps(t, Config{Victim: "urged", Args: []string{w.path}})
	if got := steps(t, Config{Victim: "urged", Args: []string{w.path}, Watch: urge(&calls)}); got != calm || calls == 0 {
		t.Errorf("%d steps under %d signals, %d without", got, calls, calm)
	}
}

var _ = proctest.Register("urged", func(args []string) int {
	announce(args)
	return proctest.Call("pure", []string{"calm"})
})

// A region that waits for another goroutine comes to its end all the same.
var _ = proctest.Register("pingpong", func([]string) int {
	c := make(chan int)
	go func() { c <- <-c + 1 }()
	Begin()
	c <- 1
	n := <-c
	End()
	return n - 2
})

func TestOthersAreLetGo(t *testing.T) {
	need(t)
	r := Sweep(t, Config{Victim: "pingpong", Points: Random(2, 1), Check: fine})
	if len(r.Failures) != 0 || r.Steps == 0 {
		t.Errorf("%v: %v", r.Summary(), r.Failures)
	}
}

// locker finds the lock held.
var _ = proctest.Register("locker", func(args []string) int {
	m := (*mutex)(enter(args))
	Begin()
	ok := m.lock(time.Hour)
	End()
	if !ok {
		return 1
	}
	return 0
})

func TestBlockedIsAPoint(t *testing.T) {
	need(t)
	w := newWorld(t)
	m := (*mutex)(w.at())
	c := Config{
		Victim: "locker", Args: []string{w.path}, Watch: w.now, Points: Distinct, Sample: -1, Deadline: 400 * time.Millisecond,
		Prepare: func() []string { w.clear(); m.word.Store(1); return nil },
		Check:   func(at Point) error { m.unlock(); return nil },
	}
	r := Run(t, c)
	if r.Blocked == 0 || r.Ended != 0 {
		t.Errorf("killed: %s", r.Summary())
	}
	// The frozen one was given the lock meanwhile, so it comes to its end.
	c.Action = Freeze
	c.After = func(at Point) error {
		if m.word.Load() == 0 {
			return errors.New("the victim does not hold the lock")
		}
		return nil
	}
	if r := Run(t, c); r.Blocked == 0 {
		t.Errorf("frozen: %s", r.Summary())
	}
}

// saver makes a file appear under its name when it is whole.
var _ = proctest.Register("saver", func(args []string) int {
	tmp := filepath.Join(args[0], "tmp")
	Begin()
	os.WriteFile(tmp, []byte("whole"), 0o600)
	os.Rename(tmp, filepath.Join(args[0], "name"))
	End()
	return 0
})

func TestCalls(t *testing.T) {
	need(t)
	var dir string
	seen := map[string]int{}
	r := Run(t, Config{
		Victim: "saver", Points: Calls, Sample: -1,
		Prepare: func() []string { dir = t.TempDir(); return []string{dir} },
		Check: func(at Point) error {
			tmp, err := os.ReadFile(filepath.Join(dir, "tmp"))
			_, nameErr := os.Stat(filepath.Join(dir, "name"))
			seen[string(tmp)+" "+strconv.FormatBool(err == nil)+" "+strconv.FormatBool(nameErr == nil)]++
			return nil
		},
	})
	t.Log(r.Summary(), seen)
	for _, state := range []string{" false false", " true false", "whole true false", " false true"} {
		if seen[state] == 0 {
			t.Errorf("state %q was not seen: %v", state, seen)
		}
	}
}

// fault runs into memory that is not there, and recovers.
var _ = proctest.Register("fault", func(args []string) (code int) {
	b := unreadable()
	debug.SetPanicOnFault(true)
	code = 1
	Begin()
	func() {
		defer func() {
			if recover() != nil {
				code = 0
			}
		}()
		sink = uint64(b[0])
	}()
	End()
	return code
})

func TestFaultsReachTheProgram(t *testing.T) {
	need(t)
	r := Sweep(t, Config{Victim: "fault", Points: Random(1, 1), Check: fine})
	if len(r.Failures) != 0 || r.Steps < 100 {
		t.Errorf("%s: %v", r.Summary(), r.Failures)
	}
}

var _ = proctest.Register("misfit", func(args []string) int {
	switch args[0] {
	case "exits":
		println("not in the mood")
		return 3
	case "sleeps":
		time.Sleep(time.Hour)
	}
	Begin()
	switch args[0] {
	case "panics":
		panic("in the region")
	case "dies":
		os.Exit(4)
	case "loops":
		for {
			runtime.KeepAlive(args)
		}
	}
	End()
	return 5
})

func TestMisfits(t *testing.T) {
	need(t)
	for how, want := range map[string]string{
		"exits":  "ended before Begin: exit status 3; it said:\nnot in the mood",
		"sleeps": "did not come to Begin",
		"panics": "exit code 2; it said:\npanic: in the region",
		"dies":   "exit code 4",
		"misses": "exit code 5",
	} {
		c := Config{Victim: "misfit", Args: []string{how}, Points: Random(0, 1), Check: fine}
		if how == "sleeps" {
			c.Deadline = 100 * time.Millisecond
		}
		r, got := Report{}, ""
		if how == "exits" || how == "sleeps" {
			got = strings.Join(fails(t, c), "\n")
		} else if r = Sweep(t, c); len(r.Failures) > 0 {
			got = r.Failures[0].Err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q; want %q", how, got, want)
		}
	}
	r := Sweep(t, Config{Victim: "misfit", Args: []string{"loops"}, MaxSteps: 500, Points: Random(0, 1), Check: fine})
	if r.Steps != 500 || len(r.Failures) != 0 {
		t.Errorf("endless region: %s, %v", r.Summary(), r.Failures)
	}
}

func TestCheckMustAnswer(t *testing.T) {
	need(t)
	c := Config{Victim: "pure", Args: []string{"calm"}, Points: Random(3, 1)}
	if got := fails(t, c); len(got) != 1 || !strings.Contains(got[0], "no Check") {
		t.Errorf("without a check: %q", got)
	}
	c.Check = func(Point) error { return errStalled }
	if got := fails(t, c); len(got) != 4 || !strings.Contains(got[3], "stalled") {
		t.Errorf("a check that fails: %q", got)
	}
	c.Check = func(Point) error { runtime.Goexit(); return nil }
	if got := fails(t, c); len(got) != 1 || !strings.Contains(got[0], "ended the test") {
		t.Errorf("a check that ends its goroutine: %q", got)
	}
	hang := make(chan bool)
	c.Check, c.Deadline = func(Point) error { <-hang; return nil }, 300*time.Millisecond
	if got := fails(t, c); len(got) != 1 || !strings.Contains(got[0], "no verdict within 300ms") {
		t.Errorf("a check that hangs: %q", got)
	}
	close(hang)
}

// Outside of a sweep the marks do nothing but hold the thread.
func TestMarksAreHarmless(t *testing.T) {
	Begin()
	End()
	Begin()
	End()
}
