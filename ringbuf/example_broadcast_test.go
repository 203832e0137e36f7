package ringbuf_test

import (
	"context"
	"fmt"

	"github.com/shmkit/shmkit/ringbuf"
)

// A ticker that many read: each subscriber sees every price, and one that comes late begins with the oldest that is
// still there.
func ExampleBroadcast() {
	ctx := context.Background()
	b, err := ringbuf.NewBroadcast[float64](16)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	p, err := b.Publisher()
	if err != nil {
		fmt.Println(err)
		return
	}
	early, _ := b.Subscribe(ringbuf.Latest)
	for _, price := range []float64{1.5, 1.25, 1.75} {
		if err := p.Put(ctx, price); err != nil {
			fmt.Println(err)
		}
	}
	late, _ := b.Subscribe(ringbuf.Oldest)
	later, _ := b.Subscribe(ringbuf.Latest)
	p.Put(ctx, 2)
	b.Shutdown()
	for _, s := range []*ringbuf.Subscriber[float64]{early, late, later} {
		var heard []float64
		for price, err := range s.All(ctx) {
			if err != nil {
				fmt.Println(err)
				return
			}
			heard = append(heard, price)
		}
		fmt.Println(heard)
	}
	// Output:
	// [1.5 1.25 1.75 2]
	// [1.5 1.25 1.75 2]
	// [2]
}

// A publisher that waits for nobody: who is too slow hears how much it has missed, and goes on.
func ExampleBroadcastConfig() {
	b, err := ringbuf.BroadcastConfig[int]{Cap: 4, Overrun: true}.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	p, _ := b.Publisher()
	s, _ := b.Subscribe(ringbuf.Latest)
	for i := range 10 {
		p.TryPut(i)
	}
	for {
		v, err := s.TryGet()
		if missed, ok := err.(*ringbuf.MissedError); ok {
			fmt.Println("missed", missed.N)
			continue
		}
		if err != nil {
			break // ErrEmpty
		}
		fmt.Println(v)
	}
	// Output:
	// missed 6
	// 6
	// 7
	// 8
	// 9
}
