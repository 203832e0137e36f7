package queue

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// JoinableQueue is a queue of tasks. Get hands a task out as a lease: the task stays in the queue's memory until Done. If the process
// that has it dies, or Fail gives it back, it is handed to somebody else, marked as a further attempt. So every task is
// done at least once, whoever dies, and Join knows when all are. The zero JoinableQueue is a closed handle, which
// UnmarshalText opens. All methods may be called from any goroutine.
//
// # Order
//
// Tasks are handed out in the order in which they were put. One that came back is handed out before those that wait, but
// for every other Get, so that a task which always fails does not keep the others away.
//
// # Leases
//
// A lease belongs to the process. It lasts until Done, Fail, the death of the process, or Close of the handle that Get was called on: however long
// that takes, nobody alive loses one. A goroutine that forgets its task keeps it: defer Fail. Beside Cap tasks that wait
// the queue has room for max(Cap, 64) that are handed out or being put; with none left Put waits, and TryPut is ErrFull.
//
// So workers that put tasks before they are done with their own must not have all of that room in hand: keep fewer than max(Cap, 64) leases out
// at any time, over all processes, less one for each Put that may be under way beside them. Else each of them may wait in Put for another one's Done, for ever; a Put with
// a deadline, behind which the worker fails its task, gets out of it.
//
// # Shutdown
//
// After Shutdown, io.EOF says that every task is done, or in hand of this very process: Get waits while other processes have tasks in hand, for
// it gets them if they fail. So finish what you hold before you wait for more.
type JoinableQueue[T any] struct{ stream[T] }

// NewJoinable makes a queue without a name, gone with its last user. The capacity counts tasks; zero is 1024.
func NewJoinable[T any](capacity int) (*JoinableQueue[T], error) {
	return JoinableConfig[T]{Cap: capacity}.New()
}

// OpenJoinable opens the queue of that name, which must exist (fs.ErrNotExist) and be one of T (*shm.MismatchError).
func OpenJoinable[T any](name string) (*JoinableQueue[T], error) {
	return JoinableConfig[T]{}.Open(name)
}

// OpenOrCreateJoinable opens the queue of that name, or makes it. A capacity that is not zero must agree with what is
// there (*shm.MismatchError).
func OpenOrCreateJoinable[T any](name string, capacity int) (*JoinableQueue[T], error) {
	return JoinableConfig[T]{Cap: capacity}.OpenOrCreate(name)
}

// JoinableConfig is the configuration of a JoinableQueue. The zero value is good.
type JoinableConfig[T any] struct {
	Cap    int // tasks that wait; 0: 1024. At most 2^24
	Inline int // as in Config

	// MaxAttempts is how often a task is handed out at most; 0: without end. The next Get that meets it then moves it to the queue that Dead
	// names. While that is full the task stays, unfinished.
	MaxAttempts int

	// Dead is the name of a Queue[T] for the tasks that were given up; it is made, before this queue is, if there is none. It is in the default
	// directory, where each process that has a handle finds it; so Dead and Mem.Dir do not go together. A process that dies as it moves
	// a task may leave it in both. A task moves as it is, neither decoded nor encoded. MaxAttempts needs it.
	Dead string

	Codec Codec   // as in Config; of the dead-letter queue too
	Mem   shm.Mem // memory knobs
}

// New makes a queue without a name, gone with its last user.
func (c JoinableConfig[T]) New() (*JoinableQueue[T], error) { return c.make(unnamed(c.Mem), true) }

// Create makes a queue of that name, which must be free (fs.ErrExist).
func (c JoinableConfig[T]) Create(name string) (*JoinableQueue[T], error) {
	return c.make(create(name, c.Mem), true)
}

// Open opens the queue of that name, which must exist (fs.ErrNotExist).
func (c JoinableConfig[T]) Open(name string) (*JoinableQueue[T], error) {
	return c.make(open(name, c.Mem), false)
}

// OpenOrCreate opens the queue of that name, or makes it.
func (c JoinableConfig[T]) OpenOrCreate(name string) (*JoinableQueue[T], error) {
	return c.make(openOrCreate(name, c.Mem), true)
}

func (c JoinableConfig[T]) make(from opener, creates bool) (*JoinableQueue[T], error) {
	switch {
	case creates && c.MaxAttempts != 0 && c.Dead == "":
		return nil, fmt.Errorf("queue: MaxAttempts needs the name of a queue for what is given up (Dead): %w", errInvalid)
	case c.Dead != "" && c.Mem.Dir != "":
		return nil, fmt.Errorf("queue: the dead-letter queue %q would be in the default directory, and this one in %q (Mem.Dir): have both there: %w", c.Dead, c.Mem.Dir, errInvalid)
	case len(c.Dead) > 255:
		return nil, fmt.Errorf("queue: the name of the dead-letter queue has %d bytes of at most 255: %w", len(c.Dead), errInvalid)
	}
	dead := Config[T]{Codec: c.Codec, Mem: c.Mem}
	dead.Mem.Dir = ""
	var grave *Queue[T]
	first := from
	if creates && c.Dead != "" {
		first = func(s segment.Spec) (_ *segment.Segment, err error) {
			if grave, err = dead.OpenOrCreate(c.Dead); err != nil {
				return nil, err
			}
			return from(s)
		}
	}
	b, err := newBody[T](plan{kind: abi.KindJoinableQueue, capacity: c.Cap, inline: c.Inline, attempts: c.MaxAttempts, dead: c.Dead, codec: c.Codec}, first)
	if err != nil {
		if grave != nil {
			_ = grave.Close()
		}
		return nil, err
	}
	q := &JoinableQueue[T]{}
	q.begin(b, dead)
	b.grave.q = grave
	if b.grave.name != "" && creates {
		if _, err := b.grave.open(); err != nil {
			_ = q.Close()
			return nil, err
		}
	}
	return q, nil
}

// begin makes the handle an open one.
func (q *JoinableQueue[T]) begin(b *body[T], dead Config[T]) {
	b.grave = &grave[T]{config: dead, name: b.desk.r.deadName()}
	b.desk.give, b.desk.room = b.bury, b.grave.roomy
	q.at.Store(b)
}

// UnmarshalText opens the queue that a handle text stands for. The handle must be zero or closed.
func (q *JoinableQueue[T]) UnmarshalText(text []byte) error {
	return q.decodeWith(text, plan{kind: abi.KindJoinableQueue}, func(b *body[T]) { q.begin(b, Config[T]{}) })
}

// Clone returns another handle on the same queue, with a position and leases of its own. It is closed by itself. The
// clone of a closed handle is closed.
func (q *JoinableQueue[T]) Clone() *JoinableQueue[T] {
	c := &JoinableQueue[T]{}
	q.mu.Lock()
	defer q.mu.Unlock()
	if b := q.at.Load(); b != nil {
		if o := b.clone(); o != nil {
			c.begin(o, b.grave.config)
		}
	}
	return c
}

// TryPut puts a task into the queue if there is room: else ErrFull. After Shutdown it is io.ErrClosedPipe.
func (q *JoinableQueue[T]) TryPut(v T) error {
	//lint:ignore SA1012 nil means: do not wait
	return q.put(nil, v)
}

// Put puts a task into the queue, and waits while there is no room, until ctx ends: then its error, and v is not in the
// queue. ctx is looked at only where the call waits. After Shutdown it is io.ErrClosedPipe.
func (q *JoinableQueue[T]) Put(ctx context.Context, v T) error { return q.put(ctx, v) }

// TryGet takes a task if there is one: else ErrEmpty, or io.EOF after Shutdown.
func (q *JoinableQueue[T]) TryGet() (Task[T], error) {
	//lint:ignore SA1012 nil means: do not wait
	return q.task(nil)
}

// Get takes a task, and waits while there is none, until ctx ends: then its error, and nothing was taken.
// ctx is looked at only where the call waits. After Shutdown it is io.EOF; see there.
func (q *JoinableQueue[T]) Get(ctx context.Context) (Task[T], error) { return q.task(ctx) }

// All returns the tasks as they come, until io.EOF, which it does not yield. Another error is yielded with a zero task, and ends
// it, unless it is one of a message that cannot be read (ErrMessage).
func (q *JoinableQueue[T]) All(ctx context.Context) iter.Seq2[Task[T], error] {
	return func(yield func(Task[T], error) bool) {
		for {
			t, err := q.Get(ctx)
			if err == io.EOF || !yield(t, err) || err != nil && !isGarbled(err) {
				return
			}
		}
	}
}

// Join waits until no task is unfinished, or until ctx ends: then its error. It says that there was a moment during the call at which each task that had
// been put was done; a task that is put before another one's Done counts from before that Done.
func (q *JoinableQueue[T]) Join(ctx context.Context) error {
	b, err := q.open()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(b)
	return b.desk.join(ctx)
}

// Unfinished is the number of tasks at about this moment that are not done: waiting, or handed out. Zero once closed.
func (q *JoinableQueue[T]) Unfinished() int {
	b, err := q.open()
	if err != nil {
		return 0
	}
	s := b.desk.census()
	return s.Ready + s.Returned + s.Leased
}

func (q *JoinableQueue[T]) task(ctx context.Context) (t Task[T], err error) {
	b := q.at.Load()
	if b == nil {
		return t, os.ErrClosed
	}
	if b.desk.r.bare {
		err = b.lend(ctx, &t)
	} else {
		err = b.desk.r.protect(func() error { return b.lend(ctx, &t) })
	}
	runtime.KeepAlive(b)
	if err != nil {
		return Task[T]{}, err
	}
	return t, nil
}

// lend takes a task, and hands it out. The attempt is counted first: nobody else has the task as yet, and one at which the codec panics
// is an attempt.
func (b *body[T]) lend(ctx context.Context, t *Task[T]) (err error) {
	d := b.desk
	l, err := d.take(ctx)
	if err != nil {
		return err
	}
	t.Attempt = int(atomic.AddUint32(&d.r.cell(l.c).Attempts, 1))
	opened := false
	defer func() {
		if !opened { // the codec has panicked
			d.fail(&l)
		}
	}()
	err = b.open(&l, &t.Value)
	opened = true
	if err != nil { // it cannot be read
		d.finish(&l)
		return err
	}
	t.d, t.l = d, l
	return d.keep(&l)
}
