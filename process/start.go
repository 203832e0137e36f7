package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"
)

// newChild is what Command makes of every Func.
func newChild(ctx context.Context) *Process {
	id := me.nextID()
	return &Process{Name: nameOf(id), id: id, ctx: ctx, done: make(chan struct{})}
}

// Start starts the child and returns when it has its argument. If the context ends before, that is Start's error.
// With an error there is no child, and the Process is of no further use.
func (p *Process) Start() error {
	p.mu.Lock()
	if p.state != fresh || p.kind != ofChild {
		p.mu.Unlock()
		return fmt.Errorf("process: start %s: it has been started before; make another with Command", p.Name)
	}
	p.state = starting
	p.mu.Unlock()
	err := p.start()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.state = started
		note(slog.LevelInfo, "started "+p.Name, "pid", p.child.pid)
		return nil
	}
	p.state = failed
	if err != p.ctx.Err() {
		err = fmt.Errorf("process: start %s: %w", p.Name, err)
	}
	if p.child == nil { // else whoever reaped it has closed done
		p.err = err
		close(p.done)
	}
	return err
}

func (p *Process) start() error {
	if err := mayStart(); err != nil {
		return err
	}
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	k, err := p.call()
	if err != nil {
		return err
	}
	message, err := p.message(k)
	if err != nil {
		return err
	}
	c, err := p.launch(message)
	if err != nil {
		return err
	}
	return c.accepted(p.ctx)
}

// mayStart refuses where the child would not become one: it would run main as this process does, and start
// children in its turn.
func mayStart() error {
	switch {
	case !supported:
		return errors.ErrUnsupported
	case passed.Load():
		return nil
	case marked:
		return errors.New("this process is itself a child that has not come to process.Main yet: make that the first line of main")
	}
	return errors.New("process.Main has not been called: make it the first line of main; in tests call shmtest.Main from TestMain")
}

// child is the parent's view of a process that runs.
type child struct {
	p   *Process
	cmd *exec.Cmd
	pid int

	// life is a pipe that nothing is ever written to: its end is the parent's death. up carries the child's answer and
	// its report, and down the request to end.
	life, up *os.File
	answer   chan error
	heard    chan struct{} // up is at its end
	report   report        // read it after heard

	unwatch func() bool // ends the watch over the context
	mu      sync.Mutex
	ended   bool
	overdue bool        // the grace period has passed
	timer   *time.Timer // it, once the context has ended
}

// launch makes the process. It is reaped from here on, whatever happens.
func (p *Process) launch(message []byte) (_ *child, err error) {
	c := &child{p: p, answer: make(chan error, 1), heard: make(chan struct{})}
	var theirs [3]*os.File
	defer func() {
		closeAll(theirs[:])
		if err != nil {
			closeAll([]*os.File{c.life, c.up})
		}
	}()
	if theirs[0], err = callFile(message); err != nil {
		return nil, fmt.Errorf("memory for its argument: %w", err)
	}
	if theirs[1], c.life, err = lifeline(); err != nil {
		return nil, err
	}
	if c.up, theirs[2], err = socketPair(); err != nil {
		return nil, err
	}
	if err = c.exec(theirs[:]); err != nil {
		return nil, err
	}
	c.pid = c.cmd.Process.Pid
	if !p.Detached && !otherUser(c.cmd) {
		_ = arm(theirs[1], c.pid) // the child does it too, and says so if that fails
	}
	p.mu.Lock()
	p.child = c
	p.mu.Unlock()
	me.add(p)
	c.unwatch = context.AfterFunc(p.ctx, c.askToEnd)
	go c.listen()
	go c.reap()
	return c, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// exec executes this program anew, with three files as descriptors 3, 4 and 5.
func (c *child) exec(files []*os.File) error {
	p := c.p
	m, err := mark(files)
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: self(), Args: os.Args, Dir: p.Dir, Env: p.Env,
		Stdin: p.Stdin, Stdout: orElse(p.Stdout, os.Stdout), Stderr: orElse(p.Stderr, os.Stderr),
		ExtraFiles: files, WaitDelay: stragglers,
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], envMark+"="+m)
	attributes(cmd, p)
	c.cmd = cmd
	return withCPUs(p.CPUs, cmd.Start)
}

// stragglers is how long output is still waited for when the child has ended and somebody else has its pipes.
const stragglers = time.Second

func orElse(w io.Writer, or *os.File) io.Writer {
	switch w {
	case nil:
		return or
	case io.Discard:
		return nil
	}
	return w
}

// accepted waits until the child has its argument, has refused it or is gone: up ends with a child that dies.
func (c *child) accepted(ctx context.Context) error {
	select {
	case err := <-c.answer:
		if err == nil {
			return nil
		}
		c.kill()
		<-c.p.done
		if errors.Is(err, errGone) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return c.early()
		}
		return err
	case <-ctx.Done():
		c.kill()
		<-c.p.done
		return ctx.Err()
	}
}

var errGone = errors.New("it has ended")

// early is why a child ended before it had its argument.
func (c *child) early() error {
	how := "with exit code 0"
	if c.p.err != nil {
		how = "(" + c.p.err.Error() + ")"
	}
	return fmt.Errorf("it ended %s before it took its argument: what ran before process.Main ended it, or main does not come to it", how)
}
