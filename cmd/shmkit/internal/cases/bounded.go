package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/sem"
)

// permitted is a number that whoever has the one permit may touch.
type permitted struct {
	Permit sem.BoundedSemaphore
	_      [128]byte
	N      uint64
}

var boundedPair = lab.NewRole("bounded.pair", func(w *lab.Worker) error {
	p, err := takeVar[permitted](w)
	if err != nil {
		return err
	}
	for {
		for range few {
			if err := p.Permit.Acquire(ctx); err != nil {
				return err
			}
			p.N++
			if err := p.Permit.Release(); err != nil {
				return err
			}
		}
		w.Add(few)
	}
})

// channelPair keeps its permit in a channel, as a program of one process does.
var channelPair = lab.NewRole("bounded.channel", func(w *lab.Worker) error {
	n := uint64(0)
	for c := make(chan struct{}, 1); ; sink = n {
		for range few {
			c <- struct{}{}
			n++
			<-c
		}
		w.Add(few)
	}
})

func init() {
	share := shareVar(func(p *permitted) { p.Permit.Init(1) })
	askFor(lab.Cost, ourCase("bounded/pair", share, boundedPair), inOneProcess("channel", channelPair))
	askFor(lab.Operations, ourCase("bounded/contended", share, boundedPair, boundedPair))
}
