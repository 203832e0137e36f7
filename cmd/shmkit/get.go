package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/queue"
)

// getFlags are get's.
type getFlags struct {
	boxFlags
	follow bool
}

func getCommand() *cobra.Command {
	f := new(getFlags)
	c := &cobra.Command{
		Use:   "get [flags] QUEUE",
		Short: "Take items out of a queue, as lines of JSON",
		Long: `get takes the items of the queue QUEUE, a queue.Queue in shared memory, or a SimpleQueue or a JoinableQueue, whoever has put them, and
prints each as a line of JSON. Each item goes to one that gets. It ends when the queue is empty, unless told to wait:

  shmkit get jobs                                  what is there
  shmkit get --follow jobs                         and what comes, until the queue is shut down
  shmkit get --count 1 --timeout 0 jobs            one, if there is one
  shmkit get --follow jobs | jq .url               an item that get cannot print is told of on standard error

An item of a JoinableQueue is done (task_done) once it is written: if get is killed before, or nobody reads its output any
more, another one gets it, so none is lost, and what was just being written may come twice. Of the other queues an item is
gone with the process that has taken it: get has one in hand at a time, and if it is killed just then that one is lost.

SIGINT and SIGTERM end it after the item that is being written, or after a second.
` + boxHelp + `

Exit codes:

  0  done
  1  something failed, or the output cannot be written, or an item could not be read; the others are there
  2  wrong usage
  3  there is no queue QUEUE
  4  this system does not have what is needed
  5  the stream was over, or --timeout, before --count items had come. Nothing is said`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeBoxes,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return f.run(args[0], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f.add(c, "end after so many items; wait for them", "wait so long for an item: 10, 0.5 (seconds), 300ms, 1h")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "wait for more when the queue is empty")
	return c
}

func (f *getFlags) run(name string, out, log io.Writer) error {
	b, err := f.open(name)
	if err != nil {
		return err
	}
	defer b.close()
	h := handful[letter]{
		out: out, most: 1, fate: "the item that was not written is lost",
		append:  func(b []byte, l letter) ([]byte, error) { return append(append(b, l.text...), '\n'), nil },
		release: func(l letter) error { return l.done() },
	}
	if b.leases {
		h.most, h.fate = mostInHand, "another one gets what was not written"
	}
	var garbled error
	next := func(ctx context.Context) (letter, error) {
		for {
			l, err := b.get(ctx)
			if !errors.Is(err, queue.ErrMessage) {
				return l, err
			}
			garbled = err
			fmt.Fprintln(log, "shmkit:", err)
		}
	}
	err = receive(&f.streamFlags, f.follow, next, &h, log, func(n uint64, err error) error {
		return fmt.Errorf("get %s: after %s: %w", name, plural(n, "item"), err)
	})
	if err == nil && garbled != nil {
		return statusError{code: exitFailure}
	}
	return err
}
