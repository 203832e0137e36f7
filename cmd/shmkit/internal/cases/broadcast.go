package cases

import (
	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// castCap is the capacity of a broadcast. With three readers on two CPUs one of them is not running: what the others read
// meanwhile has to be there.
const castCap = 64 << 10

// shareCast gives the workers one broadcast.
func shareCast(overrun bool) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		b, err := ringbuf.BroadcastConfig[uint64]{Cap: castCap, Overrun: overrun}.New()
		return give(s, b, err)
	}
}

var publish8 = lab.NewRole("broadcast.put.8B", func(w *lab.Worker) error {
	b := new(ringbuf.Broadcast[uint64])
	if err := take(w, 0, b); err != nil {
		return err
	}
	p, err := b.Publisher()
	if err != nil {
		return err
	}
	for i := uint64(0); ; {
		for range burst {
			if err := p.Put(ctx, i); err != nil {
				return err
			}
			i++
		}
		w.Add(burst)
	}
})

// listen takes runs, and counts nothing: it is the publisher's speed that is measured.
var listen8 = lab.NewRole("broadcast.get.8B", func(w *lab.Worker) error {
	b := new(ringbuf.Broadcast[uint64])
	if err := take(w, 0, b); err != nil {
		return err
	}
	s, err := b.Subscribe(ringbuf.Latest)
	if err != nil {
		return err
	}
	dst := make([]uint64, run)
	for {
		n, err := s.GetBatch(ctx, dst)
		if _, missed := err.(*ringbuf.MissedError); err != nil && !missed {
			return err
		}
		var sum uint64
		for _, v := range dst[:n] {
			sum += v
		}
		sink = sum
	}
})

func init() {
	for _, mode := range []struct {
		name    string
		overrun bool
	}{{"broadcast/8B", false}, {"broadcast/8B/overrun", true}} {
		way := func(name string, roles ...lab.Role) lab.Case {
			return lab.Case{Name: mode.name + name, Subject: lab.Procs{Label: ours, Share: shareCast(mode.overrun), Roles: roles}}
		}
		streamGroup(mode.name, 8,
			way("", publish8, listen8),
			way("/3readers", publish8, listen8, listen8, listen8))
	}
}
