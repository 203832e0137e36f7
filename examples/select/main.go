// Select waits in one Go select for all that can come: who dials, what they say, what another process puts into a queue, its end,
// and a channel of its own.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/queue"
)

const callers, items, local = 3, 1000, 10

type args struct {
	Name    string // where we listen
	Results *queue.Queue[string]
}

// worker fills the queue and calls in between.
var worker = process.Register("worker", func(ctx context.Context, a args) error {
	for i := range items {
		if err := a.Results.Put(ctx, fmt.Sprint("result ", i)); err != nil {
			return err
		}
		if i%(items/callers) == 0 && i/(items/callers) < callers {
			if err := call(ctx, a.Name, fmt.Sprintf("%d results so far", i)); err != nil {
				return err
			}
		}
	}
	return a.Results.Shutdown()
})

func call(ctx context.Context, name, text string) error {
	c, err := pipe.Dial(ctx, name)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Send(ctx, text)
}

func main() {
	process.Main()
	d, err := open()
	if err != nil {
		log.Fatal(err)
	}
	defer d.close()
	p, err := worker.Start(context.Background(), args{d.listener.Addr().String(), d.results})
	if err != nil {
		log.Fatal(err)
	}
	if err := d.serve(p, numbers()); err != nil {
		log.Fatal(err)
	}
	for _, text := range d.said {
		fmt.Println("a caller:", text)
	}
	fmt.Printf("from the queue: %d, from a goroutine: %d\n", d.items, d.local)
}

// desk is where all comes in, and what has come.
type desk struct {
	listener *pipe.Listener
	results  *queue.Queue[string]
	lines    []*pipe.Conn // open

	said         []string
	items, local int
}

func open() (*desk, error) {
	l, err := pipe.Config{}.Listen(fmt.Sprintf("select.%d", os.Getpid()))
	if err != nil {
		return nil, err
	}
	q, err := queue.New[string](64)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &desk{listener: l, results: q}, nil
}

func (d *desk) close() {
	for _, c := range d.lines {
		c.Close()
	}
	d.results.Close()
	d.listener.Close()
}

// serve takes from all until each has had its last. A channel that is over becomes nil, which select passes by.
func (d *desk) serve(p *process.Process, ours <-chan int) error {
	// Notify sends hints, as package signal does: each channel needs room for one, and who gets one takes all that there is.
	asked, spoken, put := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	defer d.listener.Notify(asked)()
	defer d.results.Notify(put)()
	exit := p.Done()
	for exit != nil || put != nil || len(d.lines) > 0 || ours != nil {
		select {
		case <-asked:
			if err := d.accept(spoken); err != nil {
				return err
			}
		case <-spoken:
			if err := d.hear(); err != nil {
				return err
			}
		case <-put:
			if err := d.drain(); err == io.EOF {
				put = nil
			} else if err != queue.ErrEmpty {
				return err
			}
		case <-exit:
			if err := p.Join(context.Background()); err != nil {
				return err // what it has not sent will not come
			}
			exit = nil
		case _, ok := <-ours:
			if ok {
				d.local++
			} else {
				ours = nil
			}
		}
	}
	return nil
}

// accept takes all who ask now: its context has ended, so it does not wait. One channel serves all lines.
func (d *desk) accept(spoken chan<- struct{}) error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		c, err := d.listener.AcceptContext(now)
		if err == context.Canceled {
			return nil
		}
		if err != nil {
			return err
		}
		c.Notify(spoken) // until it is closed
		d.lines = append(d.lines, c)
	}
}

// hear takes from each line what has come, and hangs up on who has.
func (d *desk) hear() error {
	var open []*pipe.Conn
	for i, c := range d.lines {
		var text string
		err := c.TryRecv(&text)
		for ; err == nil; err = c.TryRecv(&text) {
			d.said = append(d.said, text)
		}
		switch err {
		case pipe.ErrEmpty:
			open = append(open, c)
		case io.EOF:
			c.Close()
		default:
			d.lines = append(open, d.lines[i:]...)
			return err
		}
	}
	d.lines = open
	return nil
}

// drain takes until ErrEmpty, or io.EOF.
func (d *desk) drain() error {
	for {
		if _, err := d.results.TryGet(); err != nil {
			return err
		}
		d.items++
	}
}

// numbers is a channel as any other. It has room for all, so its goroutine ends, whoever listens.
func numbers() <-chan int {
	c := make(chan int, local)
	go func() {
		defer close(c)
		for i := range local {
			c <- i
		}
	}()
	return c
}
