package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/hold"
)

// contendHelp is what lock and sem have in common.
const contendHelp = `
Whoever runs CMD may be killed. CMD itself keeps what was taken for it: it, and whatever it starts,
inherits a descriptor (10 or above) to which that is tied, so a SIGKILL of shmkit frees nothing before
these have all ended. As long as shmkit lives, it gives back when CMD ends, whatever CMD has left running.

SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to CMD. What is typed at a terminal, ^C and ^\,
the terminal itself has sent to CMD already. While CMD does not run yet they end shmkit.

The exit code is CMD's, or 128 + n if signal n ended it. Else, as of flock(1):

   1  it was not free in time; --exit-code gives another. Nothing is said
  64  wrong usage
  65  NAME is something else, or broken
  66  NAME cannot be opened
  69  CMD cannot be started
  71  no memory, no process, no descriptor is left
  73  NAME cannot be made: no space`

// contendFlags say how long to wait for one's turn.
type contendFlags struct {
	timeout  waitTime
	nonblock bool
	code     int
}

func (f *contendFlags) add(c *cobra.Command, nonblock string) {
	f.timeout = forever
	c.Flags().VarP(&f.timeout, "timeout", "w", "give up after this time: 10, 0.5 (seconds), 300ms, 1h")
	c.Flags().BoolVarP(&f.nonblock, "nonblock", nonblock, false, "give up at once")
	c.Flags().IntVarP(&f.code, "exit-code", "E", flockConflict, "exit code for that, 0 to 255")
}

// check finds what the flags' own types let through.
func (f *contendFlags) check() error {
	switch {
	case f.nonblock && f.timeout != forever:
		return usageError{errors.New("--nonblock is --timeout 0: give one of them")}
	case f.code < 0 || f.code > 255:
		return usageError{fmt.Errorf("--exit-code %d: it is not within 0 … 255", f.code)}
	}
	return nil
}

// take takes something in the time that the flags give.
func (f *contendFlags) take(ctx context.Context, try func() bool, wait func(context.Context) error) error {
	if f.nonblock || f.timeout == 0 {
		if !try() {
			return statusError{code: f.code}
		}
		return nil
	}
	if f.timeout != forever {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(f.timeout))
		defer cancel()
	}
	err := wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return statusError{code: f.code}
	}
	return err
}

// nameAndCommand are the arguments NAME -- CMD ARG….
func nameAndCommand(c *cobra.Command, args []string) error {
	if c.ArgsLenAtDash() != 1 || len(args) < 2 {
		return fmt.Errorf("%s takes one NAME, then --, then the command to run", c.Name())
	}
	return nil
}

// runHeld runs CMD while something is held.
func runHeld(s *hold.Signals, argv, env []string, started func()) error {
	status, err := s.Run(argv, env, started)
	switch {
	case err == nil && status == exitOK:
		return nil
	case err == nil:
		return statusError{code: status}
	case s.Caught() != 0:
		return err
	case isAny(err, syscall.ENOMEM, syscall.EAGAIN, syscall.EMFILE, syscall.ENFILE):
		return statusError{flockSystem, err}
	}
	return statusError{flockUnavailable, err}
}

// ended is the error of a command whose wait or start may have been ended by a signal: then the process
// ends by it too.
func ended(s *hold.Signals, err error) error {
	if sig := s.Caught(); sig != 0 && err != nil {
		s.Die()
		return statusError{code: 128 + sig}
	}
	return err
}

// waitTime is a duration, or a number of seconds as flock takes it.
type waitTime time.Duration

// forever is no limit.
const forever waitTime = -1

// String is what help shows as the default.
func (w *waitTime) String() string {
	if *w == forever {
		return "none"
	}
	return time.Duration(*w).String()
}

// Type is what help calls it.
func (*waitTime) Type() string { return "time" }

// duration is it.
func (w waitTime) duration() time.Duration { return time.Duration(w) }

// Set takes what was on the line.
func (w *waitTime) Set(s string) error {
	d, err := time.ParseDuration(s)
	if seconds, ferr := strconv.ParseFloat(s, 64); ferr == nil && seconds >= 0 { // not NaN either
		d, err = time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2)), nil
	}
	if err != nil || d < 0 {
		return errors.New("want seconds, or a number with ms, s, m or h")
	}
	*w = waitTime(d)
	return nil
}
