package proctest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/race"
)

// patience is how long Recv and Wait wait before they fail the test: longer than
// any loaded machine needs, shorter than the time limit of a run.
const patience = 30 * time.Second

// Attr says how StartWith's process differs from the test's own.
type Attr struct {
	SysProcAttr *syscall.SysProcAttr // namespaces, credentials …; Pdeathsig is set in any case
	Env         []string             // added to the environment
	Dir         string               // working directory; empty: the test's
	Files       []*os.File           // inherited, as descriptors 3, 4 …
	Deny        []uintptr            // system calls that answer ENOSYS from its first instruction on
}

// Proc is a process that runs a registered function. Its methods fail the test
// when the process does not do as expected, so they belong to the test's goroutine.
type Proc struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	in     *os.File
	lines  *inbox
	drains sync.WaitGroup
	out    [2]*os.File // our ends of its stdout and stderr
	reap   func() error
}

// Start starts a registered function in a new process, which is killed at the end
// of the test at the latest. What it writes to stderr goes to the test's log.
func Start(t testing.TB, name string, args ...string) *Proc {
	t.Helper()
	return StartWith(t, Attr{}, name, args...)
}

// StartWith is Start for a process in other circumstances.
func StartWith(t testing.TB, a Attr, name string, args ...string) *Proc {
	t.Helper()
	if helpers[name] == nil {
		t.Fatalf("proctest: start %s: not registered in this package's tests", name)
	}
	p := &Proc{t: t, name: name, cmd: Command(name, args...), lines: newInbox()}
	if err := p.start(a); err != nil {
		t.Fatalf("proctest: start %s: %v", name, err)
	}
	p.reap = sync.OnceValue(p.wait)
	t.Cleanup(p.Kill)
	return p
}

// Command returns the command that runs a registered function, for those who
// must start and reap it themselves. It ends itself when its stdin does.
func Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(self(), args...)
	cmd.Env = append(os.Environ(), envHelper+"="+name)
	if race.Enabled { // else each process sleeps for a second before it exits
		cmd.Env = append(cmd.Env, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	dieWithParent(cmd.SysProcAttr)
	return cmd
}

func (p *Proc) start(a Attr) (err error) {
	var theirs, ours [3]*os.File
	defer func() {
		closeAll(theirs[:])
		if err != nil {
			closeAll(ours[:])
		}
	}()
	if theirs[0], ours[0], err = os.Pipe(); err != nil {
		return err
	}
	for i := 1; i < 3; i++ {
		if ours[i], theirs[i], err = os.Pipe(); err != nil {
			return err
		}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
	a.apply(p.cmd)
	if err = Launch(p.cmd); err != nil {
		return err
	}
	p.in, p.out = ours[0], [2]*os.File{ours[1], ours[2]}
	p.drains.Go(func() { p.hear(ours[1]) })
	p.drains.Go(func() { p.log(ours[2]) })
	return nil
}

func (a Attr) apply(cmd *exec.Cmd) {
	if a.SysProcAttr != nil {
		own := *a.SysProcAttr
		cmd.SysProcAttr = &own
		dieWithParent(cmd.SysProcAttr)
	}
	cmd.Env = append(cmd.Env, a.Env...)
	if len(a.Deny) > 0 {
		nrs := strings.Trim(strings.ReplaceAll(fmt.Sprint(a.Deny), " ", ","), "[]")
		cmd.Env = append(cmd.Env, envDeny+"="+nrs)
	}
	cmd.Dir, cmd.ExtraFiles = a.Dir, a.Files
}

func (p *Proc) hear(r io.Reader) {
	defer p.lines.close()
	for b := bufio.NewReader(r); ; {
		line, err := b.ReadString('\n')
		if err != nil {
			return
		}
		p.lines.add(strings.TrimSuffix(line, "\n"))
	}
}

func (p *Proc) log(r io.Reader) {
	for b := bufio.NewReader(r); ; {
		line, err := b.ReadString('\n')
		if line != "" {
			p.t.Logf("%s: %s", p.name, strings.TrimSuffix(line, "\n"))
		}
		if err != nil {
			return
		}
	}
}

// Send sends a line; the process takes it with Hear.
func (p *Proc) Send(line string) {
	p.t.Helper()
	if strings.Contains(line, "\n") {
		panic("proctest: send: a line may not contain a newline")
	}
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatalf("proctest: send %q to %s: %v", line, p.name, err)
	}
}

// Recv returns the next line that the process said.
func (p *Proc) Recv() string {
	p.t.Helper()
	line, ok, closed := p.lines.take(patience)
	switch {
	case closed:
		p.t.Fatalf("proctest: %s said nothing more: exit code %d", p.name, p.Wait())
	case !ok:
		p.t.Fatalf("proctest: %s said nothing for %v", p.name, patience)
	}
	return line
}

// Expect fails the test unless the next line is the wanted one.
func (p *Proc) Expect(line string) {
	p.t.Helper()
	if got := p.Recv(); got != line {
		p.t.Fatalf("proctest: %s said %q; want %q", p.name, got, line)
	}
}

// PID is the number of the process as this process sees it.
func (p *Proc) PID() int { return p.cmd.Process.Pid }

// Wait waits until the process ended and returns its exit code, -1 if a signal
// ended it.
func (p *Proc) Wait() int {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.reap() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			p.t.Fatalf("proctest: wait for %s: %v", p.name, err)
		}
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-done
		p.t.Fatalf("proctest: %s did not end for %v", p.name, patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

// wait reaps the process. Its last words have arrived when this returns, so that
// none is logged after the test, and Recv still finds what it said.
func (p *Proc) wait() error {
	err := p.cmd.Wait()
	for _, f := range p.out { // a grandchild may hold the other end for ever
		f.SetReadDeadline(time.Now().Add(time.Second))
	}
	p.drains.Wait()
	closeAll([]*os.File{p.in, p.out[0], p.out[1]})
	return err
}

// Kill kills the process with SIGKILL and reaps it, if it still lives.
func (p *Proc) Kill() {
	p.cmd.Process.Kill()
	p.reap()
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
