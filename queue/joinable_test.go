package queue_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

var _ object = (*queue.JoinableQueue[int])(nil)

func newJoinable[T any](t *testing.T, c queue.JoinableConfig[T]) *queue.JoinableQueue[T] {
	t.Helper()
	q, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTasks(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[int]{Cap: 4})
	ctx := t.Context()
	for n := range 4 {
		if err := q.Put(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.TryPut(4); err != queue.ErrFull || q.Unfinished() != 4 || q.Len() != 4 {
		t.Error(err, q.Unfinished(), q.Len())
	}
	a, b := must[queue.Task[int]](t)(q.Get(ctx)), must[queue.Task[int]](t)(q.TryGet())
	if a.Value != 0 || a.Attempt != 1 || b.Value != 1 || q.Unfinished() != 4 || q.Len() != 2 {
		t.Errorf("%+v, %+v, %d, %d", a, b, q.Unfinished(), q.Len())
	}
	if err := a.Done(); err != nil {
		t.Error(err)
	}
	if err := a.Done(); err == nil || !strings.Contains(err.Error(), "before") {
		t.Errorf("done twice: %v", err)
	}
	a.Fail()
	b.Fail()
	b.Fail()
	if err := b.Done(); err == nil {
		t.Error("done after it failed")
	}
	if q.Unfinished() != 3 || q.Len() != 3 {
		t.Error(q.Unfinished(), q.Len())
	}
	c := must[queue.Task[int]](t)(q.Get(ctx))
	if c.Value != 1 || c.Attempt != 2 {
		t.Errorf("%+v", c)
	}
	c.Fail()
	// One that always fails does not keep the others away.
	d := must[queue.Task[int]](t)(q.Get(ctx))
	e := must[queue.Task[int]](t)(q.Get(ctx))
	f := must[queue.Task[int]](t)(q.Get(ctx))
	if got := []int{d.Value, e.Value, f.Value}; !slices.Equal(got, []int{2, 1, 3}) {
		t.Error(got)
	}
	if _, err := q.TryGet(); err != queue.ErrEmpty {
		t.Error(err)
	}
	joined := make(chan error, 1)
	go func() { joined <- q.Join(ctx) }()
	for _, x := range []queue.Task[int]{d, e, f} {
		select {
		case err := <-joined:
			t.Fatalf("joined with %d unfinished: %v", q.Unfinished(), err)
		case <-time.After(10 * time.Millisecond):
		}
		if err := x.Done(); err != nil {
			t.Error(err)
		}
	}
	if err := <-joined; err != nil {
		t.Error(err)
	}
	if err := q.Join(ctx); err != nil {
		t.Error(err)
	}
	if s := q.Stats(); s.Failed != 2 || s.Leased != 0 {
		t.Errorf("%+v", s)
	}
}

func TestJoinEnds(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[string]{})
	if err := q.TryPut("x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := q.Join(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	joined := make(chan error, 1)
	go func() { joined <- q.Join(t.Context()) }()
	time.Sleep(10 * time.Millisecond)
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if err := <-joined; err != os.ErrClosed {
		t.Error(err)
	}
	var zero queue.Task[int]
	zero.Fail()
	if err := zero.Done(); err != os.ErrClosed {
		t.Error(err)
	}
}

// Close gives back what its handle had taken, and nothing else.
func TestCloseGivesBack(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[int]{})
	c := q.Clone()
	for n := range 3 {
		if err := q.TryPut(n); err != nil {
			t.Fatal(err)
		}
	}
	mine := must[queue.Task[int]](t)(q.TryGet())
	theirs := must[queue.Task[int]](t)(c.TryGet())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Done(); err == nil {
		t.Error("done through a closed handle")
	}
	got := must[queue.Task[int]](t)(q.TryGet())
	if got.Value != 1 || got.Attempt != 2 {
		t.Errorf("%+v", got)
	}
	for _, x := range []queue.Task[int]{mine, got} {
		if err := x.Done(); err != nil {
			t.Error(err)
		}
	}
}

// After Shutdown a queue with nothing but what this process has in hand is at its end; and again when that is failed.
func TestJoinableShutdown(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[int]{})
	for n := range 2 {
		if err := q.TryPut(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := q.TryPut(3); err != io.ErrClosedPipe {
		t.Error(err)
	}
	n := 0
	for x, err := range q.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			x.Fail()
		} else if err := x.Done(); err != nil {
			t.Error(err)
		}
	}
	if n != 3 || q.Unfinished() != 0 {
		t.Errorf("%d tasks, %d unfinished", n, q.Unfinished())
	}
}

func TestDeadLetters(t *testing.T) {
	c := queue.JoinableConfig[string]{Cap: 2, MaxAttempts: 2, Dead: "dead"}
	q := newJoinable(t, c)
	dead, err := queue.Open[string]("dead")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	defer dead.Unlink()
	if err := errors.Join(q.TryPut("bad"), q.TryPut("good")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x := must[queue.Task[string]](t)(q.Get(t.Context()))
		if x.Value != "bad" {
			if err := x.Done(); err != nil {
				t.Error(err)
			}
			x = must[queue.Task[string]](t)(q.Get(t.Context()))
		}
		x.Fail()
	}
	if x, err := q.TryGet(); err != nil || x.Value != "good" {
		if err != queue.ErrEmpty {
			t.Error(x, err)
		}
	} else if err := x.Done(); err != nil {
		t.Error(err)
	}
	if _, err := q.TryGet(); err != queue.ErrEmpty {
		t.Error(err)
	}
	if v, err := dead.TryGet(); v != "bad" || err != nil {
		t.Error(v, err)
	}
	if s := q.Stats(); s.Buried != 1 || q.Unfinished() != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := (queue.JoinableConfig[string]{MaxAttempts: 2}).New(); err == nil {
		t.Error("nowhere to go")
	}
	n, err := c.Create("with.dead")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	defer n.Unlink()
	var m *shm.MismatchError
	if _, err := (queue.JoinableConfig[string]{Dead: "other"}).Open("with.dead"); !errors.As(err, &m) || m.What != "dead-letter queue" {
		t.Error(err)
	}
	if _, err := (queue.JoinableConfig[string]{MaxAttempts: 3}).Open("with.dead"); !errors.As(err, &m) || m.What != "attempts" {
		t.Error(err)
	}
	o, err := queue.OpenJoinable[string]("with.dead")
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
}

// While the dead-letter queue is full the task stays.
func TestFullGrave(t *testing.T) {
	dead, err := queue.OpenOrCreate[int]("full.grave", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	defer dead.Unlink()
	q := newJoinable(t, queue.JoinableConfig[int]{MaxAttempts: 1, Dead: "full.grave"})
	if err := errors.Join(dead.TryPut(1), q.TryPut(2)); err != nil {
		t.Fatal(err)
	}
	x := must[queue.Task[int]](t)(q.TryGet())
	x.Fail()
	if _, err := q.TryGet(); err != queue.ErrEmpty || q.Unfinished() != 1 {
		t.Error(err, q.Unfinished())
	}
	if v, err := dead.TryGet(); v != 1 || err != nil {
		t.Error(v, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := make(chan error, 1)
	go func() { _, err := q.Get(ctx); got <- err }()
	if v, err := dead.Get(ctx); v != 2 || err != nil {
		t.Error(v, err)
	}
	if err := q.Join(ctx); err != nil {
		t.Error(err)
		t.Logf("%+v", q.Stats())
	}
	cancel()
	if err := <-got; err != context.Canceled {
		t.Error(err)
	}
}

// Many goroutines, each task failed now and then and put anew by another one: Join does not return before the last one is done.
func TestTaskTree(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[int]{Cap: 4096})
	const depth = 9
	var mu sync.Mutex
	done := 0
	if err := q.TryPut(depth); err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for i := range 4 {
		workers.Go(func() {
			for x, err := range q.All(t.Context()) {
				if err != nil {
					t.Error(err)
					return
				}
				if x.Attempt == 1 && (x.Value+i)%3 == 0 {
					x.Fail()
					continue
				}
				for range 2 {
					if x.Value > 0 {
						if err := q.Put(t.Context(), x.Value-1); err != nil {
							t.Error(err)
						}
					}
				}
				mu.Lock()
				done++
				mu.Unlock()
				if err := x.Done(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := q.Join(t.Context()); err != nil {
		t.Error(err)
	}
	mu.Lock()
	if done != 1<<(depth+1)-1 {
		t.Errorf("joined behind %d of %d tasks", done, 1<<(depth+1)-1)
	}
	mu.Unlock()
	q.Shutdown()
	workers.Wait()
}
