// Package killstep kills or freezes a process after exactly N instructions of a
// marked region, for every N or for a choice of them, and asks a check each time
// what the survivors see. It runs inside an ordinary test:
//
//	var _ = proctest.Register("put", func(args []string) int {
//		q := open(args[0])
//		killstep.Begin()
//		q.Put(100)
//		killstep.End()
//		return 0
//	})
//
//	func TestPutSurvivesDeath(t *testing.T) {
//		var q *Queue
//		killstep.Run(t, killstep.Config{
//			Victim:  "put",
//			Prepare: func() []string { q = create(t); return []string{q.Name()} },
//			Points:  killstep.All,
//			Check:   func(at killstep.Point) error { return drain(q) },
//		})
//	}
//
// How it works: the victim is a process made by proctest. When it comes to Begin
// all its threads are seized with ptrace, all but the one in the region are
// stopped, and that one is single-stepped. SIGKILL to a thread that stands in such
// a stop runs no further instruction of it, so the state at N is exact.
//
//   - The marks are signals that the victim sends to itself (SIGSTKFLT, which
//     nothing else uses) and the tracer swallows. Outside of killstep Begin and End
//     only lock and unlock the goroutine's thread.
//   - SIGURG, by which the runtime preempts goroutines, and other asynchronous
//     signals are held back until the region ends: neither steps nor lost.
//   - A system call is one step. One that lasts 100 ms is a point of its own
//     ("blocked"); when it is not the wanted one, the other threads are let go,
//     perhaps it waits for one of them.
//   - A region that enters the scheduler (a channel, a blocking Syscall) varies by
//     some instructions from victim to victim; a pure one never does.
//   - REP MOVS traps once per iteration: a torn copy is a point like any other.
//
// It explores one thread's instructions, not interleavings: for pairs use Freeze
// and a check that acts, for the rest a model checker. Linux on amd64 only, and
// only where a process may trace its children; elsewhere the test is skipped.
// (On arm64 stepping breaks LDXR/STXR pairs: the exception clears the monitor.)
package killstep

import (
	"testing"
	"time"
)

// Config is what Run needs to know. Victim and Check are required.
type Config struct {
	Victim string   // name of the registered function that calls Begin and End
	Args   []string // its arguments

	// Prepare makes the world that the next victim enters; the victim's function
	// starts when it returns. Its result is appended to Args.
	Prepare func() []string

	// Foreign says that the victim's function executes another program, which does as Begin and End do: prints
	// "\x01begin " and its thread's number in a line of its own, reads a line, and sends itself the marks, which
	// are in mark_linux.go. The region begins at the last mark of Begin; where a victim stood is then known as an
	// address only.
	Foreign bool

	Points Points // where to interrupt; the zero value is All
	Action Action // what to do there; the zero value is Kill

	// Check says what is wrong with what the victim left behind. The victim is dead
	// and reaped, or, with Freeze, stands still and counts as alive. It is also
	// called when the victim came to its end before the point. It runs on a
	// goroutine of its own and must return within Deadline.
	Check func(at Point) error

	// After, with Freeze, is called once the victim was let go and came to its end.
	After func(at Point) error

	// Watch returns the shared memory as it is now, nil while there is none. It is
	// asked at every step, so it should be small. The points of Distinct depend on
	// it; what others change in it meanwhile counts as well.
	Watch func() []byte

	Deadline time.Duration // for each of: the way to Begin, the region, Check, the end; 0: 10 s
	MaxSteps int           // a region is over after so many instructions; 0: 1 000 000
	Sample   int           // under -short and -race All, Distinct and Calls visit so many points; 0: 25, negative: all
}

// Action is what is done to the victim.
type Action int

const (
	Kill   Action = iota // SIGKILL
	Freeze               // stop all its threads; after the check it goes on and must end well
)

// Run interrupts a fresh victim at each point and fails the test where Check does.
func Run(t testing.TB, c Config) Report {
	t.Helper()
	r := Sweep(t, c)
	t.Log(r.Summary())
	const most = 10
	for i, f := range r.Failures {
		if i == most {
			t.Errorf("killstep: … and %d more", len(r.Failures)-most)
			break
		}
		t.Errorf("killstep: %v: %v", f.At, f.Err)
	}
	return r
}

// Sweep is Run, except that failures are the result and not the test's.
func Sweep(t testing.TB, c Config) Report {
	t.Helper()
	if why := unsupported(); why != "" {
		t.Skip("killstep: " + why)
	}
	if c.Check == nil {
		t.Fatal("killstep: no Check")
	}
	if c.Deadline == 0 {
		c.Deadline = 10 * time.Second
	}
	if c.MaxSteps == 0 {
		c.MaxSteps = 1_000_000
	}
	s := &sweep{t: t, Config: c, tracer: startTracer(), pool: newPool()}
	t.Cleanup(func() { s.pool.close(); s.tracer.close() }) // also when Prepare ends the test
	s.run()
	s.pool.close()
	s.tracer.close()
	return s.Report
}
