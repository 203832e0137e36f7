package killstep

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// blockTime is how long a system call lasts that counts as blocked.
const blockTime = 100 * time.Millisecond

// trace is one victim in the hands of the tracer. The sweep calls to, resume and
// kill; all else runs on the tracer's thread.
type trace struct {
	s       *sweep
	v       *victim
	pid     int
	me      int          // the thread in the region
	threads map[int]bool // all threads known: does it stand?
	loose   bool         // the others were let go
	over    bool         // the process is gone, and reaped
	status  unix.WaitStatus
	held    []unix.Signal // kept from me until the region ends
	watch   watcher
	stepped int
	took    time.Duration
}

var errGone = errors.New("the victim is gone")

func newTrace(s *sweep, v *victim, tid int) *trace {
	return &trace{s: s, v: v, pid: v.cmd.Process.Pid, me: tid, threads: map[int]bool{}, watch: watcher{now: s.Watch}}
}

// to brings the victim to the target, or to its end if that comes before.
func (t *trace) to(goal target) (o outcome, err error) {
	err = t.s.tracer.do(func() error {
		if err := t.enter(); err != nil {
			return err
		}
		defer shareCPU(t.me)()
		start := time.Now()
		o, err = t.walk(goal)
		t.took = time.Since(start)
		t.stepped = o.Steps
		if err == nil && o.Ended {
			o.died = t.finish(t.s.Deadline)
		}
		return err
	})
	o.PID = t.pid
	return o, err
}

// enter seizes the victim in Begin and brings it to the mark, all others stopped.
func (t *trace) enter() error {
	if err := t.seizeAll(); err != nil {
		return fmt.Errorf("seize: %w", err)
	}
	if err := t.v.goOn(); err != nil {
		return err
	}
	for n := range beginMarks {
		if n > 0 {
			t.cont(t.me, 0)
		}
		if err := t.toMark(); err != nil {
			return fmt.Errorf("on the way to the mark: %w", err)
		}
		if err := t.stopOthers(); err != nil {
			return err
		}
	}
	t.watch.changed()
	return nil
}

// toMark waits until I stand at a mark, and lets the others go if that takes long.
func (t *trace) toMark() error {
	atMark := func(tid int, st unix.WaitStatus) bool { return tid == t.me && markOf(tid, st) == markBegin }
	if err := t.pump(20*time.Millisecond, atMark); !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	t.letOthersGo()
	return t.pump(t.s.Deadline, atMark)
}

// seizeAll seizes thread by thread. What a seized one creates comes seized (EPERM
// here), so that a pass which finds nothing new has found all.
func (t *trace) seizeAll() error {
	for found := true; found; {
		found = false
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", t.pid))
		if err != nil || len(tasks) == 0 {
			return errGone
		}
		for _, task := range tasks {
			tid, _ := strconv.Atoi(filepath.Base(task))
			if _, known := t.threads[tid]; known {
				continue
			}
			if err := seize(tid); err == unix.ESRCH {
				continue // it just ended
			} else if err != nil && !(err == unix.EPERM && len(t.threads) > 0) {
				return err
			}
			t.threads[tid], found = false, true
		}
	}
	return nil
}

// pump lets all threads run until one stands as wanted, which stays so.
func (t *trace) pump(d time.Duration, wanted func(tid int, st unix.WaitStatus) bool) error {
	for end := time.Now().Add(d); ; {
		tid, st, err := await(-1, time.Until(end))
		switch {
		case err != nil:
			return err
		case tid == 0:
			return fmt.Errorf("not there within %v: %w", d, os.ErrDeadlineExceeded)
		case t.note(tid, st):
			return errGone
		case kindOf(st) == gone:
		case wanted(tid, st):
			return nil
		default:
			t.cont(tid, st)
		}
	}
}

// note keeps the books of the threads and reports whether the process is gone.
func (t *trace) note(tid int, st unix.WaitStatus) bool {
	if kindOf(st) == gone {
		delete(t.threads, tid)
		if tid == t.pid { // the kernel tells of the leader last
			t.over, t.status = true, st
		}
		return t.over
	}
	t.threads[tid] = true
	if n := newThread(tid, st); n != 0 {
		if _, known := t.threads[n]; !known {
			t.threads[n] = false
		}
	}
	return false
}

// cont lets a thread go on after a stop; a signal that it was stopped for is
// delivered, unless it is a mark.
func (t *trace) cont(tid int, st unix.WaitStatus) {
	var sig uintptr
	if kindOf(st) == signal && markOf(tid, st) == 0 {
		sig = uintptr(st.StopSignal())
	}
	t.threads[tid] = false
	ptrace(unix.PTRACE_CONT, tid, sig)
}

// stopOthers stops every thread but me.
func (t *trace) stopOthers() error {
	for tid, stands := range t.threads {
		if tid != t.me && !stands {
			ptrace(unix.PTRACE_INTERRUPT, tid, 0)
		}
	}
	for t.running() {
		tid, st, err := await(-1, t.s.Deadline)
		if err != nil || tid == 0 {
			return fmt.Errorf("stop the other threads: %w", errors.Join(err, os.ErrDeadlineExceeded))
		}
		if t.note(tid, st) {
			return errGone
		}
		if kindOf(st) == signal { // a stop is a stop; the signal comes again later
			unix.Tgkill(t.pid, tid, st.StopSignal())
		}
	}
	t.loose = false
	return nil
}

func (t *trace) running() bool {
	for tid, stands := range t.threads {
		if tid != t.me && !stands {
			return true
		}
	}
	return false
}

func (t *trace) letOthersGo() {
	t.loose = true
	for tid, stands := range t.threads {
		if tid != t.me && stands {
			t.cont(tid, 0)
		}
	}
}

// finish lets the victim run to its own end.
func (t *trace) finish(d time.Duration) error {
	for _, sig := range t.held {
		unix.Tgkill(t.pid, t.me, sig)
	}
	t.held = nil
	if t.threads[t.me] {
		t.cont(t.me, 0)
	}
	t.letOthersGo()
	err := t.pump(d, func(int, unix.WaitStatus) bool { return false })
	switch {
	case err != errGone:
		t.end()
		return fmt.Errorf("after the region: %w", err)
	case t.status.Signaled():
		return fmt.Errorf("ended by %v", t.status.Signal())
	case t.status.ExitStatus() != 0:
		return fmt.Errorf("exit code %d", t.status.ExitStatus())
	}
	return nil
}

// resume lets a frozen victim run to its own end.
func (t *trace) resume(d time.Duration) error {
	return t.s.tracer.do(func() error { return t.finish(d) })
}

// kill kills the victim and reaps it, unless it ended already.
func (t *trace) kill() {
	t.s.tracer.do(func() error { t.end(); return nil })
}

func (t *trace) end() {
	if t.over {
		return
	}
	unix.Kill(t.pid, unix.SIGKILL)
	for !t.over {
		tid, st, err := awaitDeath()
		if err != nil {
			return
		}
		if t.note(tid, st); kindOf(st) != gone {
			ptrace(unix.PTRACE_CONT, tid, 0)
		}
	}
}
