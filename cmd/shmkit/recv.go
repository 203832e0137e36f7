package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/hold"
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

// waits reports whether an empty ring is to be waited in.
func (f *recvFlags) waits() bool { return f.follow || f.count > 0 || f.timeout != forever }

// stuckOutput is how long, after a signal, the output may take what is being written.
const stuckOutput = time.Second

func (f *recvFlags) run(name string, out, log io.Writer) error {
	r, err := f.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, signals := hold.Catch()
	rate := newRate(log, "received")
	defer rate.end()
	defer context.AfterFunc(ctx, func() {
		time.Sleep(stuckOutput) // nobody reads; what is in hand goes to somebody else
		rate.end()
		signals.Die()
	})()
	h := handful{recordFlags: f.recordFlags, out: out, n: &rate.n}
	err = f.all(ctx, r, &h)
	switch {
	case errors.Is(err, context.Canceled):
		rate.end()
	case err == io.EOF || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errEmpty):
		if err = nil; h.got < f.count {
			err = statusError{code: exitTooFew}
		}
	case err != nil:
		err = fmt.Errorf("recv %s: after %s: %w", name, plural(rate.n.Load()), err)
	}
	return ended(signals, err)
}

// errEmpty says that there is nothing more and nobody waits.
var errEmpty = errors.New("the ring is empty")

// all receives until count, or an error. What is in hand is written, and given back, whenever it is much or nothing
// comes behind it.
func (f *recvFlags) all(ctx context.Context, r *mailbox, h *handful) error {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for f.count == 0 || h.got < f.count {
		t, err := ringbuf.TakeBytes(gone, r) // that is: if there is one
		if errors.Is(err, context.Canceled) {
			if err := h.flush(); err != nil {
				return err
			}
			t, err = f.next(ctx, r)
		}
		if err != nil {
			return cmp.Or(h.flush(), err)
		}
		if err := h.add(t); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return cmp.Or(h.flush(), ctx.Err())
		}
	}
	return h.flush()
}

// next waits for a message.
func (f *recvFlags) next(ctx context.Context, r *mailbox) (ringbuf.BytesTaken, error) {
	if !f.waits() {
		return ringbuf.BytesTaken{}, errEmpty
	}
	ctx, cancel := f.patient(ctx)
	defer cancel()
	return ringbuf.TakeBytes(ctx, r)
}

// The most that is in hand: it comes again if recv is killed.
const (
	mostInHand  = 64
	mostWritten = 64 << 10
)

// handful is what was taken, and is not written yet.
type handful struct {
	recordFlags
	out  io.Writer
	n    interface{ Store(uint64) }
	got  uint64
	buf  []byte
	held []ringbuf.BytesTaken
}

func (h *handful) add(t ringbuf.BytesTaken) error {
	h.buf, h.held, h.got = h.append(h.buf, t.B), append(h.held, t), h.got+1
	if len(h.held) >= mostInHand || len(h.buf) >= mostWritten {
		return h.flush()
	}
	return nil
}

// flush writes, and only then gives back.
func (h *handful) flush() error {
	if len(h.held) == 0 {
		return nil
	}
	if _, err := h.out.Write(h.buf); err != nil {
		return fmt.Errorf("%w; another receiver gets what was not written", err)
	}
	for _, t := range h.held {
		t.Release()
	}
	h.buf, h.held = h.buf[:0], h.held[:0]
	h.n.Store(h.got)
	return nil
}
