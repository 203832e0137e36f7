// Package process runs a registered function in a new process of the same program: Python's
// multiprocessing.Process, for Go.
//
//	type Args struct {
//		Total *shm.Var[atomic.Int64] // handles of the toolkit travel in arguments
//		By    int64
//	}
//
//	var add = process.Register("add", func(ctx context.Context, a Args) error {
//		a.Total.Ptr().Add(a.By)
//		return nil
//	})
//
//	func main() {
//		process.Main() // becomes the child, or returns
//		total, err := shm.New[atomic.Int64]()
//		p, err := add.Start(ctx, Args{total, 5})
//		err = p.Join(ctx)
//	}
//
// The new process executes the program anew, as Python's "spawn" does: it shares no memory with its parent
// but what its argument names. It comes as far as Main, which runs the function instead of what follows and
// exits. So what stands before Main, and package initialisation, runs in every process: registering, setting
// up a logger. Tests call shmtest.Main, which calls Main, from TestMain.
//
// # Arguments
//
// The argument travels as CBOR; bytes and strings as they are. Exported fields of structs do, to any depth;
// functions, channels and interfaces with methods are refused by Register with the path of the field. What an
// any holds comes back as nil, bool, int64, float64, string, []byte, time.Time, []any or map[string]any. Start
// returns when the child has decoded its argument and so has opened the handles in it: unnamed objects may be
// closed by the parent after that.
//
// # Life
//
// The context given to Start is the child's life, not that of the call: when it ends, the context of the function
// does, and the child is killed after Process.Grace. SIGTERM and Ctrl-C (SIGINT) end the function's context too, the
// latter in all processes of the terminal's foreground at once, and a second Ctrl-C kills; if the function has not asked
// its context yet (Done or Err, by itself or in a call that waits) they end the process as they do any other.
//
// A child dies with its parent, however that went, and so do its own children; a Detached one does not. The
// kernel kills it (SIGKILL), be it busy or stopped: there is no last wish, and none is needed for what lies in shared memory.
// (Only in the moment in which it is being executed does it first come as far as the initialisation of this package.) So main
// calls Join before it returns. Nothing becomes a zombie, whether joined or not.
//
// Everything here may be called from any goroutine. Linux only: elsewhere Start answers errors.ErrUnsupported.
package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// Process is a child: made by Command or Start. Current and Parent return others, which can only be looked at
// and waited for. The fields are those of exec.Cmd, are set before Start, and are good when zero.
type Process struct {
	// Name is what logs and errors call the child; free text. Command sets it to Process-1, Process-2 and so
	// on; the children of Process-1 are Process-1:1, Process-1:2 and so on.
	Name string
	// Dir is the child's working directory. Empty: the parent's.
	Dir string
	// Detached lets the child outlive its parent, in a session of its own, where Ctrl-C and the end of the
	// terminal do not reach it. While the parent lives the context ends it all the same.
	Detached bool
	// Env is the child's environment. nil: the parent's.
	Env []string
	// Stdin is what the child reads. nil: nothing (/dev/null), as in Python.
	Stdin io.Reader
	// Stdout and Stderr are where the child writes to. nil: where the parent does. Those that are no *os.File
	// are written to by the parent; one and the same is written to by one goroutine at a time.
	Stdout, Stderr io.Writer
	// SysProcAttr are attributes that the system has. Setsid is set if Detached. Pdeathsig is not needed, and fires
	// when the thread ends that has called Start.
	SysProcAttr *syscall.SysProcAttr
	// CPUs are those that the child may run on, from its first instruction on. nil: the parent's.
	CPUs []int
	// Nice is added to the parent's nice value: 19 yields to all. A negative one takes privileges.
	Nice int
	// Grace is how long the child may take to end once its context has: then it is killed. Zero: 10 seconds.
	// Negative: it is killed at once.
	Grace time.Duration

	ctx    context.Context
	kind   kind
	call   func() (*call, error) // what to run, encoded
	id     []int                 // numbers of its default name
	number int
	up     *family // of a foreign process: how to wait for it

	mu    sync.Mutex
	state state
	child *child
	done  chan struct{}
	err   error // what Join returns; read it after done
}

const defaultGrace = 10 * time.Second

// kind tells a child from the others.
type kind uint8

const (
	ofChild kind = iota
	ofCurrent
	ofParent
)

type state uint8

const (
	fresh state = iota
	starting
	started
	failed
)

// PID is the number of the process in the parent's PID namespace, 0 before it is started. It stays what it was
// when the process has ended, and the system may then give it to another one: use Signal and Kill.
func (p *Process) PID() int {
	if p.kind != ofChild {
		return p.number
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil {
		return 0
	}
	return p.child.pid
}

// Done returns a channel that is closed when the process has ended, for a select; for a child that could not be
// started, too. Join then says how it went. That of Current is never closed.
func (p *Process) Done() <-chan struct{} {
	if p.kind == ofParent {
		return p.up.parentGone()
	}
	return p.done
}

// Join waits until the process has ended, or ctx ends, and may be called any number of times. It is nil if the function
// has returned nil, or called os.Exit(0); ctx's error if that came first; otherwise an *ExitError. Of Parent it is nil.
func (p *Process) Join(ctx context.Context) error {
	switch {
	case p.kind == ofCurrent:
		return fmt.Errorf("process: join %s: a process cannot wait for its own end", p.Name)
	case p.kind == ofChild && !p.begun():
		return fmt.Errorf("process: join %s: it has not been started; call Start first", p.Name)
	}
	done := p.Done()
	select { // what need not wait does not fail
	case <-done:
		return p.err
	default:
	}
	select {
	case <-done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Process) begun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state != fresh
}

// Signal sends a signal to the child. SIGTERM and SIGINT end the context of its function if that has asked it, else the
// process; others do what they do to Go programs. After its end it is os.ErrProcessDone; there is no moment at which it could hit another process.
func (p *Process) Signal(s os.Signal) error {
	if p.kind != ofChild {
		return fmt.Errorf("process: signal %s: only children are signalled from here", p.Name)
	}
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil {
		return fmt.Errorf("process: signal %s: it has not been started", p.Name)
	}
	return c.signal(s)
}

// Kill ends the child at once, with SIGKILL: none of its code runs any more. What it held in shared memory is
// taken over by the others. It does not wait; Join does.
func (p *Process) Kill() error { return p.Signal(os.Kill) }
