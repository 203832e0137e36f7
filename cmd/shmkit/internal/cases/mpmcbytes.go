package cases

import (
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// shareMail gives the workers n rings of many of messages, for messages of size bytes.
func shareMail(n, size, capacity int) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		for range n {
			r, err := ringbuf.MPMCConfig[[]byte]{Cap: capacity, MaxMessage: max(size, 1<<10)}.New()
			if err := give(s, r, err); err != nil {
				return err
			}
		}
		s.Text(strconv.Itoa(size))
		return nil
	}
}

func openMail(w *lab.Worker, i int) (*ringbuf.MPMC[[]byte], error) {
	r := new(ringbuf.MPMC[[]byte])
	return r, take(w, i, r)
}

var mailPut = lab.NewRole("mpmc.bytes.put", func(w *lab.Worker) error {
	r, err := openMail(w, 0)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(1))
	for i := byte(0); ; i++ {
		b[0] = i
		if err := r.Put(ctx, b); err != nil {
			return err
		}
	}
})

var mailGet = lab.NewRole("mpmc.bytes.get", func(w *lab.Worker) error {
	r, err := openMail(w, 0)
	if err != nil {
		return err
	}
	for b := make([]byte, w.Int(1)); ; {
		if b, err = ringbuf.GetBytes(ctx, r, b); err != nil {
			return err
		}
		sink += uint64(b[0])
		w.Add(1)
	}
})

// A round trip of what was written in place, as a frame that a device has filled: the sides pass it on, and look at its ends.

var mailPing = lab.NewRole("mpmc.loan.ping", func(w *lab.Worker) error {
	out, in, n, err := mailWays(w, 0, 1)
	if err != nil {
		return err
	}
	return w.RoundTrips(func() error {
		if err := lend(out, n); err != nil {
			return err
		}
		return look(in)
	})
})

var mailPong = lab.NewRole("mpmc.loan.pong", func(w *lab.Worker) error {
	out, in, n, err := mailWays(w, 1, 0)
	for err == nil {
		if err = look(in); err == nil {
			err = lend(out, n)
		}
	}
	return err
})

func mailWays(w *lab.Worker, to, from int) (out, in *ringbuf.MPMC[[]byte], size int, err error) {
	if out, err = openMail(w, to); err == nil {
		in, err = openMail(w, from)
	}
	return out, in, w.Int(2), err
}

func lend(r *ringbuf.MPMC[[]byte], n int) error {
	s, err := ringbuf.ReserveSlot(ctx, r, n)
	if err != nil {
		return err
	}
	s.B[0], s.B[n-1] = 1, 1
	s.Commit()
	return nil
}

func look(r *ringbuf.MPMC[[]byte]) error {
	x, err := ringbuf.TakeBytes(ctx, r)
	if err != nil {
		return err
	}
	sink += uint64(x.B[0]) + uint64(x.B[len(x.B)-1])
	x.Release()
	return nil
}

func init() {
	for _, m := range messageSizes {
		name := "mpmc/" + m.name
		if m.size <= 64 { // beside mpmc/8B, whose items have a fixed size
			name += "-bytes"
		}
		lab.Register(lab.Group{Name: name, Kind: lab.Messages, Asked: true, Rivals: kernelStreams(m.size), Cases: []lab.Case{
			ourCase(name, shareMail(1, m.size, m.capacity), mailGet, mailPut),
		}})
	}
	loan := func(label string, size int) lab.Subject {
		return lab.Procs{Label: label, Share: shareMail(2, size, 8<<20), Roles: []lab.Role{mailPing, mailPong}}
	}
	lab.Register(lab.Group{
		Name: "mpmc/loan/1MiB", Kind: lab.RoundTrip, Asked: true,
		Cases:  []lab.Case{{Name: "mpmc/loan/1MiB", Subject: loan(ours, 1<<20)}},
		Rivals: []lab.Subject{loan("the same, 64 B", 64)},
	})
}
