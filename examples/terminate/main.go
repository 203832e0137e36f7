// Terminate has a writer and a reader that never end by themselves. The parent ends the writer politely and kills
// the reader in the midst of its work; the ring between them stays whole, and the parent takes what is left.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"syscall"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

type args struct {
	Ring *ringbuf.SPSC[int64]
	Busy *shm.Var[sem.Event] // the reader has begun
}

var writer = process.Register("writer", func(ctx context.Context, a args) error {
	p, err := a.Ring.Producer()
	if err != nil {
		return err
	}
	for n := int64(0); ctx.Err() == nil; n++ {
		if err := p.Put(ctx, n); err != nil {
			break // it was asked to end
		}
	}
	return a.Ring.Shutdown()
})

var reader = process.Register("reader", func(ctx context.Context, a args) error {
	c, err := a.Ring.Consumer()
	if err != nil {
		return err
	}
	for n := range c.All(ctx) {
		if n == 10_000 {
			a.Busy.Ptr().Set()
		}
	}
	return nil
})

func main() {
	process.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	ring, err := ringbuf.NewSPSC[int64](256)
	if err != nil {
		return err
	}
	defer ring.Close()
	busy, err := shm.New[sem.Event]()
	if err != nil {
		return err
	}
	defer busy.Close()
	life, end := context.WithCancel(ctx)
	defer end()
	w, err := writer.Start(life, args{ring, busy})
	if err != nil {
		return err
	}
	r, err := reader.Start(ctx, args{ring, busy})
	if err != nil {
		return err
	}
	if err := busy.Ptr().Wait(ctx); err != nil {
		return err
	}
	if err := r.Kill(); err != nil {
		return err
	}
	var exit *process.ExitError
	if errors.As(r.Join(ctx), &exit) {
		fmt.Println("reader: signal", exit.Signal == syscall.SIGKILL)
	}
	end() // the writer's context ends with this one
	fmt.Println("writer:", w.Join(ctx))
	return drain(ctx, ring)
}

// drain takes over the dead reader's end.
func drain(ctx context.Context, ring *ringbuf.SPSC[int64]) error {
	c, err := ring.Consumer()
	if err != nil {
		return err
	}
	last, gaps, left := int64(-1), 0, 0
	for n, err := range c.All(ctx) {
		if err != nil {
			return err
		}
		if last >= 0 && n != last+1 {
			gaps++
		}
		last = n
		left++
	}
	fmt.Printf("left in the ring: %d messages, %d gaps\n", left, gaps)
	return nil
}
