package queue_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/queue"
)

// What users of Python's queues suffer from, and is not so here.

// There is no thread to join at exit, and nothing that waits to be flushed: what a process has put is there, however much it is, when the
// process has gone at once. In Python it waits at its exit until all above 64 KiB is drained, and with cancel_join_thread loses it.
func TestPythonJoinBeforeDraining(t *testing.T) {
	y := newSnake(t)
	p := snakePeer(t, y)
	for n := range snakeCap {
		snakeTell(t, p, fmt.Sprintf("put %d MiB", n+1), "<nil>")
	}
	p.Send("exit")
	if code := p.Wait(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	for n := range snakeCap {
		b, err := y.B.TryGet()
		if err != nil || len(b) != (n+1)<<20 || b[0] != byte(n+1) || b[len(b)-1] != byte(n+1) {
			t.Errorf("message %d: %d bytes, %v", n, len(b), err)
		}
	}
}

// A writer that is killed leaves half a frame in Python's pipe, and then get_nowait waits for the rest for ever. Here TryGet returns, and what
// it returns is whole.
func TestPythonHalfAFrame(t *testing.T) {
	y := newSnake(t)
	for range 8 {
		p := snakePeer(t, y)
		p.Send("puts for ever")
		p.Expect("begins")
		got := make(chan error, 1)
		dead := make(chan struct{})
		go func() {
			for {
				select {
				case <-dead:
					got <- nil
					return
				default:
				}
				if b, err := y.B.TryGet(); err != queue.ErrEmpty && (err != nil || len(b) != 3<<20 || bytes.Count(b, []byte("x")) != len(b)) {
					got <- fmt.Errorf("%d bytes, %v", len(b), err)
					return
				}
			}
		}()
		time.Sleep(time.Duration(rand.IntN(10_000)) * time.Microsecond)
		p.Kill()
		close(dead)
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
	for {
		b, err := y.B.TryGet()
		if err == queue.ErrEmpty {
			break
		}
		if err != nil || len(b) != 3<<20 {
			t.Fatal(len(b), err)
		}
	}
	if err := y.B.TryPut([]byte("x")); err != nil {
		t.Error(err)
	}
}

// A reader that is killed as it waits takes Python's lock along: all others wait for ever.
func TestPythonReaderKilled(t *testing.T) {
	y := newSnake(t)
	victim, other := snakePeer(t, y), snakePeer(t, y)
	snakeTell(t, victim, "waits", "asleep")
	victim.Kill()
	other.Send("get")
	if err := y.Q.Put(snakeLimit(t), 1); err != nil {
		t.Fatal(err)
	}
	other.Expect("1, <nil>")
}

// Python's multiprocessing queues have no shutdown. Here it ends the stream for all, and what was put before is drained.
func TestPythonShutdown(t *testing.T) {
	y := newSnake(t)
	p, waits := snakePeer(t, y), snakePeer(t, y)
	snakeTell(t, p, "put", "<nil>")
	snakeTell(t, p, "shutdown", "<nil>")
	snakeTell(t, p, "try put", io.ErrClosedPipe.Error())
	if v, err := y.Q.Get(t.Context()); v != "from the peer" || err != nil {
		t.Error(v, err)
	}
	snakeTell(t, waits, "get", "<nil>, EOF")
}

// A Queue is shared by inheritance alone in Python, and cannot be sent: RuntimeError. Here a handle is text, and travels in messages.
func TestPythonQueueInAQueue(t *testing.T) {
	type parcel struct {
		Name string
		Back *queue.Queue[any]
	}
	y := newSnake(t)
	q, err := queue.New[parcel](2)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.TryPut(parcel{"lily", y.Q}); err != nil {
		t.Fatal(err)
	}
	got, err := q.TryGet()
	if err != nil || got.Name != "lily" {
		t.Fatal(got.Name, err)
	}
	defer got.Back.Close()
	if err := got.Back.TryPut(5); err != nil {
		t.Error(err)
	}
	p := snakePeer(t, y)
	snakeTell(t, p, "get", "5, <nil>")
	snakeTell(t, p, "sends a queue", "<nil>")
	text, err := y.B.TryGet()
	if err != nil {
		t.Fatal(err)
	}
	theirs := new(queue.Queue[any])
	if err := theirs.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	snakeTell(t, p, "put", "<nil>")
	if v, err := theirs.TryGet(); v != "from the peer" || err != nil {
		t.Error(v, err)
	}
}

// What cannot be decoded raises in Python's get, or, in a pool, kills the thread that reads. Here the get names the queue, and the next one
// goes on with the next.
func TestPythonCannotBeLoaded(t *testing.T) {
	out, err := queue.Config[any]{Cap: 8}.Create("snake.any")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer out.Unlink()
	in, err := queue.Open[map[string]int]("snake.any")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, v := range []any{map[string]any{"a": 1}, "no map", map[string]any{"a": "no number"}, map[string]any{"b": 2}} {
		if err := out.TryPut(v); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	for range 4 {
		m, err := in.TryGet()
		if err != nil && (!errors.Is(err, queue.ErrMessage) || !strings.Contains(err.Error(), "snake.any")) {
			t.Error(err)
		}
		seen = append(seen, fmt.Sprint(m, err == nil))
	}
	if d := cmp.Diff([]string{"map[a:1] true", "map[] false", "map[] false", "map[b:2] true"}, seen); d != "" {
		t.Error(d)
	}
}

// A worker that dies before task_done: Python's join never returns, and has no timeout. Here the task goes to another one, marked.
func TestPythonWorkerKilled(t *testing.T) {
	y := newSnake(t)
	victim, other := snakePeer(t, y), snakePeer(t, y)
	if err := y.J.TryPut("work"); err != nil {
		t.Fatal(err)
	}
	snakeTell(t, victim, "task", "work, attempt 1, <nil>")
	other.Send("task") // waits
	joined := make(chan error, 1)
	go func() { joined <- y.J.Join(snakeLimit(t)) }()
	victim.Kill()
	other.Expect("work, attempt 2, <nil>")
	snakeTell(t, other, "done", "<nil>")
	if err := <-joined; err != nil {
		t.Error(err)
	}
}
