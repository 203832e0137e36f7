package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// listen takes what the child says: its answer, and then its report, until nobody can say anything more.
func (c *child) listen() {
	defer close(c.heard)
	var first [1]byte
	if _, err := io.ReadFull(c.up, first[:]); err != nil {
		c.answer <- errGone
		return
	}
	if first[0] == saysReady {
		c.answer <- nil
	}
	rest, err := io.ReadAll(io.LimitReader(c.up, maxReport))
	if err == nil && len(rest) == maxReport {
		_, _ = io.Copy(io.Discard, c.up) // whoever writes must not be kept
	}
	switch first[0] {
	case saysReady:
		c.report = parseReport(rest)
	case saysRefused:
		c.answer <- errors.New(string(rest))
	default: // it crashed
		c.report = parseReport(append(first[:], rest...))
		c.answer <- errGone
	}
}

// reap waits for the end, so that no zombie stays, and tells those who wait.
func (c *child) reap() {
	awaitExit(c.pid)
	err := c.cmd.Wait()
	// A process that the child has forked may have the other end still.
	_ = c.up.SetReadDeadline(time.Now().Add(stragglers))
	<-c.heard
	closeAll([]*os.File{c.life, c.up})
	c.unwatch()
	c.mu.Lock()
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	c.p.err = c.verdict(err)
	me.remove(c.p)
	c.logEnd()
	flushLogs()
	close(c.p.done)
}

// verdict is nil or an *ExitError. What else Wait may say (exec.ErrWaitDelay) is about output that somebody still has
// open, and no failure of the child. c.ended is true: nobody changes anything here any more.
func (c *child) verdict(err error) error {
	state := c.cmd.ProcessState
	if state == nil {
		return fmt.Errorf("process: wait for %s: %w", c.p.Name, err)
	}
	if state.Success() {
		return nil
	}
	e := &ExitError{Process: c.p.Name, Code: state.ExitCode(), Signal: signalOf(state), Msg: c.report.Msg, Stack: c.report.Stack}
	if e.Signal == syscall.SIGKILL && c.overdue {
		e.Msg = fmt.Sprintf("it had not ended %v after its context did", c.grace())
	}
	return e
}

func signalOf(s *os.ProcessState) syscall.Signal {
	if w, ok := s.Sys().(interface {
		Signaled() bool
		Signal() syscall.Signal
	}); ok && w.Signaled() {
		return w.Signal()
	}
	return 0
}

func (c *child) signal(s os.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return os.ErrProcessDone
	}
	return c.cmd.Process.Signal(s)
}

func (c *child) kill() { _ = c.signal(os.Kill) }

func (c *child) grace() time.Duration {
	if c.p.Grace == 0 {
		return defaultGrace
	}
	return max(c.p.Grace, 0)
}

// askToEnd is called when the context has ended. The request waits until the child asks its context; killing does
// not.
func (c *child) askToEnd() {
	if c.grace() > 0 {
		_, _ = c.up.Write([]byte{asksToEnd})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.timer = time.AfterFunc(c.grace(), c.killLate)
	}
}

func (c *child) killLate() {
	c.mu.Lock()
	if !c.ended { // verdict reads it
		c.overdue = true
	}
	c.mu.Unlock()
	c.kill()
}
