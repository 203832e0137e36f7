package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/hold"
	"github.com/shmkit/shmkit/sem"
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
"shmkit rm NAME". A Go program has the same one with shm.Open[sem.BoundedSemaphore](NAME).

  for f in *.wav; do shmkit sem -n 4 encode -- lame "$f" & done; wait   four at a time
  shmkit sem --nonblock encode -- lame more.wav                          or nothing, if four run

It waits in the foreground until CMD has ended; the shell's & and wait do the rest. A permit is a number
from 1 to %d. Whoever is killed gives its permits back by that: the next one that waits gets them, and is not
told, for a permit guards nothing.
`, sem.MaxPermits) + contendHelp,
		Args:              nameAndCommand,
		Annotations:       map[string]string{asFlock: "yes"},
		ValidArgsFunction: completeLocks[sem.BoundedSemaphore],
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
	if given && (f.permits < 1 || f.permits > sem.MaxPermits) {
		return usageError{fmt.Errorf("-n %d: it is not within 1 … %d", f.permits, sem.MaxPermits)}
	}
	return f.contendFlags.check()
}

func (f *semFlags) run(name string, argv []string) error {
	o, err := hold.Open(name, func(b *sem.BoundedSemaphore) { b.Init(max(f.permits, 1)) })
	if err != nil {
		return err
	}
	defer o.Close()
	if n := o.V.Cap(); f.permits != 0 && f.permits != n {
		return statusError{flockData, fmt.Errorf("sem %s: it has %d permits, not %d: leave -n out, or remove it (shmkit rm %s)", name, n, f.permits, name)}
	}
	ctx, signals := hold.Catch()
	return ended(signals, f.underPermit(ctx, signals, o.V, argv))
}

func (f *semFlags) underPermit(ctx context.Context, s *hold.Signals, b *sem.BoundedSemaphore, argv []string) error {
	if err := f.take(ctx, b.TryAcquire, b.Acquire); err != nil {
		return err
	}
	defer b.Release() // an error: a peer has scribbled over the permit, and there is nothing to give back
	return runHeld(s, argv, nil, func() {})
}
