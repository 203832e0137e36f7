package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to happen.
const patience = 60 * time.Second

// proc is the command as a process of its own, away from any terminal.
type proc struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   chan string // lines
	log   bytes.Buffer
	ended chan error
}

// start starts shmkit with these arguments.
func start(t *testing.T, args ...string) *proc {
	t.Helper()
	return startCommand(t, shmkitCommand(t, args...))
}

// shmkitCommand is that command, not started.
func shmkitCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), commandEnv)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

func startCommand(t *testing.T, cmd *exec.Cmd) *proc {
	t.Helper()
	p := &proc{t: t, cmd: cmd, out: make(chan string, 100), ended: make(chan error, 1)}
	// Not StdinPipe and StdoutPipe, which Wait closes, while what shmkit has started may go on.
	theirs, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, w, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	w.Close()
	go func() {
		defer close(p.out)
		for s := bufio.NewScanner(r); s.Scan(); {
			p.out <- s.Text()
		}
	}()
	go func() {
		err := cmd.Wait()
		text, _ := os.ReadFile(log.Name())
		p.log.Write(text)
		p.ended <- err
	}()
	t.Cleanup(func() {
		p.in.Close() // what a killed one has left ends with it
		cmd.Process.Kill()
		select {
		case <-p.ended:
		default:
		}
		r.Close()
		log.Close()
	})
	return p
}

// wants fails unless the next line of its output is that one.
func (p *proc) wants(line string) {
	p.t.Helper()
	select {
	case got, ok := <-p.out:
		if got != line || !ok {
			p.t.Fatalf("%q says %q, want %q", p.cmd.Args[1:], got, line)
		}
	case <-time.After(patience):
		p.t.Fatalf("%q says nothing, want %q", p.cmd.Args[1:], line)
	}
}

// ends waits for its end; the status is as a shell has it.
func (p *proc) ends(status int) {
	p.t.Helper()
	select {
	case <-p.ended:
		ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		if ws.Signaled() != (status < 0) || ws.Signaled() && int(ws.Signal()) != -status || ws.Exited() && ws.ExitStatus() != status {
			p.t.Fatalf("%q ends with %v, want %d: %s", p.cmd.Args[1:], p.cmd.ProcessState, status, p.log.String())
		}
		p.ended <- nil
	case <-time.After(patience):
		p.t.Fatalf("%q does not end", p.cmd.Args[1:])
	}
}

// signal sends it a signal; with SIGKILL it is gone when this returns.
func (p *proc) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	if sig == syscall.SIGKILL {
		p.ends(-int(sig))
	}
}

// does runs shmkit to its end, and returns what it said on standard output and standard error.
func does(t *testing.T, status int, args ...string) (out, log string) {
	t.Helper()
	p := start(t, args...)
	p.in.Close()
	p.ends(status)
	var lines []string
	for l := range p.out {
		lines = append(lines, l)
	}
	return strings.Join(lines, "\n"), p.log.String()
}

// stays is a command for a shell: it says "in", and ends when its input does.
const stays = "echo in; cat >/dev/null"
