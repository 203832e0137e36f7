package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

var _ = proctest.Register("queue worker", func(args []string) int {
	var q queue.JoinableQueue[string]
	if err := q.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	x, err := q.Get(context.Background())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	proctest.Say(x.Value)
	proctest.Hear()
	return 0
})

// A task whose worker is killed goes to somebody who waits, marked; also when the queue is shut down and all else is done.
func TestWorkerDies(t *testing.T) {
	q := newJoinable(t, queue.JoinableConfig[string]{})
	text, err := q.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, shut := range []bool{false, true} {
		if err := q.TryPut("work"); err != nil {
			t.Fatal(err)
		}
		p := proctest.Start(t, "queue worker", string(text))
		p.Expect("work")
		if shut {
			q.Shutdown()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		joined := make(chan error, 1)
		go func() { joined <- q.Join(ctx) }()
		got := make(chan queue.Task[string], 1)
		go func() {
			x, err := q.Get(ctx)
			if err != nil {
				t.Error(err)
			}
			got <- x
		}()
		select {
		case <-got:
			t.Fatal("a living worker's task was handed on, or the stream ended before it")
		case <-time.After(100 * time.Millisecond):
		}
		p.Kill()
		x := <-got
		if x.Value != "work" || x.Attempt != 2 {
			t.Errorf("%+v", x)
		}
		if err := x.Done(); err != nil {
			t.Error(err)
		}
		if err := <-joined; err != nil {
			t.Error(err)
		}
	}
	if s := q.Stats(); s.Redelivered != 2 {
		t.Errorf("%+v", s)
	}
}

// The file system is full in the middle of a stream: who puts gets the error, all that was put is got, and it goes on when there is
// room again.
func TestNoSpace(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("shmkit-test", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("mounting a small tmpfs takes CAP_SYS_ADMIN: ", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	q, err := queue.Config[[]byte]{Cap: 64, Mem: shm.Mem{Dir: dir}}.Create("full")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.Unlink()
	before := queue.Used(q)
	for round := range 3 {
		want := bytes.Repeat([]byte{byte(round + 1)}, 200_000)
		n := 0
		for err = nil; err == nil; n++ {
			err = q.TryPut(want)
		}
		if n--; !errors.Is(err, syscall.ENOSPC) || n < 5 {
			t.Fatalf("put %d: %v", n, err)
		}
		if s := q.Stats(); s.Writing != 0 || q.Len() != n {
			t.Errorf("%+v", s)
		}
		if err := q.TryPut([]byte("short")); err != nil {
			t.Errorf("what needs no memory: %v", err)
		}
		for range n {
			if b, err := q.TryGet(); err != nil || !bytes.Equal(b, want) {
				t.Error(len(b), err)
			}
		}
		if b, err := q.TryGet(); string(b) != "short" || err != nil {
			t.Error(b, err)
		}
		if after := queue.Used(q); after != before {
			t.Errorf("%d bytes in use, and %d before", after, before)
		}
	}
}

// A file that was cut short is an error of who reads the message, and the next one is good.
func TestTruncatedTail(t *testing.T) {
	q, err := queue.Config[string]{Cap: 4}.Create("cut")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.Unlink()
	if err := errors.Join(q.TryPut(string(make([]byte, 10_000))), q.TryPut("next")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Truncate(os.Getenv("SHMKIT_DIR")+"/cut", int64(4096+(len(q.Payload())+4095)&^4095)); err != nil {
		t.Fatal(err)
	}
	if _, err := q.TryGet(); !errors.Is(err, queue.ErrMessage) {
		t.Error(err)
	}
	if s, err := q.TryGet(); s != "next" || err != nil {
		t.Error(s, err)
	}
	long := string(bytes.Repeat([]byte("x"), 10_000))
	if err := q.TryPut(long); err != nil {
		t.Error(err)
	}
	if s, err := q.TryGet(); s != long || err != nil {
		t.Error(len(s), err)
	}
}
