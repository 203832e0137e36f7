package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/hold"
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// semFlags are sem's.
type semFlags struct {
	contendFlags
	permits int
}

func semCommand() *cobra.Command {
	f := new(semFlags)
	c := &cobra.Command{
		Use:   "sem [flags] NAME -- CMD [ARG…]",
		Short: "Run a command, so many at a time",
		Long: fmt.Sprintf(`sem waits until it has one of the permits of NAME, runs CMD, and gives the permit back. NAME is a
sem.BoundedSemaphore in shared memory, made with -n permits if it is not there; it stays until
"shmkit rm NAME". A Go program has the same one with shm.Open[sem.BoundedSemaphore](NAME). With more than %d
permits it is a sem.Bounded, and a Go program has it with sem.OpenBounded(NAME).

  for f in *.wav; do shmkit sem -n 4 encode -- lame "$f" & done; wait   four at a time
  shmkit sem --nonblock encode -- lame more.wav                          or nothing, if four run

It waits in the foreground until CMD has ended; the shell's & and wait do the rest. A permit is a number
from 1 to %d. Whoever is killed gives its permits back by that: the next one that waits gets them, and is not
told, for a permit guards nothing.
`, sem.MaxPermits, sem.MaxBounded) + contendHelp,
		Args:              nameAndCommand,
		Annotations:       map[string]string{asFlock: "yes"},
		ValidArgsFunction: completeSems,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c.Flags().Changed("permits")); err != nil {
				return err
			}
			return f.run(args[0], args[1:])
		},
	}
	c.Flags().IntVarP(&f.permits, "permits", "n", 0, "how many may run at once; if NAME exists, how many it must have (default 1, or what is there)")
	f.add(c, "")
	return c
}

func (f *semFlags) check(given bool) error {
	if given && (f.permits < 1 || f.permits > sem.MaxBounded) {
		return usageError{fmt.Errorf("-n %d: it is not within 1 … %d", f.permits, sem.MaxBounded)}
	}
	return f.contendFlags.check()
}

// permits is a semaphore of either kind.
type permits interface {
	Acquire(context.Context) error
	TryAcquire() bool
	Release() error
	Cap() int
}

// open opens the semaphore of that name, of whichever kind it is, or makes it.
func (f *semFlags) open(name string) (permits, io.Closer, error) {
	n := f.permits
	if n <= sem.MaxPermits {
		o, err := hold.Open(name, func(b *sem.BoundedSemaphore) { b.Init(max(n, 1)) })
		var m *shm.MismatchError
		switch {
		case err == nil:
			return o.V, o, nil
		case !errors.As(err, &m) || m.Have != abi.KindBounded.String():
			return nil, nil, err
		}
		n = 0 // of what is there, however many it has
	}
	o, err := hold.OpenBounded(name, n)
	if err != nil {
		return nil, nil, err
	}
	return o.V, o, nil
}

func (f *semFlags) run(name string, argv []string) error {
	p, closer, err := f.open(name)
	if err != nil {
		return err
	}
	defer closer.Close()
	if n := p.Cap(); f.permits != 0 && f.permits != n {
		return statusError{flockData, fmt.Errorf("sem %s: it has %d permits, not %d: leave -n out, or remove it (shmkit rm %s)", name, n, f.permits, name)}
	}
	ctx, signals := hold.Catch()
	return ended(signals, f.underPermit(ctx, signals, p, argv))
}

func (f *semFlags) underPermit(ctx context.Context, s *hold.Signals, p permits, argv []string) error {
	if err := f.take(ctx, p.TryAcquire, p.Acquire); err != nil {
		return err
	}
	defer p.Release() // an error: a peer has scribbled over the permit, and there is nothing to give back
	return runHeld(s, argv, nil, func() {})
}
