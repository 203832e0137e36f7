package queue_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/queue"
)

// A worker that waits for long is woken again and again for what others have taken first: that is no sign of a scribble.
func TestFlowInVain(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[int]{Cap: 1})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() { _, err := q.Get(ctx); got <- err }()
	for range 1<<16 + 1000 {
		if len(got) > 0 {
			break
		}
		q.Cry()
	}
	cancel()
	if err := <-got; err != context.Canceled {
		t.Error(err)
	}
}

// While tasks come and go Join looks a few times, and keeps to its context.
func TestFlowJoin(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[int64]{Cap: 1 << 16})
	if err := q.TryPut(1); err != nil {
		t.Fatal(err)
	}
	x := must[queue.Task[int64]](t)(q.TryGet())
	words := q.Words()
	last := len(words) - 1
	for *words[last]&7 != 0 {
		last--
	}
	var stop atomic.Bool
	var flow sync.WaitGroup
	flow.Go(func() {
		for !stop.Load() {
			atomic.AddUint64(words[last], 1<<32) // a task that is put and done
		}
	})
	defer flow.Wait()
	defer stop.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	joined := make(chan error, 1)
	go func() { joined <- q.Join(ctx) }()
	time.Sleep(10 * time.Millisecond)
	if err := x.Done(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-joined:
		if err != nil && err != context.DeadlineExceeded {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Join does not end with its context")
		stop.Store(true)
		<-joined
	}
}

const gone = 0x155_5555 // a process that is not

// What a dead worker had comes again though there is always another task to get.
func TestFlowStarves(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[string]{Cap: 4})
	if err := q.TryPut("work"); err != nil {
		t.Fatal(err)
	}
	must[queue.Task[string]](t)(q.TryGet())
	q.Bury(gone)
	n := 0
	for end := time.Now().Add(20 * time.Second); ; n++ {
		for q.TryPut("other") == nil {
		}
		x := must[queue.Task[string]](t)(q.Get(t.Context()))
		if err := x.Done(); err != nil {
			t.Fatal(err)
		}
		if x.Value == "work" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a dead worker's task has not come among %d others: %+v", n, q.Stats())
		}
	}
	for q.Len() > 0 {
		x := must[queue.Task[string]](t)(q.Get(t.Context()))
		if err := x.Done(); err != nil {
			t.Fatal(err)
		}
	}
}

// A producer that waits for a place looks for what the dead have left, for whoever gets next.
func TestFlowProducerLooks(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[string]{Cap: 1})
	if err := q.TryPut("work"); err != nil {
		t.Fatal(err)
	}
	must[queue.Task[string]](t)(q.TryGet())
	if err := q.TryPut("next"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	put := make(chan error, 1)
	go func() { put <- q.Put(ctx, "more") }()
	time.Sleep(50 * time.Millisecond) // it sleeps, most likely
	q.Bury(gone)
	for end := time.Now().Add(20 * time.Second); q.Stats().Redelivered == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nobody has looked: %+v", q.Stats())
		}
	}
	cancel()
	if err := <-put; err != context.Canceled {
		t.Error(err)
	}
}
