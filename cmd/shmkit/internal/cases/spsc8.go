package cases

import "github.com/shmkit/shmkit/cmd/shmkit/internal/lab"

// ringCap is the capacity of rings of small items, and run is how many of them
// are reserved or looked at together.
const (
	ringCap = 1024
	run     = 64
)

var put8 = lab.NewRole("spsc.put.8B", func(w *lab.Worker) error {
	p, err := producer[uint64](w, 0)
	if err != nil {
		return err
	}
	for i := uint64(0); ; i++ {
		if err := p.Put(ctx, i); err != nil {
			return err
		}
	}
})

var get8 = lab.NewRole("spsc.get.8B", func(w *lab.Worker) error {
	c, err := consumer[uint64](w, 0)
	if err != nil {
		return err
	}
	for {
		var sum uint64
		for range burst {
			v, err := c.Get(ctx)
			if err != nil {
				return err
			}
			sum += v
		}
		sink = sum
		w.Add(burst)
	}
})

// Each item is published and handed back by itself.
var commit8 = lab.NewRole("spsc.commit.8B", func(w *lab.Worker) error {
	p, err := producer[uint64](w, 0)
	if err != nil {
		return err
	}
	for i := uint64(0); ; {
		slots, err := p.Reserve(ctx, run)
		if err != nil {
			return err
		}
		for k := range slots {
			slots[k] = i
			i++
			p.Commit(1)
		}
	}
})

var release8 = lab.NewRole("spsc.release.8B", func(w *lab.Worker) error {
	c, err := consumer[uint64](w, 0)
	if err != nil {
		return err
	}
	for {
		slots, err := c.Next(ctx, run)
		if err != nil {
			return err
		}
		var sum uint64
		for k := range slots {
			sum += slots[k]
			c.Release(1)
		}
		sink = sum
		w.Add(uint64(len(slots)))
	}
})

// A whole run is published and handed back at once.
var commitRun8 = lab.NewRole("spsc.commit-run.8B", func(w *lab.Worker) error {
	p, err := producer[uint64](w, 0)
	if err != nil {
		return err
	}
	for i := uint64(0); ; {
		slots, err := p.Reserve(ctx, run)
		if err != nil {
			return err
		}
		for k := range slots {
			slots[k] = i
			i++
		}
		p.Commit(len(slots))
	}
})

var releaseRun8 = lab.NewRole("spsc.release-run.8B", func(w *lab.Worker) error {
	c, err := consumer[uint64](w, 0)
	if err != nil {
		return err
	}
	for {
		slots, err := c.Next(ctx, run)
		if err != nil {
			return err
		}
		var sum uint64
		for _, v := range slots {
			sum += v
		}
		sink = sum
		c.Release(len(slots))
		w.Add(uint64(len(slots)))
	}
})

func init() {
	way := func(name string, sink, source lab.Role) lab.Case {
		return lab.Case{Name: name, Subject: lab.Procs{
			Label: ours, Share: shareRings[uint64](1, ringCap), Roles: []lab.Role{sink, source},
		}}
	}
	streamGroup("spsc/8B", 8,
		way("spsc/8B", get8, put8),
		way("spsc/8B/inplace", release8, commit8),
		way("spsc/8B/batch64", releaseRun8, commitRun8))
}
