package killstep

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"golang.org/x/sys/unix"
)

// walk steps through the region to the goal or the end of the region.
func (t *trace) walk(goal target) (o outcome, err error) {
	w := walker{trace: t, goal: goal, deadline: time.Now().Add(t.s.Deadline)}
	w.request = unix.PTRACE_SINGLESTEP
	if t.s.Points.kind == calls {
		w.request = unix.PTRACE_SYSCALL
	}
	w.counting = goal.events >= 0 || goal == never
	if err := w.leaveMark(); err != nil {
		return w.outcome, err
	}
	for !w.done && !w.arrived() {
		if err := w.step(); err != nil {
			return w.outcome, err
		}
	}
	if !w.Ended && !w.over {
		err = w.stand()
		w.pcs = callers(t.me)
		w.before = w.trail()
	}
	return w.outcome, err
}

// walker is the state of one walk.
type walker struct {
	*trace
	outcome
	goal     target
	request  int
	deliver  uintptr // signal to deliver with the next step
	counting bool    // of events
	done     bool
	deadline time.Time
	regs     unix.PtraceRegs // after the last step
	last     [16]uintptr     // where it was, a ring by Steps
}

func (w *walker) arrived() bool {
	return w.Steps == w.goal.steps || w.Events == w.goal.events || w.Steps >= w.s.MaxSteps
}

// step does one instruction, or runs to the next begin or end of a system call.
func (w *walker) step() error {
	w.threads[w.me] = false
	if err := ptrace(w.request, w.me, w.deliver); err != nil && err != unix.ESRCH {
		return err
	}
	w.deliver = 0
	st, err := w.next(blockTime)
	for err == nil && st == 0 && !w.over && !w.sleeps() && time.Now().Before(w.deadline) { // a loaded machine just did not run it
		st, err = w.next(blockTime)
	}
	if err == nil && st == 0 && !w.over {
		st, err = w.blocked()
	}
	if err != nil || w.done {
		return err
	}
	w.land(st)
	return nil
}

// sleeps reports whether my thread waits in the kernel, or will never run again.
func (w *walker) sleeps() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", w.pid, w.me))
	if err != nil {
		return true // it is gone, and to wait for it would be for ever
	}
	rest := b[bytes.LastIndexByte(b, ')')+1:]
	return len(rest) > 1 && bytes.IndexByte([]byte("SDZX"), rest[1]) >= 0
}

// blocked deals with a system call that lasts. Perhaps it waits for a thread that
// we stopped; but if a death in the midst of it is the point, this is it.
func (w *walker) blocked() (unix.WaitStatus, error) {
	w.Events++
	if w.Steps+1 == w.goal.steps || w.Events == w.goal.events {
		w.Steps++
		w.done, w.Blocked = true, true
		return 0, nil
	}
	if !w.loose {
		w.letOthersGo()
	}
	st, err := w.next(time.Until(w.deadline))
	if err == nil && st == 0 && !w.over { // for ever: the walk is over
		w.Steps++
		w.done, w.Blocked = true, true
	}
	return st, err
}

// next returns how my thread came to stand, 0 if it did not within d or is gone.
func (w *walker) next(d time.Duration) (unix.WaitStatus, error) {
	from := w.me
	if w.loose {
		from = -1
	}
	for {
		tid, st, err := await(from, d)
		if err == unix.ECHILD || tid == 0 && err == nil {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if w.note(tid, st); w.over || kindOf(st) != gone && tid == w.me {
			return st, nil
		}
		if kindOf(st) == gone {
			if tid == w.me {
				from = -1 // the process ends; wait for its leader
			}
			continue
		}
		w.cont(tid, st)
	}
}

// land counts what the step did.
func (w *walker) land(st unix.WaitStatus) {
	switch {
	case w.over:
		w.done = true
		w.died = fmt.Errorf("in the region: %s", describe(st))
	case markOf(w.me, st) == markEnd:
		w.done, w.Ended = true, true
	case kindOf(st) == signal && synchronous(st.StopSignal()):
		w.deliver = uintptr(st.StopSignal())
	case kindOf(st) == signal:
		w.held = append(w.held, st.StopSignal())
	case kindOf(st) == stepDone:
		w.count()
	}
}

// count looks at the thread after a step. A step that was a trap and no system
// call has no number of one in orig_rax.
func (w *walker) count() {
	if err := unix.PtraceGetRegs(w.me, &w.regs); err != nil {
		return // killed from elsewhere; the next step says so
	}
	w.Steps++
	w.last[w.Steps%len(w.last)] = uintptr(w.regs.Rip)
	if w.request == unix.PTRACE_SINGLESTEP && w.regs.Rip == endAt {
		w.done, w.Ended = true, true
	}
	call := w.request == unix.PTRACE_SYSCALL || int64(w.regs.Orig_rax) >= 0
	if w.counting && (w.watch.changed() || call) {
		w.Events++
	}
}

// trail returns where the last steps were, the latest first.
func (w *walker) trail() (pcs []uintptr) {
	for n := w.Steps; n > 0 && n > w.Steps-len(w.last); n-- {
		pcs = append(pcs, w.last[n%len(w.last)])
	}
	return pcs
}

// The victim is the same binary at the same addresses as this process.
var (
	beganAt = uint64(reflect.ValueOf(began).Pointer())
	endAt   = uint64(reflect.ValueOf(End).Pointer())
)

// leaveMark steps, uncounted, from the mark to where the region begins.
func (w *walker) leaveMark() error {
	for n := 0; w.request == unix.PTRACE_SINGLESTEP && w.regs.Rip != beganAt && !w.s.Foreign; n++ {
		if n > 1000 {
			return errors.New("the region does not begin; is the victim another binary?")
		}
		if err := w.step(); err != nil || w.done {
			return cmp.Or(err, w.died)
		}
	}
	w.outcome = outcome{}
	w.watch.changed()
	return nil
}

// stand brings the whole process to a halt. After a step all stand already, unless
// the step blocked: then a thread is stopped in its call, which it takes up again.
func (w *walker) stand() error {
	if w.s.Action == Kill || w.goal == never {
		return nil
	}
	if !w.threads[w.me] {
		ptrace(unix.PTRACE_INTERRUPT, w.me, 0)
		st, err := w.next(w.s.Deadline)
		if err != nil {
			return err
		}
		if kindOf(st) == signal && markOf(w.me, st) == 0 {
			w.held = append(w.held, st.StopSignal())
		}
	}
	return w.stopOthers()
}

func describe(st unix.WaitStatus) string {
	if st.Signaled() {
		return "ended by " + st.Signal().String()
	}
	return fmt.Sprintf("exit code %d", st.ExitStatus())
}
