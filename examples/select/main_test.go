package main

import (
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
	// Output: 1000 from the other process, 10 from a goroutine
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

func TestNoSuchRing(t *testing.T) {
	if err := work("nonsense"); err == nil {
		t.Error("a worker without a ring")
	}
}
