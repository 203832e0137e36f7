package killstep

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"golang.org/x/sys/unix"
)

// The copy is torn at every word, and the sweep must show each state once.
func TestEveryChangeIsAPoint(t *testing.T) {
	need(t)
	w := newWorld(t)
	seen := map[string]int{}
	state := ""
	c := Config{
		Victim: "copy", Args: []string{w.path}, Watch: w.now, Points: Distinct, Sample: -1,
		Prepare: w.clear,
		Check: func(at Point) error {
			state = fmt.Sprint(w.mem[0], w.mem[8], w.mem[16], w.mem[24])
			if !at.Ended {
				seen[state]++
			}
			return nil
		},
	}
	r := Run(t, c)
	for _, s := range []string{"0 0 0 0", "1 0 0 0", "1 1 0 0", "1 1 1 0", "1 1 1 1"} {
		if seen[s] != 1 {
			t.Errorf("state %s was visited %d times: %v", s, seen[s], seen)
		}
	}
	if r.Visited != 5 || r.Events != 4 || state != "1 1 1 1" {
		t.Errorf("%s; at last %s", r.Summary(), state)
	}
	// All finds the same states, each perhaps more than once, and no others.
	c.Points, c.Sample = All, 0
	Run(t, c)
	if len(seen) != 5 {
		t.Errorf("states %v", seen)
	}
}

var _ = proctest.Register("copy", func(args []string) int {
	words := words(args)
	Begin()
	for i := range 4 {
		words[i].Store(1)
	}
	End()
	return 0
})

// The memory may appear within the region.
func TestWatchFromNothing(t *testing.T) {
	need(t)
	asked := 0
	r := Sweep(t, Config{
		Victim: "pure", Args: []string{"calm"}, Points: Random(0, 1), Check: fine,
		Watch: func() []byte {
			if asked++; asked < 100 {
				return nil
			}
			return []byte{1}
		},
	})
	if r.Events != 1 || asked < r.Steps {
		t.Errorf("%d events, asked %d times in %d steps", r.Events, asked, r.Steps)
	}
}

// A victim is dead and reaped when it is checked, and alive when it is frozen.
func TestVictimIsDeadOrFrozen(t *testing.T) {
	need(t)
	c := Config{Victim: "pure", Args: []string{"calm"}, Points: Random(3, 1)}
	c.Check = func(at Point) error {
		if err := unix.Kill(at.PID, 0); err != unix.ESRCH {
			return fmt.Errorf("kill 0: %v", err)
		}
		return nil
	}
	Run(t, c)
	c.Action = Freeze
	c.Check = func(at Point) error {
		if err := unix.Kill(at.PID, 0); at.Frozen != (err == nil) {
			return fmt.Errorf("frozen %v, kill 0: %v", at.Frozen, err)
		}
		return nil
	}
	c.After = func(at Point) error {
		if err := unix.Kill(at.PID, 0); err != unix.ESRCH {
			return fmt.Errorf("kill 0 at the end: %v", err)
		}
		return nil
	}
	if r := Run(t, c); r.Visited == 0 {
		t.Error(r.Summary())
	}
}

// Several goroutines of the victim run while one of its threads is in the region;
// with Freeze they stand still too.
func TestFreezeStopsAllThreads(t *testing.T) {
	need(t)
	w := newWorld(t)
	r := Run(t, Config{
		Victim: "counter", Args: []string{w.path}, Points: Random(3, 1), Action: Freeze,
		Check: func(at Point) error {
			before := string(w.mem[:8])
			time.Sleep(20 * time.Millisecond)
			if at.Frozen && string(w.mem[:8]) != before {
				return errors.New("a thread of a frozen victim runs")
			}
			return nil
		},
	})
	if r.Visited == 0 {
		t.Error(r.Summary())
	}
}

var _ = proctest.Register("counter", func(args []string) int {
	words := words(args)
	go func() {
		for {
			words[0].Add(1)
		}
	}()
	for words[0].Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	return proctest.Call("pure", []string{"calm"})
})

// The tracer's thread ends with its sweep; Go alone would keep every one for ever.
func TestTracersEnd(t *testing.T) {
	need(t)
	threads := func() int {
		e, _ := os.ReadDir("/proc/self/task")
		return len(e)
	}
	before := threads()
	for range 20 {
		Sweep(t, Config{Victim: "pure", Args: []string{"calm"}, Points: Random(0, 1), Check: fine})
	}
	if after := threads(); after > before+8 {
		t.Errorf("%d threads before 20 sweeps, %d after", before, after)
	}
}

// Where ptrace is refused the test says so and is skipped.
func TestRefusedPtrace(t *testing.T) {
	need(t)
	p := proctest.StartWith(t, proctest.Attr{Deny: []uintptr{unix.SYS_PTRACE}}, "sweeper")
	p.Expect("killstep: this system does not let a process trace its child: seize: function not implemented")
	p.Expect("0 failures")
}

var _ = proctest.Register("sweeper", func([]string) int {
	got := try(nil, Config{Victim: "pure", Args: []string{"calm"}, Check: fine})
	proctest.Say(got.skipped)
	proctest.Say(fmt.Sprint(len(got.failures), " failures"))
	return 0
})
