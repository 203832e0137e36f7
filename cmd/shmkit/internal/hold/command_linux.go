package hold

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// passed are the signals that would end this process, and are the command's business while there is one.
var passed = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}

// Signals are those that this process gets from Catch on. Before a command runs, the first one ends the wait
// for its turn; from then on they go to the command.
type Signals struct {
	c      chan os.Signal
	cancel context.CancelFunc

	mu      sync.Mutex
	first   syscall.Signal // came before there was a command
	command *os.Process
}

// Catch begins to catch signals. Those that are ignored stay so, for this process and the command: a shell's
// background jobs ignore SIGINT, nohup's SIGHUP. The context ends with the first signal.
func Catch() (context.Context, *Signals) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Signals{c: make(chan os.Signal, 16), cancel: cancel}
	for _, sig := range passed {
		if !signal.Ignored(sig) {
			signal.Notify(s.c, sig)
		}
	}
	go func() {
		for sig := range s.c {
			s.take(sig.(syscall.Signal))
		}
	}()
	return ctx, s
}

func (s *Signals) take(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.command == nil {
		if s.first == 0 {
			s.first = sig
		}
		s.cancel()
	} else if !typed(sig) {
		_ = s.command.Signal(sig) // an error: it has ended, and Wait says so
	}
}

// typed reports whether a signal may come from the keyboard of the terminal in whose foreground this
// process is. Then the terminal has sent it to the command as well, and twice means more than once to many
// programs.
func typed(sig syscall.Signal) bool {
	if sig != unix.SIGINT && sig != unix.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// Caught returns the signal that came before there was a command, or 0.
func (s *Signals) Caught() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.first)
}

// Die ends this process by the signal that was caught, as if it had not been: a shell that runs this command in
// a loop has to see that. It returns if that fails.
func (s *Signals) Die() {
	sig := syscall.Signal(s.Caught())
	signal.Reset(sig)
	if sig != 0 && unix.Kill(unix.Getpid(), sig) == nil {
		time.Sleep(time.Second) // another thread may be the one that gets it
	}
}

// Run runs a command, with this process's standard files and every descriptor that it may inherit, and env
// added to the environment. started is called once it runs. The status is the command's exit code, or
// 128 and the number of the signal that ended it. An error says that it was not started: because a signal was
// caught before, if Caught says so.
func (s *Signals) Run(argv, env []string, started func()) (status int, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), env...)
	if err := s.start(cmd); err != nil {
		return 0, err
	}
	started()
	_ = cmd.Wait() // the state says all
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

func (s *Signals) start(cmd *exec.Cmd) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != 0 {
		return context.Canceled
	}
	err := cmd.Start()
	if err == nil {
		s.command = cmd.Process
	}
	return err
}
