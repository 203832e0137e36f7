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
)

// exitTooFew is for what did not happen in time: nothing is said.
const exitTooFew = 5

// streamFlags are what send, recv, put and get have in common.
type streamFlags struct {
	create  bool
	count   uint64
	timeout waitTime
}

func (f *streamFlags) add(c *cobra.Command, what, count, timeout string) {
	f.timeout = forever
	c.Flags().BoolVarP(&f.create, "create", "c", false, "make the "+what+" if there is none of that NAME")
	c.Flags().Uint64VarP(&f.count, "count", "n", 0, count)
	c.Flags().VarP(&f.timeout, "timeout", "w", timeout)
}

func (f *streamFlags) check(c *cobra.Command) error {
	if c.Flags().Changed("count") && f.count == 0 {
		return usageError{errors.New("--count 0: want 1 or more")}
	}
	return nil
}

// patient is the context for one wait.
func (f *streamFlags) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout == forever {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, f.timeout.duration())
}

// feed puts what next gives, until count, or its io.EOF. The error after n of them is explain's.
func (f *streamFlags) feed(log io.Writer, next func() ([]byte, error), put func(context.Context, []byte) error, explain func(n uint64, err error) error) error {
	ctx, signals := hold.Catch()
	rate := newRate(log, "sent")
	defer rate.end()
	// A signal may find us in a read that nothing else ends. At no moment is there anything to lose.
	defer context.AfterFunc(ctx, func() { rate.end(); signals.Die() })()
	for n := uint64(0); f.count == 0 || n < f.count; n++ {
		b, err := next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f.putOne(ctx, put, b)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return ended(signals, statusError{code: exitTooFew})
		}
		if err != nil {
			return ended(signals, explain(n, err))
		}
		rate.n.Store(n + 1)
	}
	return nil
}

func (f *streamFlags) putOne(ctx context.Context, put func(context.Context, []byte) error, b []byte) error {
	ctx, cancel := f.patient(ctx)
	defer cancel()
	return put(ctx, b)
}

// stuckOutput is how long, after a signal, the output may take what is being written.
const stuckOutput = time.Second

// receive prints what next gives, until count, its io.EOF, or, unless it is to be waited, there is nothing. To next, a
// context that has ended says: if there is one.
func receive[I any](f *streamFlags, follow bool, next func(context.Context) (I, error), h *handful[I], log io.Writer, explain func(n uint64, err error) error) error {
	ctx, signals := hold.Catch()
	rate := newRate(log, "received")
	defer rate.end()
	defer context.AfterFunc(ctx, func() {
		time.Sleep(stuckOutput) // nobody reads; what is in hand goes to somebody else
		rate.end()
		signals.Die()
	})()
	h.n = &rate.n
	wait := func() (I, error) {
		if !follow && f.count == 0 && f.timeout == forever {
			var none I
			return none, errEmpty
		}
		ctx, cancel := f.patient(ctx)
		defer cancel()
		return next(ctx)
	}
	err := h.fill(ctx, f.count, next, wait)
	switch {
	case errors.Is(err, context.Canceled):
		rate.end()
	case err == io.EOF || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errEmpty):
		if err = nil; h.got < f.count {
			err = statusError{code: exitTooFew}
		}
	case err != nil:
		err = explain(rate.n.Load(), err)
	}
	return ended(signals, err)
}

// errEmpty says that there is nothing more and nobody waits.
var errEmpty = errors.New("there is nothing")

// The most that is in hand: it comes again if its process is killed.
const (
	mostInHand  = 64
	mostWritten = 64 << 10
)

// handful is what was taken, and is not written yet.
type handful[I any] struct {
	out     io.Writer
	most    int                                 // how many
	fate    string                              // what becomes of it if it cannot be written
	append  func(b []byte, i I) ([]byte, error) // as it goes out
	release func(i I) error                     // once it is written
	n       interface{ Store(uint64) }
	got     uint64
	buf     []byte
	held    []I
}

// fill takes until count, or an error. What is in hand is written, and given back, whenever it is much or nothing
// comes behind it.
func (h *handful[I]) fill(ctx context.Context, count uint64, next func(context.Context) (I, error), wait func() (I, error)) error {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for count == 0 || h.got < count {
		i, err := next(gone) // that is: if there is one
		if errors.Is(err, context.Canceled) {
			if err := h.flush(); err != nil {
				return err
			}
			i, err = wait()
		}
		if err != nil {
			return cmp.Or(h.flush(), err)
		}
		if err := h.add(i); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return cmp.Or(h.flush(), ctx.Err())
		}
	}
	return h.flush()
}

func (h *handful[I]) add(i I) (err error) {
	if h.buf, err = h.append(h.buf, i); err != nil {
		return cmp.Or(h.flush(), err)
	}
	h.held, h.got = append(h.held, i), h.got+1
	if len(h.held) >= h.most || len(h.buf) >= mostWritten {
		return h.flush()
	}
	return nil
}

// flush writes, and only then gives back.
func (h *handful[I]) flush() error {
	if len(h.held) == 0 {
		return nil
	}
	if _, err := h.out.Write(h.buf); err != nil {
		return fmt.Errorf("%w; %s", err, h.fate)
	}
	for _, i := range h.held {
		if err := h.release(i); err != nil {
			return err
		}
	}
	h.buf, h.held = h.buf[:0], h.held[:0]
	h.n.Store(h.got)
	return nil
}

// isShut says what to do with what takes no more.
func isShut(name string, err error) error {
	return fmt.Errorf("it is shut down, and takes no more: %w; remove it (shmkit rm %s) and make it anew", err, name)
}

// plural is a number of things in words.
func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
