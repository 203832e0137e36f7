// Select waits in one Go select for all that can come: what another process puts into a ring, the tokens of a
// semaphore and the event that it sets, its exit, and a channel of its own.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

const remote, tokens, local = 1000, 100, 10

// board is what both processes see beside the ring.
type board struct {
	Done  sem.Semaphore // a token for each job that is done
	Ended sem.Event
}

func main() {
	log.SetFlags(0)
	var err error
	if len(os.Args) == 4 && os.Args[1] == "worker" {
		err = work(os.Args[2], os.Args[3])
	} else {
		err = serve()
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	r, err := ringbuf.NewSPSC[int64](64)
	if err != nil {
		return err
	}
	defer r.Close()
	c, err := r.Consumer()
	if err != nil {
		return err
	}
	b, err := shm.New[board]()
	if err != nil {
		return err
	}
	defer b.Close()
	exit, err := start(r, b)
	if err != nil {
		return err
	}
	s, err := collect(c, b.Ptr(), exit, numbers())
	if err != nil {
		return err
	}
	fmt.Printf("from the other process: %d items, %d tokens, ended: %v\n", s.items, s.tokens, s.ended)
	fmt.Printf("from a goroutine: %d\n", s.local)
	return nil
}

// sums is what has come.
type sums struct {
	items, tokens, local int
	ended                bool
}

// collect takes from all five until each has had its last. A channel that is over becomes nil, which select
// passes by.
func collect(c *ringbuf.Consumer[int64], b *board, exit <-chan error, ours <-chan int) (s sums, err error) {
	// Notify sends hints, as package signal does: each channel needs room for one.
	items, done, ended := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	defer c.Notify(items)()
	defer b.Done.Notify(done)()
	defer b.Ended.Notify(ended)()
	for items != nil || done != nil || ended != nil || exit != nil || ours != nil {
		select {
		case <-items: // take until there is nothing left
			n, err := drain(c)
			s.items += n
			if err == io.EOF {
				items = nil
			} else if err != ringbuf.ErrEmpty {
				return s, err
			}
		case <-done: // the same
			for b.Done.TryAcquire() {
				s.tokens++
			}
			if s.tokens == tokens {
				done = nil
			}
		case <-ended:
			s.ended, ended = true, nil
		case err := <-exit:
			if err != nil {
				return s, fmt.Errorf("the worker has died: %w", err) // what it has not sent will not come
			}
			exit = nil
		case _, ok := <-ours:
			if ok {
				s.local++
			} else {
				ours = nil
			}
		}
	}
	return s, nil
}

// drain takes until ErrEmpty, or io.EOF.
func drain(c *ringbuf.Consumer[int64]) (n int, err error) {
	for {
		if _, err := c.TryGet(); err != nil {
			return n, err
		}
		n++
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

// start starts the worker, and gives a channel that tells of its exit. Neither ring nor board has a name:
// their handles go as arguments.
func start(r *ringbuf.SPSC[int64], b *shm.Var[board]) (exit <-chan error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ring, err := r.MarshalText()
	if err != nil {
		return nil, err
	}
	seen, err := b.MarshalText()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "worker", string(ring), string(seen))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := make(chan error, 1)
	go func() { c <- cmd.Wait() }()
	return c, nil
}

// work puts items, with a token for each tenth.
func work(ring, seen string) error {
	var r ringbuf.SPSC[int64]
	if err := r.UnmarshalText([]byte(ring)); err != nil {
		return err
	}
	defer r.Close()
	var v shm.Var[board]
	if err := v.UnmarshalText([]byte(seen)); err != nil {
		return err
	}
	defer v.Close()
	p, err := r.Producer()
	if err != nil {
		return err
	}
	for i := range int64(remote) {
		if err := p.Put(context.Background(), i); err != nil {
			return err
		}
		if i%(remote/tokens) == 0 {
			if err := v.Ptr().Done.Release(1); err != nil {
				return err
			}
		}
	}
	v.Ptr().Ended.Set()
	return r.Shutdown()
}
