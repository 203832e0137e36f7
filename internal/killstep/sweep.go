package killstep

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"
)

// sweep is one call of Run.
type sweep struct {
	Config
	Report
	t      testing.TB
	tracer *tracer
	pool   *pool
}

// outcome is what became of one victim.
type outcome struct {
	Point
	died error // it ended by itself, and not well
}

func (s *sweep) run() {
	start := time.Now()
	first := s.visit(never)
	s.Steps, s.Events = first.Steps, first.Events
	size := s.Steps
	if s.Points.kind != random && s.Points.kind != all {
		size = s.Events
	}
	if chosen := s.Points.targets(size+1, s.Sample); chosen != nil {
		for _, n := range chosen {
			s.count(s.visit(s.Points.target(n)))
		}
	} else {
		s.inTurn(size)
	}
	s.Took = time.Since(start)
}

// inTurn visits point after point. A region may be longer one time than another
// (the scheduler), so one victim that comes to the end does not prove that all
// points were seen.
func (s *sweep) inTurn(size int) {
	first, step := part(os.Getenv("SHMKIT_PART"))
	for n, ended := first, 0; ended < 3; n += step {
		o := s.visit(s.Points.target(n))
		s.count(o)
		if ended++; !o.Ended {
			ended = 0
		}
		if o.Steps >= s.MaxSteps || o.Blocked && n >= size { // this region has no end
			return
		}
	}
}

func (s *sweep) count(o outcome) {
	switch {
	case o.Ended:
		s.Ended++
	case o.Blocked:
		s.Blocked++
		fallthrough
	default:
		s.Visited++
	}
}

// visit sends one victim to the target and judges what it leaves behind.
func (s *sweep) visit(to target) outcome {
	s.t.Helper()
	args := s.Args
	if s.Prepare != nil {
		args = append(args[:len(args):len(args)], s.Prepare()...)
	}
	v, err := s.pool.take()
	if err != nil {
		s.t.Fatalf("killstep: start a victim: %v", err)
	}
	tid, err := v.toBegin(quoteTask(s.Victim, args), s.Deadline)
	if err != nil {
		v.kill()
		s.t.Fatalf("killstep: %v", err)
	}
	t := newTrace(s, v, tid)
	defer v.release()
	defer t.kill() // also when the test ends here
	o, err := t.to(to)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			s.t.Skipf("killstep: this system does not let a process trace its child: %v", err)
		}
		s.t.Fatalf("killstep: trace the victim: %v", err)
	}
	s.Stepped += t.stepped
	s.Stepping += t.took
	s.judge(t, &o, s.Action == Freeze && !o.Ended && to != never)
	return o
}

func (s *sweep) judge(t *trace, o *outcome, frozen bool) {
	if frozen && o.died == nil {
		o.Frozen = true
		s.check(s.Check, o.Point)
		o.died = t.resume(s.Deadline)
		if o.died == nil && s.After != nil {
			s.check(s.After, o.Point)
		}
	} else if t.kill(); o.died == nil {
		s.check(s.Check, o.Point)
	}
	if o.died != nil {
		err := fmt.Errorf("the victim itself fails: %w; it said:\n%s", o.died, t.v.output.String())
		s.Failures = append(s.Failures, Failure{o.Point, err})
	}
}

// check runs f aside, so that a check that hangs is a failure of the point and not
// of the run. It cannot be ended, though, so the run must end with it.
func (s *sweep) check(f func(Point) error, at Point) {
	s.t.Helper()
	start := time.Now()
	verdict := make(chan error, 1)
	go func() {
		defer close(verdict) // also when f ends its goroutine, by t.Fatal
		verdict <- f(at)
	}()
	select {
	case err, ok := <-verdict:
		if !ok {
			s.t.Fatalf("killstep: %v: Check ended the test", at)
		}
		if err != nil {
			s.Failures = append(s.Failures, Failure{at, err})
		}
	case <-time.After(s.Deadline):
		b := make([]byte, 1<<20)
		s.t.Fatalf("killstep: %v: no verdict within %v; %d failures before\n%s", at, s.Deadline, len(s.Failures), b[:runtime.Stack(b, true)])
	}
	s.Slowest = max(s.Slowest, time.Since(start))
}

// watcher tells whether the shared memory changed.
type watcher struct {
	now func() []byte
	old []byte
}

func (w *watcher) changed() bool {
	if w.now == nil {
		return false
	}
	b := w.now()
	if bytes.Equal(b, w.old) {
		return false
	}
	w.old = append(w.old[:0], b...)
	return true
}
