package cases

import (
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// messageSizes are the sizes of messages, with the capacity of a ring for them.
var messageSizes = []struct {
	name           string
	size, capacity int
	echoed         bool // smaller ones go round as items
}{
	{"64B", 64, 256 << 10, false},
	{"1KiB", 1 << 10, 1 << 20, true},
	{"64KiB", 64 << 10, 4 << 20, true},
	{"1MiB", 1 << 20, 8 << 20, true},
}

var putBytes = lab.NewRole("bytes.put", func(w *lab.Worker) error {
	p, err := producer[[]byte](w, 0)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(1))
	for i := byte(0); ; i++ {
		b[0] = i
		if err := p.Put(ctx, b); err != nil {
			return err
		}
	}
})

var getBytes = lab.NewRole("bytes.get", func(w *lab.Worker) error {
	c, err := consumer[[]byte](w, 0)
	if err != nil {
		return err
	}
	for {
		b, err := c.Get(ctx)
		if err != nil {
			return err
		}
		sink += uint64(b[0])
		w.Add(1)
	}
})

var reserveBytes = lab.NewRole("bytes.reserve", func(w *lab.Worker) error {
	p, err := producer[[]byte](w, 0)
	if err != nil {
		return err
	}
	b := make([]byte, w.Int(1))
	for i := byte(0); ; i++ {
		b[0] = i
		if err := send(p, b); err != nil {
			return err
		}
	}
})

// nextBytes copies each message out, as a program does that keeps it.
var nextBytes = lab.NewRole("bytes.next", func(w *lab.Worker) error {
	c, err := consumer[[]byte](w, 0)
	if err != nil {
		return err
	}
	for b := make([]byte, w.Int(1)); ; {
		messages, err := c.Next(ctx, run)
		if err != nil {
			return err
		}
		for _, m := range messages {
			copy(b, m)
			c.Release(1)
		}
		w.Add(uint64(len(messages)))
	}
})

// send writes a message where it will be read.
func send(p *ringbuf.Producer[[]byte], b []byte) error {
	room, err := ringbuf.ReserveBytes(ctx, p, len(b))
	if err != nil {
		return err
	}
	copy(room, b)
	p.Commit(1)
	return nil
}

func init() {
	for _, m := range messageSizes {
		share := func(s *lab.Stage) error {
			err := shareRings[[]byte](1, m.capacity)(s)
			s.Text(strconv.Itoa(m.size))
			return err
		}
		streamGroup("bytes/"+m.name, m.size,
			lab.Case{Name: "bytes/" + m.name, Subject: lab.Procs{Label: ours, Share: share, Roles: []lab.Role{getBytes, putBytes}}},
			lab.Case{Name: "bytes/" + m.name + "/inplace", Subject: lab.Procs{Label: ours, Share: share, Roles: []lab.Role{nextBytes, reserveBytes}}})
	}
}
