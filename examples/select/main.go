// Select waits for another process and for its own goroutines at once: Notify joins a ring to a Go
// select.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"

	"github.com/shmkit/shmkit/ringbuf"
)

const remote, local = 1000, 10

func main() {
	log.SetFlags(0)
	var err error
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		err = work(os.Args[2])
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
	worker, err := start(r)
	if err != nil {
		return err
	}

	ready := make(chan struct{}, 1)
	stop := c.Notify(ready)
	defer stop()
	ours := make(chan int)
	go func() {
		defer close(ours)
		for i := range local {
			ours <- i
		}
	}()
	fromWorker, fromGoroutine := 0, 0
	for ready != nil || ours != nil {
		select {
		case <-ready: // a hint, as of signal.Notify: take until there is nothing left
			n, err := drain(c)
			fromWorker += n
			if err == io.EOF {
				ready = nil
			} else if err != ringbuf.ErrEmpty {
				return err
			}
		case _, ok := <-ours:
			if ok {
				fromGoroutine++
			} else {
				ours = nil
			}
		}
	}
	fmt.Printf("%d from the other process, %d from a goroutine\n", fromWorker, fromGoroutine)
	return worker.Wait()
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

// start starts the worker. The ring has no name: its handle goes as an argument.
func start(r *ringbuf.SPSC[int64]) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	handle, err := r.MarshalText()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "worker", string(handle))
	cmd.Stderr = os.Stderr
	return cmd, cmd.Start()
}

func work(handle string) error {
	var r ringbuf.SPSC[int64]
	if err := r.UnmarshalText([]byte(handle)); err != nil {
		return err
	}
	defer r.Close()
	p, err := r.Producer()
	if err != nil {
		return err
	}
	for i := range int64(remote) {
		if err := p.Put(context.Background(), i); err != nil {
			return err
		}
	}
	return r.Shutdown()
}
