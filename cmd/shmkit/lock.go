package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/hold"
	"github.com/shmkit/shmkit/sem"
)

// abandonedEnv tells CMD that it comes after one that was killed.
const abandonedEnv = "SHMKIT_ABANDONED=1"

func lockCommand() *cobra.Command {
	f := new(contendFlags)
	c := &cobra.Command{
		Use:   "lock [flags] NAME -- CMD [ARG…]",
		Short: "Run a command under a lock",
		Long: `lock waits until it has the lock NAME, runs CMD, and unlocks. The lock is a sem.Mutex in shared memory,
made if it is not there; it stays until "shmkit rm NAME". A Go program has the same one with
shm.OpenOrCreate[sem.Mutex](NAME).

  shmkit lock backup -- backup.sh                     one at a time, the others wait
  shmkit lock --nonblock backup -- backup.sh          or do nothing if it runs already
  shmkit lock --timeout 10 -E 75 backup -- backup.sh  or wait for ten seconds, and end with 75
  shmkit lock disk -- sh -c 'cp a b && rm a'          more than one command

If the last one that had the lock was killed without giving it back, this is said on standard error, and CMD
has SHMKIT_ABANDONED=1 in its environment: what it finds may be half done. It is said once, to the
next CMD that is started.
` + contendHelp,
		Args:              nameAndCommand,
		Annotations:       map[string]string{asFlock: "yes"},
		ValidArgsFunction: completeLocks[sem.Mutex],
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.lock(args[0], args[1:], c.ErrOrStderr())
		},
	}
	f.add(c, "n")
	return c
}

func (f *contendFlags) lock(name string, argv []string, log io.Writer) error {
	o, err := hold.Open[sem.Mutex](name, nil)
	if err != nil {
		return err
	}
	defer o.Close()
	ctx, signals := hold.Catch()
	return ended(signals, f.underLock(ctx, signals, o.V, name, argv, log))
}

func (f *contendFlags) underLock(ctx context.Context, s *hold.Signals, mu *sem.Mutex, name string, argv []string, log io.Writer) error {
	if err := f.take(ctx, mu.TryLock, mu.LockContext); err != nil {
		return err
	}
	defer mu.Unlock()
	if !mu.Abandoned() {
		return runHeld(s, argv, nil, func() {})
	}
	fmt.Fprintf(log, "shmkit: lock %s: whoever had it was killed before giving it back: what it did may be half done\n", name)
	return runHeld(s, argv, []string{abandonedEnv}, mu.Repaired)
}
