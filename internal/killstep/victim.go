package killstep

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
)

// victim is a process that waits at the gate, then runs to Begin and waits there.
type victim struct {
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	begin  chan int // its thread in the region; closed when its output ends
	output output
}

func newVictim() (*victim, error) {
	v := &victim{cmd: proctest.Command(gate), begin: make(chan int, 1)}
	in, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	back, out, err := os.Pipe()
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer out.Close()
	v.in, v.out = ours, back
	v.cmd.Stdin, v.cmd.Stdout, v.cmd.Stderr = in, out, out
	if err := proctest.Launch(v.cmd); err != nil {
		v.in.Close()
		v.out.Close()
		return nil, err
	}
	go v.listen()
	return v, nil
}

func (v *victim) listen() {
	defer close(v.begin)
	for b := bufio.NewReader(v.out); ; {
		line, err := b.ReadString('\n')
		if tid, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), beginLine); ok {
			n, _ := strconv.Atoi(tid)
			v.begin <- n
		} else {
			v.output.add(line)
		}
		if err != nil {
			return
		}
	}
}

// toBegin lets the victim run its function and returns the thread that came to
// Begin.
func (v *victim) toBegin(task string, d time.Duration) (tid int, err error) {
	if _, err := io.WriteString(v.in, task+"\n"); err != nil {
		return 0, fmt.Errorf("the victim left the gate too early: %w; it said:\n%s", err, v.output.String())
	}
	select {
	case tid, ok := <-v.begin:
		if !ok {
			err := v.cmd.Wait()
			return 0, fmt.Errorf("the victim ended before Begin: %v; it said:\n%s", err, v.output.String())
		}
		return tid, nil
	case <-time.After(d):
		return 0, fmt.Errorf("the victim did not come to Begin within %v; it said:\n%s", d, v.output.String())
	}
}

// goOn lets the victim leave Begin. It must be traced by then.
func (v *victim) goOn() error {
	_, err := io.WriteString(v.in, "\n")
	return err
}

// release forgets a victim that the tracer has reaped.
func (v *victim) release() {
	v.cmd.Process.Release()
	v.close()
}

// kill ends a victim that nobody traces.
func (v *victim) kill() {
	v.cmd.Process.Kill()
	v.cmd.Wait()
	v.close()
}

func (v *victim) close() {
	v.in.Close()
	v.out.SetReadDeadline(time.Now()) // a descendant may hold the other end
	for range v.begin {               // until listen has ended
	}
	v.out.Close()
}

// output keeps the first few thousand characters that a victim said.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) add(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len() < 8192 {
		o.b.WriteString(s)
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// pool starts victims ahead, while another one is stepped and checked.
type pool struct {
	ready chan *victim
	err   error // why ready was closed
	quit  chan struct{}
	close func()
}

func newPool() *pool {
	p := &pool{ready: make(chan *victim, 1), quit: make(chan struct{})}
	go p.fill()
	p.close = sync.OnceFunc(func() {
		close(p.quit)
		for v := range p.ready {
			v.kill()
		}
	})
	return p
}

func (p *pool) fill() {
	defer close(p.ready)
	for {
		v, err := newVictim()
		if err != nil {
			p.err = err
			return
		}
		select {
		case p.ready <- v:
		case <-p.quit:
			v.kill()
			return
		}
	}
}

func (p *pool) take() (*victim, error) {
	v, ok := <-p.ready
	if !ok {
		return nil, p.err
	}
	return v, nil
}
