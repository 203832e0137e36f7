package cases

import "github.com/shmkit/shmkit/cmd/shmkit/internal/lab"

// line is an item of 64 bytes.
type line [8]uint64

// total looks at all of it.
func (l *line) total() (sum uint64) {
	for _, x := range l {
		sum ^= x
	}
	return sum
}

var put64 = lab.NewRole("spsc.put.64B", func(w *lab.Worker) error {
	p, err := producer[line](w, 0)
	if err != nil {
		return err
	}
	for i := uint64(0); ; i++ {
		if err := p.Put(ctx, line{i, i, i, i, i, i, i, i}); err != nil {
			return err
		}
	}
})

var get64 = lab.NewRole("spsc.get.64B", func(w *lab.Worker) error {
	c, err := consumer[line](w, 0)
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
			sum += v.total()
		}
		sink = sum
		w.Add(burst)
	}
})

var commit64 = lab.NewRole("spsc.commit.64B", func(w *lab.Worker) error {
	p, err := producer[line](w, 0)
	if err != nil {
		return err
	}
	for i := uint64(0); ; {
		slots, err := p.Reserve(ctx, run)
		if err != nil {
			return err
		}
		for k := range slots {
			slots[k] = line{i, i, i, i, i, i, i, i}
			i++
			p.Commit(1)
		}
	}
})

var release64 = lab.NewRole("spsc.release.64B", func(w *lab.Worker) error {
	c, err := consumer[line](w, 0)
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
			sum += slots[k].total()
			c.Release(1)
		}
		sink = sum
		w.Add(uint64(len(slots)))
	}
})

func init() {
	way := func(name string, sink, source lab.Role) lab.Case {
		return lab.Case{Name: name, Subject: lab.Procs{
			Label: ours, Share: shareRings[line](1, ringCap), Roles: []lab.Role{sink, source},
		}}
	}
	streamGroup("spsc/64B", 64,
		way("spsc/64B", get64, put64),
		way("spsc/64B/inplace", release64, commit64))
}
