package cases

import (
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// A round trip: worker 0 asks through ring 0, worker 1 answers through ring 1.
// Put copies from a side's own memory and Get into it, as a pipe does.

var (
	ping8  = lab.NewRole("spsc.ping.8B", func(w *lab.Worker) error { return ping(w, uint64(1)) })
	pong8  = lab.NewRole("spsc.pong.8B", func(w *lab.Worker) error { return pong[uint64](w) })
	ping64 = lab.NewRole("spsc.ping.64B", func(w *lab.Worker) error { return ping(w, line{1}) })
	pong64 = lab.NewRole("spsc.pong.64B", func(w *lab.Worker) error { return pong[line](w) })
)

// how is the text that says how to wait; the rings' handles come before it.
func how(w *lab.Worker) string { return w.Texts[2] }

var (
	pingMessage = lab.NewRole("bytes.ping", func(w *lab.Worker) error { return ping(w, make([]byte, w.Int(3))) })
	pongMessage = lab.NewRole("bytes.pong", func(w *lab.Worker) error { return pong[[]byte](w) })
)

func ping[T any](w *lab.Worker, v T) error {
	p, c, err := ways[T](w, 0, 1)
	if err != nil {
		return err
	}
	company(how(w))
	if how(w) != busy {
		return w.RoundTrips(func() error {
			if err := p.Put(ctx, v); err != nil {
				return err
			}
			v, err = c.Get(ctx)
			return err
		})
	}
	return w.RoundTrips(func() error {
		if err := tryPut(p, v); err != nil {
			return err
		}
		v, err = tryGet(c)
		return err
	})
}

func pong[T any](w *lab.Worker) error {
	p, c, err := ways[T](w, 1, 0)
	if err != nil {
		return err
	}
	company(how(w))
	for how(w) != busy {
		v, err := c.Get(ctx)
		if err != nil {
			return err
		}
		if err := p.Put(ctx, v); err != nil {
			return err
		}
	}
	for {
		v, err := tryGet(c)
		if err != nil {
			return err
		}
		if err := tryPut(p, v); err != nil {
			return err
		}
	}
}

// tryPut tries until there is room.
func tryPut[T any](p *ringbuf.Producer[T], v T) error {
	for {
		if err := p.TryPut(v); err != ringbuf.ErrFull {
			return err
		}
	}
}

// tryGet tries until there is an item.
func tryGet[T any](c *ringbuf.Consumer[T]) (T, error) {
	for {
		if v, err := c.TryGet(); err != ringbuf.ErrEmpty {
			return v, err
		}
	}
}

func init() {
	echoGroup("spsc/8B/rtt/"+crowded, 8, crowded, lab.Procs{
		Label: ours, Share: shareEcho[uint64](ringCap, crowded, 8), Roles: []lab.Role{ping8, pong8},
	})
	for _, h := range []string{busy, blocking} {
		echoGroup("spsc/8B/rtt/"+h, 8, h, lab.Procs{
			Label: ours, Share: shareEcho[uint64](ringCap, h, 8), Roles: []lab.Role{ping8, pong8},
		})
		echoGroup("spsc/64B/rtt/"+h, 64, h, lab.Procs{
			Label: ours, Share: shareEcho[line](ringCap, h, 64), Roles: []lab.Role{ping64, pong64},
		})
		for _, m := range messageSizes {
			if !m.echoed {
				continue
			}
			echoGroup("bytes/"+m.name+"/rtt/"+h, m.size, h, lab.Procs{
				Label: ours, Share: shareEcho[[]byte](m.capacity, h, m.size), Roles: []lab.Role{pingMessage, pongMessage},
			})
		}
	}
}

// shareEcho makes the two rings, and says how to wait and how large a message
// is.
func shareEcho[T any](capacity int, how string, size int) func(*lab.Stage) error {
	return func(s *lab.Stage) error {
		err := shareRings[T](2, capacity)(s)
		s.Text(how, strconv.Itoa(size))
		return err
	}
}
