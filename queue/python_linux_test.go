package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/queue"
)

// The tests TestPython… are what Python's multiprocessing documents, or does, for its queues, and what its users suffer from.
// They say where this package does otherwise, and means to.

// snakeQueues are the queues that a second process is told to use.
type snakeQueues struct {
	Q *queue.Queue[any]
	S *queue.SimpleQueue[any]
	J *queue.JoinableQueue[any]
	B *queue.Queue[[]byte]
}

const snakeCap = 4

func newSnake(t *testing.T) *snakeQueues {
	t.Helper()
	y := new(snakeQueues)
	var err [4]error
	y.Q, err[0] = queue.New[any](snakeCap)
	y.S, err[1] = queue.NewSimple[any]()
	y.J, err[2] = queue.NewJoinable[any](snakeCap)
	y.B, err[3] = queue.New[[]byte](snakeCap)
	if err := errors.Join(err[:]...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := y.close(); err != nil {
			t.Error(err)
		}
	})
	return y
}

func (y *snakeQueues) close() error {
	return errors.Join(y.Q.Close(), y.S.Close(), y.J.Close(), y.B.Close())
}

// snakePeer is a second process with the same queues.
func snakePeer(t *testing.T, y *snakeQueues) *proctest.Proc {
	t.Helper()
	p := proctest.Start(t, "snake")
	for _, h := range []interface{ MarshalText() ([]byte, error) }{y.Q, y.S, y.J, y.B} {
		text, err := h.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		p.Send(string(text))
	}
	return p
}

// snakeTell gives an order, and wants the answer.
func snakeTell(t *testing.T, p *proctest.Proc, order, want string) {
	t.Helper()
	p.Send(order)
	if got := p.Recv(); got != want {
		t.Errorf("the peer was told to %s: %s, want %s", order, got, want)
	}
}

var _ = proctest.Register("snake", func([]string) int {
	y := &snakeQueues{new(queue.Queue[any]), new(queue.SimpleQueue[any]), new(queue.JoinableQueue[any]), new(queue.Queue[[]byte])}
	for _, h := range []interface{ UnmarshalText([]byte) error }{y.Q, y.S, y.J, y.B} {
		if err := h.UnmarshalText([]byte(proctest.Hear())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	var task queue.Task[any]
	for {
		order, n := proctest.Hear(), 0
		if _, err := fmt.Sscanf(order, "put %d MiB", &n); err == nil {
			proctest.Say(fmt.Sprint(y.B.Put(context.Background(), bytes.Repeat([]byte{byte(n)}, n<<20))))
			continue
		}
		if order == "exit" {
			return 0
		}
		proctest.Say(fmt.Sprint(snakeOrders[order](y, &task)))
	}
})

var snakeOrders = map[string]func(y *snakeQueues, t *queue.Task[any]) any{
	"put":      func(y *snakeQueues, _ *queue.Task[any]) any { return y.Q.Put(context.Background(), "from the peer") },
	"try put":  func(y *snakeQueues, _ *queue.Task[any]) any { return y.Q.TryPut("from the peer") },
	"get":      func(y *snakeQueues, _ *queue.Task[any]) any { return snakeSay(y.Q.Get(context.Background())) },
	"try get":  func(y *snakeQueues, _ *queue.Task[any]) any { return snakeSay(y.Q.TryGet()) },
	"length":   func(y *snakeQueues, _ *queue.Task[any]) any { return y.Q.Len() },
	"sget":     func(y *snakeQueues, _ *queue.Task[any]) any { return snakeSay(y.S.Get(context.Background())) },
	"sput":     func(y *snakeQueues, _ *queue.Task[any]) any { return y.S.Put(context.Background(), 7) },
	"task":     func(y *snakeQueues, t *queue.Task[any]) any { return snakeTask(y, t) },
	"done":     func(_ *snakeQueues, t *queue.Task[any]) any { return t.Done() },
	"shutdown": func(y *snakeQueues, _ *queue.Task[any]) any { return y.Q.Shutdown() },
	"waits": func(y *snakeQueues, _ *queue.Task[any]) any {
		go func() { _, _ = y.Q.Get(context.Background()) }()
		for y.Q.Stats().GetParks == 0 {
			time.Sleep(time.Millisecond)
		}
		return "asleep"
	},
	"puts for ever": func(y *snakeQueues, _ *queue.Task[any]) any {
		proctest.Say("begins")
		for b := bytes.Repeat([]byte("x"), 3<<20); ; {
			if err := y.B.Put(context.Background(), b); err != nil {
				return err
			}
		}
	},
	"sends a queue": func(y *snakeQueues, _ *queue.Task[any]) any {
		text, err := y.Q.MarshalText()
		if err != nil {
			return err
		}
		return y.B.TryPut(text)
	},
}

func snakeSay(v any, err error) string { return fmt.Sprintf("%v, %v", v, err) }

func snakeTask(y *snakeQueues, t *queue.Task[any]) (s string) {
	var err error
	*t, err = y.J.Get(context.Background())
	return fmt.Sprintf("%v, attempt %d, %v", t.Value, t.Attempt, err)
}

func snakeLimit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func snakeBriefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// Queue(maxsize): first in, first out, for many that put and get. maxsize <= 0 is 2³¹−1 there, 1024 here; one above
// 32767 is good on every system.
func TestPythonQueue(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	for i := range 3 {
		if err := y.Q.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	snakeTell(t, p, "get", "0, <nil>")
	snakeTell(t, p, "put", "<nil>")
	for _, want := range []any{int64(1), int64(2), "from the peer"} {
		if v, err := y.Q.Get(t.Context()); v != want || err != nil {
			t.Errorf("%v, %v; want %v", v, err, want)
		}
	}
	for capacity, want := range map[int]int{0: 1024, 100_000: 100_000} {
		q, err := queue.New[int64](capacity)
		if err != nil {
			t.Fatal(err)
		}
		if q.Cap() != want {
			t.Errorf("of %d is made %d", capacity, q.Cap())
		}
		q.Close()
	}
	if _, err := queue.New[int64](-1); err == nil {
		t.Error("a negative capacity")
	}
}

// put(block, timeout), put_nowait: queue.Full is ErrFull; a timeout is a context, and one that has ended is no error while there is room.
func TestPythonPut(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range snakeCap {
		if err := y.Q.Put(ended, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := y.Q.TryPut(9); err != queue.ErrFull {
		t.Error(err)
	}
	snakeTell(t, p, "try put", queue.ErrFull.Error())
	if err := y.Q.Put(ended, 9); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := y.Q.Put(snakeBriefly(t), 9); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	p.Send("put") // waits until there is room
	if v, err := y.Q.Get(t.Context()); v != int64(0) || err != nil {
		t.Error(v, err)
	}
	p.Expect("<nil>")
	if y.Q.Len() != snakeCap {
		t.Errorf("%d items", y.Q.Len())
	}
}

// What cannot be pickled is found out later in Python, by a thread whose traceback goes to stderr, and the item is gone. Here it is the caller's
// error, with the field's path, and no place is lost. What is put is as it was when it was put: no thread encodes it later.
func TestPythonPutFails(t *testing.T) {
	y := newSnake(t)
	bad := map[string]any{"f": []any{1, func() {}}}
	for range 3 * snakeCap {
		if err := y.Q.TryPut(bad); err == nil || !strings.Contains(err.Error(), "func()") {
			t.Fatal(err)
		}
		if err := y.S.Put(t.Context(), bad); err == nil {
			t.Fatal("a function was put")
		}
		if err := y.J.TryPut(bad); err == nil {
			t.Fatal("a function was put")
		}
	}
	if y.Q.Len() != 0 || !y.S.Empty() || y.J.Unfinished() != 0 {
		t.Errorf("%d, %v, %d items of what could not be put", y.Q.Len(), y.S.Empty(), y.J.Unfinished())
	}
	list := []any{11, nil, "lily"}
	if err := y.Q.TryPut(list); err != nil {
		t.Fatal(err)
	}
	list[0] = 12
	v, err := y.Q.TryGet()
	if d := cmp.Diff(any([]any{int64(11), nil, "lily"}), v); d != "" || err != nil {
		t.Error(d, err)
	}
}

// get(block, timeout), get_nowait: queue.Empty is ErrEmpty.
func TestPythonGet(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	if _, err := y.Q.TryGet(); err != queue.ErrEmpty {
		t.Error(err)
	}
	snakeTell(t, p, "try get", "<nil>, "+queue.ErrEmpty.Error())
	if _, err := y.Q.Get(snakeBriefly(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	p.Send("get") // waits until there is something
	if err := y.Q.Put(t.Context(), []any{1}); err != nil {
		t.Error(err)
	}
	p.Expect("[1], <nil>")
}

// qsize, empty, full tell the truth about what another process has put as soon as its put has returned, on every system. In Python empty()
// says True right after a put, and so Empty is raised.
func TestPythonQsize(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	for n := range snakeCap {
		snakeTell(t, p, "put", "<nil>")
		if y.Q.Len() != n+1 {
			t.Errorf("behind put %d there are %d", n+1, y.Q.Len())
		}
	}
	if y.Q.Len() != y.Q.Cap() {
		t.Error("it is not full")
	}
	for n := range snakeCap {
		if _, err := y.Q.TryGet(); err != nil {
			t.Error(err)
		}
		snakeTell(t, p, "length", fmt.Sprint(snakeCap-1-n))
	}
	for range 1000 {
		if err := y.Q.TryPut(1); err != nil {
			t.Fatal(err)
		}
		if _, err := y.Q.TryGet(); err != nil {
			t.Fatal("behind a put: ", err)
		}
		if err := y.S.Put(t.Context(), 1); err != nil || y.S.Empty() {
			t.Fatal("behind a put: ", err, y.S.Empty())
		}
		if _, err := y.S.Get(t.Context()); err != nil || !y.S.Empty() {
			t.Fatal("behind a get: ", err, y.S.Empty())
		}
	}
}

// close ends this process's part: ValueError, OSError there, os.ErrClosed here, from all calls alike. Others go on.
func TestPythonClose(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	c := y.Q.Clone()
	if err := c.TryPut(1); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_, err := c.TryGet()
	for _, err := range []error{err, c.TryPut(1), c.Close()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
	if c.Len() != 0 {
		t.Error(c.Len())
	}
	snakeTell(t, p, "get", "1, <nil>")
}

// JoinableQueue: put counts, task_done takes off, join waits for none; more task_done than tasks is ValueError there, an error here, of the very
// task. Join has a timeout.
func TestPythonJoinable(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	if err := y.J.Join(t.Context()); err != nil {
		t.Error("nothing was put: ", err)
	}
	if err := y.J.TryPut("work"); err != nil {
		t.Fatal(err)
	}
	if err := y.J.Join(snakeBriefly(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	snakeTell(t, p, "task", "work, attempt 1, <nil>")
	if y.J.Len() != 0 || y.J.Unfinished() != 1 {
		t.Errorf("%d to take, %d unfinished", y.J.Len(), y.J.Unfinished())
	}
	joined := make(chan error, 1)
	go func() { joined <- y.J.Join(snakeLimit(t)) }()
	snakeTell(t, p, "done", "<nil>")
	if err := <-joined; err != nil {
		t.Error(err)
	}
	p.Send("done")
	if got := p.Recv(); !strings.Contains(got, "done") {
		t.Errorf("a second Done: %s", got)
	}
	if y.J.Unfinished() != 0 {
		t.Error(y.J.Unfinished())
	}
}

// SimpleQueue: put, get, empty, close, and no more. A put that fails is the caller's; after close all is os.ErrClosed, close itself
// too (in Python close may be called again).
func TestPythonSimpleQueue(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	if !y.S.Empty() {
		t.Error("a new one is not empty")
	}
	snakeTell(t, p, "sput", "<nil>")
	if y.S.Empty() {
		t.Error("it is empty behind a put")
	}
	if v, err := y.S.Get(t.Context()); v != int64(7) || err != nil {
		t.Error(v, err)
	}
	p.Send("sget")
	if err := y.S.Put(t.Context(), []any{true}); err != nil {
		t.Error(err)
	}
	p.Expect("[true], <nil>")
	s, err := queue.NewSimple[string]()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	_, err = s.Get(t.Context())
	for _, err := range []error{err, s.Put(t.Context(), ""), s.Close()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	}
}
