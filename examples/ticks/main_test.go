package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/shm/shmtest"
)

// The processes that run and the tests start are this test binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == "produce" || os.Args[1] == "consume") {
		main()
		return
	}
	shmtest.Main(m)
}

func Example() {
	main()
	// Output: 1000000 ticks, 0 missing, the highest 100.49
}

// A producer that is killed, again and again, loses nothing and sends nothing twice.
func TestKilledProducer(t *testing.T) {
	r, err := ringbuf.OpenOrCreateSPSC[Tick](name, 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out strings.Builder
	done := make(chan error, 1)
	go func() { done <- run(t.Context(), &out, "consume") }()
	kills := 0
	for {
		p := exec.Command(os.Args[0], "produce")
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if kills < 5 {
			before := r.Stats().Put
			for end := time.Now().Add(10 * time.Second); r.Stats().Put == before && time.Now().Before(end); {
				time.Sleep(100 * time.Microsecond)
			}
			p.Process.Kill()
			kills++
		}
		if p.Wait() == nil { // it came to the end of the stream
			break
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := "1000000 ticks, 0 missing, the highest 100.49\n"; out.String() != want {
		t.Errorf("%q after %d kills, want %q", out.String(), kills, want)
	}
}

// A context that ends sends both home, and the ring keeps what was in it.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, "produce"); !errors.Is(err, context.Canceled) {
		t.Errorf("produce: %v", err)
	}
	if err := run(ctx, nil, "consume"); !errors.Is(err, context.Canceled) {
		t.Errorf("consume: %v", err)
	}
	if err := shm.Unlink(name); err != nil {
		t.Error(err)
	}
}
