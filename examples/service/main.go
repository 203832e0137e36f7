// Service produces ticks until it is asked to end (Ctrl-C, SIGTERM), and then lets its worker finish what there is.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/shmkit/shmkit/examples/service/acme"
	"github.com/shmkit/shmkit/process"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

type args struct {
	Ticks *ringbuf.SPSC[acme.Tick]
	Stats *shm.Var[acme.Stats]
}

var worker = process.Register("worker", func(ctx context.Context, a args) error {
	ticks, err := a.Ticks.Consumer()
	if err != nil {
		return err
	}
	s := a.Stats.Ptr()
	mu := s.Mu.Guard(func() {}) // one number: nothing can be torn
	for _, err := range ticks.All(ctx) {
		if err != nil {
			return err
		}
		mu.Lock()
		s.Hits++
		mu.Unlock()
	}
	return nil
})

func main() {
	process.Main()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	stats, err := acme.StatsVar.OpenOrCreate(acme.StatsName)
	if err != nil {
		return err
	}
	defer stats.Close()
	defer stats.Unlink() // else it would go on counting at the next start
	ring, err := acme.Ticks.New()
	if err != nil {
		return err
	}
	defer ring.Close()
	sent, err := serve(args{ring, stats})
	if err != nil {
		return err
	}
	fmt.Println("all ticks were counted:", stats.Ptr().Hits == sent)
	return nil
}

func serve(a args) (sent int64, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	life, end := context.WithCancel(context.Background()) // not ctx: workers are to finish what there is
	defer end()
	p, err := start(life, a)
	if err != nil {
		return 0, err
	}
	sent, err = produce(ctx, a.Ticks) // until ctx ends
	if err != nil {
		return 0, err
	}
	if err := a.Ticks.Shutdown(); err != nil { // the workers drain the ring, and return
		return 0, err
	}
	limited, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err = p.Join(limited); err == context.DeadlineExceeded {
		end() // it is asked to end, and killed after Grace
		err = p.Join(context.Background())
	}
	return sent, err
}

// start starts the worker so that Ctrl-C, which reaches all processes of the terminal's foreground, does not end it too soon.
func start(life context.Context, a args) (*process.Process, error) {
	p := worker.Command(life, a)
	p.SysProcAttr = ownGroup()
	return p, p.Start()
}

func produce(ctx context.Context, ring *ringbuf.SPSC[acme.Tick]) (n int64, err error) {
	p, err := ring.Producer()
	if err != nil {
		return 0, err
	}
	defer p.Close()
	for ctx.Err() == nil {
		if p.Put(ctx, acme.Tick{At: time.Now().UnixNano(), Price: 100 + n%7}) == nil { // else ctx has ended
			n++
		}
	}
	return n, nil
}
