package queue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// With the guard armed around each call all is as it is without.
func TestGuarded(t *testing.T) {
	mem := shm.Mem{Guard: true}
	q, err := queue.Config[string]{Cap: 4, Mem: mem}.Create("guarded")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.Unlink()
	long := strings.Repeat("x", 5000)
	if err := errors.Join(q.TryPut("a"), q.TryPut(long)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a", long} {
		if s, err := q.Get(t.Context()); s != want || err != nil {
			t.Error(len(s), err)
		}
	}
	j, err := queue.JoinableConfig[int]{Mem: mem}.Create("guarded.tasks")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	defer j.Unlink()
	if err := j.TryPut(5); err != nil {
		t.Fatal(err)
	}
	x := must[queue.Task[int]](t)(j.Get(t.Context()))
	x.Fail()
	x = must[queue.Task[int]](t)(j.Get(t.Context()))
	if err := x.Done(); err != nil || x.Value != 5 || x.Attempt != 2 {
		t.Error(x, err)
	}
	if err := j.Join(t.Context()); err != nil {
		t.Error(err)
	}
}
