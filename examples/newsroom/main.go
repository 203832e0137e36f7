// Newsroom publishes headlines to three processes, each of which hears all of them: nobody takes them from the others, as with a
// queue. One comes late and asks for what is still there, and one is killed in the middle, which holds nobody up.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/ringbuf"
)

type args struct {
	News *ringbuf.Broadcast[[]byte]
	From ringbuf.From
	Stop int // after so many it stands still, and holds its place
}

var reader = process.Register("reader", func(ctx context.Context, a args) error {
	s, err := a.News.Subscribe(a.From)
	if err != nil {
		return err
	}
	heard, first := 0, ""
	for m, err := range s.All(ctx) { // until Shutdown
		if err != nil {
			return err
		}
		if heard++; heard == 1 {
			first = string(m)
		}
		if heard == a.Stop {
			<-ctx.Done()
		}
	}
	fmt.Printf("%s: %d headlines, the first is %q\n", process.Current().Name, heard, first)
	return nil
})

func main() {
	process.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	news, err := ringbuf.NewBroadcast[[]byte](4096) // the publisher waits for slow readers; with Overrun it would not
	if err != nil {
		return err
	}
	defer news.Close()
	p, err := news.Publisher()
	if err != nil {
		return err
	}
	var readers []*process.Process
	start := func(name string, a args) error {
		c := reader.Command(ctx, a)
		c.Name = name
		readers = append(readers, c)
		if err := c.Start(); err != nil {
			return err
		}
		for news.Stats().Subscribers < len(readers) { // who subscribes later hears less
			time.Sleep(time.Millisecond)
		}
		return nil
	}
	publish := func(from, to int) error {
		for n := from; n <= to; n++ {
			if err := p.Put(ctx, fmt.Appendf(nil, "headline %d", n)); err != nil {
				return err
			}
		}
		return nil
	}
	steps := []func() error{
		func() error { return start("early", args{News: news}) },
		func() error { return start("stuck", args{News: news, Stop: 5}) },
		func() error { return publish(1, 10) },
		func() error { return start("late", args{News: news, From: ringbuf.Oldest}) },
		func() error { return readers[1].Kill() },
		func() error { return publish(11, 1000) }, // more than there is room for, and the dead one has not read it
		news.Shutdown,
		func() error { return readers[0].Join(ctx) },
		func() error { return readers[2].Join(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	fmt.Println("the publisher was held up by", news.Stats().Buried, "that was dead")
	_ = readers[1].Join(ctx) // killed: an *ExitError, as it was meant
	return nil
}
