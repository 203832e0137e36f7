// Sentinel has a creator send names to a consumer through a ring, and -1 behind the last, as the tutorials do; and
// then does without the sentinel, by Shutdown.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/ringbuf"
)

const sentinel = -1

type args struct {
	Ring     *ringbuf.SPSC[int64]
	Sentinel bool
}

var creator = process.Register("creator", func(ctx context.Context, a args) error {
	p, err := a.Ring.Producer()
	if err != nil {
		return err
	}
	for n := range int64(4) {
		if err := p.Put(ctx, 5*(n+1)); err != nil {
			return err
		}
	}
	if a.Sentinel {
		return p.Put(ctx, sentinel)
	}
	return a.Ring.Shutdown()
})

var consumer = process.Register("consumer", func(ctx context.Context, a args) error {
	c, err := a.Ring.Consumer()
	if err != nil {
		return err
	}
	for n, err := range c.All(ctx) { // ends with the stream, if that has an end
		if err != nil {
			return err
		}
		if n == sentinel {
			fmt.Println("the sentinel")
			return nil
		}
		fmt.Println("got", n)
	}
	fmt.Println("the end")
	return nil
})

func main() {
	process.Main()
	for _, sentinel := range []bool{true, false} {
		if err := run(context.Background(), sentinel); err != nil {
			log.Fatal(err)
		}
	}
}

func run(ctx context.Context, sentinel bool) error {
	ring, err := ringbuf.NewSPSC[int64](16)
	if err != nil {
		return err
	}
	defer ring.Close()
	made, err := creator.Start(ctx, args{ring, sentinel})
	if err != nil {
		return err
	}
	used, err := consumer.Start(ctx, args{ring, sentinel})
	if err != nil {
		return err
	}
	if err := made.Join(ctx); err != nil {
		return err
	}
	return used.Join(ctx)
}
