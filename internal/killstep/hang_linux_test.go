package killstep

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"golang.org/x/sys/unix"
)

// A test that ends in the middle of a sweep leaves no victim behind, frozen or not.
// (Descriptors and processes that it did leave would fail the run.)
func TestNothingOutlivesATestThatFails(t *testing.T) {
	need(t)
	for _, action := range []Action{Kill, Freeze} {
		var pid atomic.Int64
		c := Config{Victim: "pure", Args: []string{"calm"}, Points: Random(3, 1), Action: action, Deadline: 300 * time.Millisecond}
		hang := make(chan bool)
		c.Check = func(at Point) error {
			if pid.Store(int64(at.PID)); !at.Ended {
				<-hang
			}
			return nil
		}
		if got := fails(t, c); len(got) != 1 || !strings.Contains(got[0], "no verdict") {
			t.Errorf("failures: %q", got)
		}
		close(hang)
		if err := unix.Kill(int(pid.Load()), 0); err != unix.ESRCH {
			t.Errorf("victim %d: kill 0: %v", pid.Load(), err)
		}
	}
}

// What Prepare finds wrong ends the test before there is a victim.
func TestPrepareMayEndTheTest(t *testing.T) {
	need(t)
	fake := &tester{TB: t}
	done := make(chan bool)
	go func() {
		defer close(done)
		Run(fake, Config{Victim: "pure", Check: fine, Prepare: func() []string { fake.Fatal("no world"); return nil }})
	}()
	<-done
	for _, f := range fake.cleanups {
		f()
	}
	if len(fake.failures) != 1 || fake.failures[0] != "no world" {
		t.Errorf("failures: %q", fake.failures)
	}
}

// A victim is given its arguments, those of Prepare behind those of Config.
func TestArguments(t *testing.T) {
	need(t)
	r := Sweep(t, Config{
		Victim: "args", Args: []string{"a b", "c\nd"}, Points: Random(0, 1), Check: fine,
		Prepare: func() []string { return []string{"", "e"} },
	})
	if len(r.Failures) > 0 {
		t.Error(r.Failures[0].Err)
	}
}

var _ = proctest.Register("args", func(args []string) int {
	Begin()
	End()
	if strings.Join(args, "|") != "a b|c\nd||e" {
		println(strings.Join(args, "|"))
		return 1
	}
	return 0
})
