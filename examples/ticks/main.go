// Ticks sends prices from one process to another, through a ring that has a name. Start the two in
// either order, in two terminals:
//
//	go run ./examples/ticks produce
//	go run ./examples/ticks consume
//
// Without an argument it starts the producer itself and consumes. Kill either at any moment and start it
// again: it goes on where the dead one has stopped.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"

	"github.com/shmkit/shmkit/ringbuf"
)

// Tick is plain data: it lies in the ring as it lies here.
type Tick struct {
	Seq   uint64
	Price float64
}

const (
	name  = "example.ticks"
	ticks = 1_000_000
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, role()); err != nil {
		log.Fatal(err)
	}
}

// role is the argument, if it is one of ours.
func role() string {
	if len(os.Args) == 2 {
		return os.Args[1]
	}
	return ""
}

func run(ctx context.Context, w io.Writer, role string) error {
	switch role {
	case "produce":
		return produce(ctx)
	case "consume":
		return consume(ctx, w)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	producer := exec.CommandContext(ctx, self, "produce")
	producer.Stderr = os.Stderr
	if err := producer.Start(); err != nil {
		return err
	}
	if err := consume(ctx, w); err != nil {
		return err
	}
	return producer.Wait()
}

// produce sends what a producer before it has not sent yet: the ring remembers how much that was.
func produce(ctx context.Context) error {
	r, err := ringbuf.OpenOrCreateSPSC[Tick](name, 4096)
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := r.Producer()
	if err != nil {
		return err
	}
	for seq := r.Stats().Put + 1; seq <= ticks; seq++ {
		if err := p.Put(ctx, Tick{seq, 100 + float64(seq%50)/100}); err != nil {
			return err
		}
	}
	return r.Shutdown() // the stream is finite: the consumer gets all of it, then io.EOF
}

// consume takes until the end. It removes the name then: the ring has served.
func consume(ctx context.Context, w io.Writer) error {
	r, err := ringbuf.OpenOrCreateSPSC[Tick](name, 4096)
	if err != nil {
		return err
	}
	defer r.Close()
	c, err := r.Consumer()
	if err != nil {
		return err
	}
	missing, high := uint64(0), 0.0
	next := r.Stats().Got + 1
	for t, err := range c.All(ctx) {
		if err != nil {
			return err
		}
		missing += t.Seq - next
		next = t.Seq + 1
		high = max(high, t.Price)
	}
	fmt.Fprintf(w, "%d ticks, %d missing, the highest %.2f\n", next-1, missing, high)
	return r.Unlink()
}
