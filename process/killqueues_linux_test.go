package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/queue"
)

// parcel is whole if its text has the number of letters that its number says. Some are longer than a queue's cells.
type parcel struct {
	N    int
	Mine bool // the parent has put it
	Text string
}

func parcelOf(n int, mine bool) parcel { return parcel{n, mine, strings.Repeat("x", n*37%1000)} }

func mine(n int) parcel   { return parcelOf(n, true) }
func theirs(n int) parcel { return parcelOf(n, false) }

func (p parcel) whole() error {
	if p != parcelOf(p.N, p.Mine) {
		return fmt.Errorf("torn: parcel %d with a text of %d", p.N, len(p.Text))
	}
	return nil
}

// trade puts one and takes one of those that there are.
func trade[T any](of func(int) T, whole func(T) error) func(context.Context, *queue.Queue[T]) (step, error) {
	return func(_ context.Context, q *queue.Queue[T]) (step, error) {
		n := 0
		return func() error {
			n++
			put := unless(q.TryPut(of(n)), queue.ErrFull)
			got, err := q.TryGet()
			if err == nil {
				err = whole(got)
			}
			return errors.Join(put, unless(err, queue.ErrEmpty))
		}, nil
	}
}

// tradeForSure is the parent's: behind its own put there is one to take, for the child puts before it takes. It waits for it.
func tradeForSure[T any](of func(int) T, whole func(T) error) func(context.Context, *queue.Queue[T]) (step, error) {
	return func(ctx context.Context, q *queue.Queue[T]) (step, error) {
		n := 0
		return func() error {
			n++
			put := unless(q.TryPut(of(n)), queue.ErrFull)
			got, err := q.Get(ctx)
			if err == nil {
				err = whole(got)
			}
			return errors.Join(put, err)
		}, nil
	}
}

func quadOf(n int) quad { return quad{int64(n), int64(n), int64(n), int64(n)} }

// labour is the child's: it does its own tasks, and fails its parent's. It has one in hand all the time, so it dies with it.
func labour(_ context.Context, q *queue.JoinableQueue[parcel]) (step, error) {
	n := 0
	leave := func() error { return nil }
	return func() error {
		n++
		err := errors.Join(leave(), unless(q.TryPut(parcelOf(n, false)), queue.ErrFull))
		task, none := q.TryGet()
		leave = func() error { return nil }
		if none != nil {
			return errors.Join(err, unless(none, queue.ErrEmpty))
		}
		leave = task.Done
		if task.Value.Mine {
			leave = func() error { task.Fail(); return nil }
		}
		return errors.Join(err, task.Value.whole())
	}, nil
}

// employer is the parent's side of a JoinableQueue: its own tasks are done by itself alone, so each must come back, once.
type employer struct {
	*queue.JoinableQueue[parcel]
	n    int
	open map[int]bool // put, and not done
}

func newEmployer() (*employer, error) {
	q, err := queue.NewJoinable[parcel](64)
	return &employer{q, 0, map[int]bool{}}, err
}

// UnmarshalText is the child's, which has no more than the queue.
func (e *employer) UnmarshalText(text []byte) error {
	e.JoinableQueue = new(queue.JoinableQueue[parcel])
	return e.JoinableQueue.UnmarshalText(text)
}

func employed(ctx context.Context, e *employer) (step, error) { return labour(ctx, e.JoinableQueue) }

func employs(ctx context.Context, e *employer) (step, error) {
	return func() error {
		e.n++
		err := e.TryPut(parcelOf(e.n, true))
		if err == nil {
			e.open[e.n] = true
		}
		return errors.Join(unless(err, queue.ErrFull), e.do(ctx))
	}, nil
}

// do does a task, of which there is one: what the parent has put before stays until the parent has done it.
func (e *employer) do(ctx context.Context) error {
	task, err := e.Get(ctx)
	if err != nil {
		return err
	}
	if v := task.Value; v.Mine {
		if !e.open[v.N] {
			return fmt.Errorf("task %d comes again after Done, attempt %d", v.N, task.Attempt)
		}
		delete(e.open, v.N)
	} else if task.Attempt > 2 {
		return fmt.Errorf("task %d of the child: attempt %d, and it fails none of its own", v.N, task.Attempt)
	}
	return errors.Join(task.Value.whole(), task.Done())
}

// Buried wants every task back that the dead had in hand.
func (e *employer) Buried(ctx context.Context) error {
	for e.Unfinished() > 0 {
		if err := e.do(ctx); err != nil {
			return fmt.Errorf("%d unfinished: %w", e.Unfinished(), err)
		}
	}
	if len(e.open) > 0 {
		return fmt.Errorf("lost: %v", e.open)
	}
	return e.Join(ctx)
}

// line is a pipe: here is the parent's end, there the child's.
type line struct {
	here, there *pipe.Conn
	next        int
	over        bool
}

func newLine() (*line, error) {
	a, b, err := pipe.Config{Cap: 4096}.New()
	return &line{here: a, there: b}, err
}

func (l *line) MarshalText() ([]byte, error) { return l.there.MarshalText() }

// UnmarshalText is the child's, which has its own end alone.
func (l *line) UnmarshalText(text []byte) error {
	l.there = new(pipe.Conn)
	return l.there.UnmarshalText(text)
}

func (l *line) Close() error {
	if l.there == nil {
		return l.here.Close()
	}
	return errors.Join(l.here.Close(), l.there.Close())
}

// letter is what message n says: every seventh is longer than the pipe.
func letter(n int) []byte {
	size := n * 37 % 1000
	if n%7 == 0 {
		size += 6000
	}
	return bytes.Repeat([]byte{byte(n)}, size)
}

// writes sends bytes and values in turn, and takes the answers.
func writes(ctx context.Context, l *line) (step, error) {
	n, answers := -1, 0
	return func() (err error) {
		if n++; n%2 == 0 {
			err = l.there.SendBytes(ctx, letter(n))
		} else {
			err = l.there.Send(ctx, parcelOf(n, false))
		}
		for err == nil {
			var got int
			if err = l.there.TryRecv(&got); err == nil && got != answers {
				err = fmt.Errorf("answer %d is %d", answers, got)
			}
			answers++
		}
		answers--
		return unless(err, pipe.ErrEmpty)
	}, nil
}

// reads takes what has come, all in order, and answers each.
func reads(ctx context.Context, l *line) (step, error) {
	return func() error {
		for !l.over {
			err := l.read(ctx)
			if err == pipe.ErrEmpty {
				return nil
			}
			if err == io.EOF {
				l.over = true
			} else if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				return err
			}
		}
		return nil
	}, nil
}

func (l *line) read(ctx context.Context) (err error) {
	var b []byte
	var p parcel
	if l.next%2 == 0 {
		b, err = l.here.TryRecvBytes(nil)
	} else {
		err = l.here.TryRecv(&p)
	}
	if err != nil {
		return err
	}
	if want := letter(l.next); l.next%2 == 0 && !bytes.Equal(b, want) {
		return fmt.Errorf("message %d has %d bytes, not %d, or others", l.next, len(b), len(want))
	}
	if l.next%2 == 1 && p != parcelOf(l.next, false) {
		return fmt.Errorf("value %d is %d with a text of %d", l.next, p.N, len(p.Text))
	}
	if err := l.here.Send(ctx, l.next); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("answer %d: %w", l.next, err)
	}
	l.next++
	return nil
}

// Buried wants the end: at once, for the child's is nobody's any more.
func (l *line) Buried(ctx context.Context) error {
	err := l.there.Close()
	l.there = nil
	for err == nil && !l.over {
		var v any
		switch err = l.here.Recv(ctx, &v); {
		case err == io.EOF:
			l.over, err = true, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			err = nil
		case errors.Is(err, pipe.ErrKind): // bytes: all that had come is to be read first
			_, err = l.here.RecvBytes(ctx, nil)
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
		}
	}
	return err
}
