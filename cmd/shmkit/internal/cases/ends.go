package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// shareRings gives the workers n rings, each for one direction.
func shareRings[T any](n, capacity int) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		for range n {
			r, err := ringbuf.NewSPSC[T](capacity)
			if err := give(s, r, err); err != nil {
				return err
			}
		}
		return nil
	}
}

// openRing opens ring i of a worker.
func openRing[T any](w *lab.Worker, i int) (*ringbuf.SPSC[T], error) {
	r := new(ringbuf.SPSC[T])
	return r, take(w, i, r)
}

// producer claims the producer's end of ring i of a worker.
func producer[T any](w *lab.Worker, i int) (*ringbuf.Producer[T], error) {
	r, err := openRing[T](w, i)
	if err != nil {
		return nil, err
	}
	return r.Producer()
}

// consumer claims the other end.
func consumer[T any](w *lab.Worker, i int) (*ringbuf.Consumer[T], error) {
	r, err := openRing[T](w, i)
	if err != nil {
		return nil, err
	}
	return r.Consumer()
}

// ways claims an end of each of two rings, one to ask or answer and one to
// listen: worker 0 asks on ring 0, worker 1 answers on ring 1.
func ways[T any](w *lab.Worker, out, in int) (*ringbuf.Producer[T], *ringbuf.Consumer[T], error) {
	p, err := producer[T](w, out)
	if err != nil {
		return nil, nil, err
	}
	c, err := consumer[T](w, in)
	return p, c, err
}

// sink keeps the compiler from leaving out what nobody looks at.
//
//lint:ignore U1000 it is only written to
var sink uint64
