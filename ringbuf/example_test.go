package ringbuf_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/shmkit/shmkit/ringbuf"
)

// ends makes a ring and claims both of its ends, which are two processes' elsewhere.
func ends[T any](capacity int) (*ringbuf.SPSC[T], *ringbuf.Producer[T], *ringbuf.Consumer[T]) {
	r, err := ringbuf.NewSPSC[T](capacity)
	if err != nil {
		log.Fatal(err)
	}
	p, err := r.Producer()
	if err != nil {
		log.Fatal(err)
	}
	c, err := r.Consumer()
	if err != nil {
		log.Fatal(err)
	}
	return r, p, c
}

// One process puts, another takes, until the producer ends the stream.
func Example() {
	type Trade struct {
		ID    int64
		Price float64
	}
	ctx := context.Background()
	r, err := ringbuf.OpenOrCreateSPSC[Trade]("example.trades", 1024)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink() // only in an example: a name should outlive its users

	p, err := r.Producer() // in the one process
	if err != nil {
		log.Fatal(err)
	}
	for i := range 3 {
		if err := p.Put(ctx, Trade{int64(i), 9.5}); err != nil {
			log.Fatal(err)
		}
	}
	if err := r.Shutdown(); err != nil {
		log.Fatal(err)
	}

	c, err := r.Consumer() // in the other one
	if err != nil {
		log.Fatal(err)
	}
	for t, err := range c.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(t.ID, t.Price)
	}
	// Output:
	// 0 9.5
	// 1 9.5
	// 2 9.5
}

// In place, and each item published at once: Commit and Release are inlined.
func ExampleProducer_Reserve() {
	r, p, c := ends[int64](64)
	defer r.Close()
	ctx := context.Background()

	run, err := p.Reserve(ctx, 10)
	if err != nil {
		log.Fatal(err)
	}
	for k := range run {
		run[k] = int64(k) * int64(k)
		p.Commit(1) // or once behind the loop: Commit(len(run))
	}

	got, err := c.Next(ctx, 10)
	if err != nil {
		log.Fatal(err)
	}
	sum := int64(0)
	for k := range got {
		sum += got[k]
		c.Release(1) // what is not released comes again, to another process if this one dies
	}
	fmt.Println(len(run), sum, r.Len())
	// Output: 10 285 0
}

// A ring of []byte holds messages of any length, written where the consumer will read them.
func ExampleReserveBytes() {
	r, p, c := ends[[]byte](4096)
	defer r.Close()
	ctx := context.Background()

	m, err := ringbuf.ReserveBytes(ctx, p, 5)
	if err != nil {
		log.Fatal(err)
	}
	copy(m, "hello")
	p.Commit(1)
	if err := p.Put(ctx, []byte("world")); err != nil {
		log.Fatal(err)
	}

	for r.Len() > 0 {
		m, err := c.Get(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m)
	}
	// Output:
	// hello
	// world
}

// A ring in a select, beside whatever else the program waits for.
func ExampleConsumer_Notify() {
	r, p, c := ends[int64](64)
	defer r.Close()
	ready := make(chan struct{}, 1)
	stop := c.Notify(ready)
	defer stop()
	go func() {
		for i := range int64(100) {
			if p.Put(context.Background(), i) != nil {
				return
			}
		}
		_ = r.Shutdown()
	}()

	n, ctx := 0, context.Background()
	for ended := false; !ended; {
		select {
		case <-ready:
			for {
				_, err := c.TryGet()
				if err == ringbuf.ErrEmpty {
					break // the next token comes with the next item
				}
				if err != nil {
					ended = err == io.EOF
					break
				}
				n++
			}
		case <-ctx.Done():
			return
		}
	}
	fmt.Println(n, "items")
	// Output: 100 items
}

// A handle is text: a flag, the environment, JSON take it to the process that is to have the other end.
func ExampleSPSC_UnmarshalText() {
	r, err := ringbuf.NewSPSC[int64](16)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	text, err := r.MarshalText()
	if err != nil {
		log.Fatal(err)
	}

	var there ringbuf.SPSC[int64]
	if err := there.UnmarshalText(text); err != nil {
		log.Fatal(err)
	}
	defer there.Close()
	fmt.Println(there.Cap(), there.Len())
	// Output: 16 0
}
