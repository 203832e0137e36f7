package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
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
	c, err := p.launch()
	if err != nil {
		return err
	}
	return c.handOver(p.ctx, message)
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

	// down carries the call to the child, and then nothing: its end is the parent's death. up carries the
	// child's answer and its report.
	down, up *os.File
	answer   chan error
	heard    chan struct{} // up is at its end
	report   report        // read it after heard

	life    func() bool // ends the watch over the context
	mu      sync.Mutex
	ended   bool
	overdue bool        // the grace period has passed
	timer   *time.Timer // it, once the context has ended
}

// launch makes the process. It is reaped from here on, whatever happens.
func (p *Process) launch() (c *child, err error) {
	c = &child{p: p, answer: make(chan error, 1), heard: make(chan struct{})}
	theirDown, down, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirDown.Close()
	up, theirUp, err := os.Pipe()
	if err != nil {
		down.Close()
		return nil, err
	}
	defer theirUp.Close()
	c.down, c.up = down, up
	if err = c.exec(theirDown, theirUp); err != nil {
		down.Close()
		up.Close()
		return nil, err
	}
	c.pid = c.cmd.Process.Pid
	p.mu.Lock()
	p.child = c
	p.mu.Unlock()
	me.add(p)
	c.life = context.AfterFunc(p.ctx, c.askToEnd)
	go c.listen()
	go c.reap()
	return c, nil
}

// exec executes this program anew, with the two pipes as descriptors 3 and 4.
func (c *child) exec(down, up *os.File) error {
	p := c.p
	a, err := fileID(down)
	if err != nil {
		return err
	}
	b, err := fileID(up)
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: self(), Args: os.Args, Dir: p.Dir, Env: p.Env,
		Stdin: p.Stdin, Stdout: orElse(p.Stdout, os.Stdout), Stderr: orElse(p.Stderr, os.Stderr),
		ExtraFiles: []*os.File{down, up}, WaitDelay: stragglers,
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], envMark+"="+mark(a, b))
	attributes(cmd, p)
	c.cmd = cmd
	return launcher().do(func() error { return withCPUs(p.CPUs, cmd.Start) })
}

// stragglers is how long output is still waited for when the child has ended and somebody else has its pipes.
const stragglers = time.Second

// mark is by what a child knows itself: its pipes, which a process that inherits no more than the environment lacks.
func mark(down, up uint64) string {
	return strconv.FormatUint(down, 36) + "," + strconv.FormatUint(up, 36)
}

func orElse(w io.Writer, or *os.File) io.Writer {
	switch w {
	case nil:
		return or
	case io.Discard:
		return nil
	}
	return w
}

// handOver gives the child its call and waits until it has taken it, has refused or is gone: a child that dies
// leaves both pipes without a far end.
func (c *child) handOver(ctx context.Context, message []byte) error {
	go func() { // ends with the child at the latest
		_, _ = c.down.Write(message)
	}()
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
