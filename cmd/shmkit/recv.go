package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/ringbuf"
)

// recvFlags are recv's.
type recvFlags struct {
	mailboxFlags
	follow bool
}

func recvCommand() *cobra.Command {
	f := new(recvFlags)
	c := &cobra.Command{
		Use:   "recv [flags] NAME",
		Short: "Take messages out of a ring, as lines",
		Long: `recv takes the messages that "shmkit send NAME" has put, or any program into its ringbuf.MPMC[[]byte], and prints each as a
line. Each message goes to one receiver. It ends when the ring is empty, unless told to wait:

  shmkit recv jobs                                 what is there
  shmkit recv --follow jobs                        and what comes, until the stream is shut down
  while f=$(shmkit recv --count 1 jobs); do …      one, waited for
  shmkit recv --count 1 --timeout 0 jobs           one, if there is one
  shmkit recv --follow jobs | shmkit send more     from ring to ring

A message is taken out of the ring once it is written. If recv is killed before, or nobody reads its output any more, another
receiver gets it, a little later than its turn: no message is lost, and those that were just being written may come
twice. So whoever reads the output slowly holds up, in the end, all that use the ring. A message with a newline in it looks
like two; --null and --frames do not have that.

SIGINT and SIGTERM end it after the message that is being written, or after a second.
` + framesHelp + `

Exit codes:

  0  done
  1  something failed, or the output cannot be written
  2  wrong usage
  3  there is no ring NAME
  4  this system does not have what is needed
  5  the stream was over, or --timeout, before --count messages had come. Nothing is said`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeMailboxes,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return f.run(args[0], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f.add(c, "end after so many messages; wait for them", "wait so long for a message: 10, 0.5 (seconds), 300ms, 1h")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "wait for more when the ring is empty")
	return c
}

func (f *recvFlags) run(name string, out, log io.Writer) error {
	r, err := f.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	h := handful[ringbuf.BytesTaken]{
		out: out, most: mostInHand, fate: "another receiver gets what was not written",
		append:  func(b []byte, t ringbuf.BytesTaken) ([]byte, error) { return f.append(b, t.B), nil },
		release: func(t ringbuf.BytesTaken) error { t.Release(); return nil },
	}
	next := func(ctx context.Context) (ringbuf.BytesTaken, error) { return ringbuf.TakeBytes(ctx, r) }
	return receive(&f.streamFlags, f.follow, next, &h, log, func(n uint64, err error) error {
		return fmt.Errorf("recv %s: after %s: %w", name, plural(n, "message"), err)
	})
}
