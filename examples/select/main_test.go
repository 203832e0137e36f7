package main

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm/shmtest"
)

// The worker that main starts is this test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main()
		return
	}
	shmtest.Main(m)
}

func Example() {
	main()
	// Output:
	// from the other process: 1000 items, 100 tokens, ended: true
	// from a goroutine: 10
}

func TestDrain(t *testing.T) {
	r, err := ringbuf.NewSPSC[int64](8)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		if err := p.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := drain(c); n != 3 || err != ringbuf.ErrEmpty {
		t.Errorf("%d, %v", n, err)
	}
	if err := r.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if n, err := drain(c); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
}

// A worker that dies is told by its exit, though its ring, its tokens and its event never come to an end.
func TestWorkerDies(t *testing.T) {
	r, err := ringbuf.NewSPSC[int64](8)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	died := errors.New("signal: killed")
	exit := make(chan error, 1)
	exit <- died
	if s, err := collect(c, new(board), exit, numbers()); !errors.Is(err, died) || s.ended {
		t.Errorf("%v, ended %v", err, s.ended)
	}
}

func TestNoSuchRing(t *testing.T) {
	if err := work("nonsense", "nonsense"); err == nil {
		t.Error("a worker without a ring")
	}
}
