package cases

import (
	"slices"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// batch is how many items a call of the batch cases puts or takes at most.
const batch = 32

// shareCrowd gives the workers one ring of many.
func shareCrowd[T any](capacity int) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		r, err := ringbuf.NewMPMC[T](capacity)
		return give(s, r, err)
	}
}

// openCrowd opens the ring of a worker.
func openCrowd[T any](w *lab.Worker) (*ringbuf.MPMC[T], error) {
	r := new(ringbuf.MPMC[T])
	return r, take(w, 0, r)
}

// crowdPut8 puts; crowdPutting8 counts as well, which those who take do otherwise.
var (
	crowdPut8     = lab.NewRole("mpmc.put.8B", func(w *lab.Worker) error { return putting8(w, func(uint64) {}) })
	crowdPutting8 = lab.NewRole("mpmc.putting.8B", func(w *lab.Worker) error { return putting8(w, w.Add) })
)

func putting8(w *lab.Worker, count func(uint64)) error {
	r, err := openCrowd[uint64](w)
	if err != nil {
		return err
	}
	for i := uint64(0); ; {
		for range burst {
			if err := r.Put(ctx, i); err != nil {
				return err
			}
			i++
		}
		count(burst)
	}
}

var crowdGet8 = lab.NewRole("mpmc.get.8B", func(w *lab.Worker) error {
	r, err := openCrowd[uint64](w)
	if err != nil {
		return err
	}
	for {
		var sum uint64
		for range burst {
			v, err := r.Get(ctx)
			if err != nil {
				return err
			}
			sum += v
		}
		sink = sum
		w.Add(burst)
	}
})

var crowdPutBatch8 = lab.NewRole("mpmc.put-batch.8B", func(w *lab.Worker) error {
	r, err := openCrowd[uint64](w)
	if err != nil {
		return err
	}
	vs := make([]uint64, batch)
	for i := uint64(0); ; {
		for k := range vs {
			vs[k] = i
			i++
		}
		for left := vs; len(left) > 0; {
			n, err := r.PutBatch(ctx, left)
			if err != nil {
				return err
			}
			left = left[n:]
		}
	}
})

var crowdGetBatch8 = lab.NewRole("mpmc.get-batch.8B", func(w *lab.Worker) error {
	r, err := openCrowd[uint64](w)
	if err != nil {
		return err
	}
	dst := make([]uint64, batch)
	for {
		n, err := r.GetBatch(ctx, dst)
		if err != nil {
			return err
		}
		var sum uint64
		for _, v := range dst[:n] {
			sum += v
		}
		sink = sum
		w.Add(uint64(n))
	}
})

func init() {
	way := func(name string, roles ...lab.Role) lab.Case {
		return lab.Case{Name: name, Subject: lab.Procs{Label: ours, Share: shareCrowd[uint64](ringCap), Roles: roles}}
	}
	crowdGroup("mpmc/8B", 8, false, channel8,
		way("mpmc/8B", crowdGet8, crowdPut8),
		way("mpmc/8B/batch32", crowdGetBatch8, crowdPutBatch8))
	crowdGroup("mpmc/8B/2x2", 8, false, channel8x2, way("mpmc/8B/2x2", crowdGet8, crowdGet8, crowdPut8, crowdPut8))
	askFor(lab.Crowds, way("mpmc/8B/8x8", slices.Concat(slices.Repeat([]lab.Role{crowdGet8}, 8), slices.Repeat([]lab.Role{crowdPutting8}, 8))...))
}
