package cases

import (
	"strconv"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/ringbuf"
)

// kibi is an item of 1 KiB.
type kibi [128]uint64

// wide is an item of several words.
type wide interface{ line | kibi }

// crowdPut puts items that differ in each word.
func crowdPut[T wide](w *lab.Worker) error {
	r, err := openCrowd[T](w)
	if err != nil {
		return err
	}
	for i := uint64(0); ; i++ {
		var v T
		for k := range len(v) {
			v[k] = i
		}
		if err := r.Put(ctx, v); err != nil {
			return err
		}
	}
}

// crowdGet looks at each word of what it gets.
func crowdGet[T wide](w *lab.Worker) error {
	r, err := openCrowd[T](w)
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
			for k := range len(v) {
				sum ^= v[k]
			}
		}
		sink = sum
		w.Add(burst)
	}
}

var (
	crowdPut64  = lab.NewRole("mpmc.put.64B", crowdPut[line])
	crowdGet64  = lab.NewRole("mpmc.get.64B", crowdGet[line])
	crowdPutKiB = lab.NewRole("mpmc.put.1KiB", crowdPut[kibi])
	crowdGetKiB = lab.NewRole("mpmc.get.1KiB", crowdGet[kibi])
)

// crowdPutBytes and crowdGetBytes do it with messages.
var crowdPutBytes = lab.NewRole("mpmc.put.bytes", func(w *lab.Worker) error {
	r, err := openCrowd[[]byte](w)
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

var crowdGetBytes = lab.NewRole("mpmc.get.bytes", func(w *lab.Worker) error {
	r, err := openCrowd[[]byte](w)
	if err != nil {
		return err
	}
	for b := make([]byte, 0, r.MaxMessage()); ; {
		if b, err = ringbuf.GetBytes(ctx, r, b[:0]); err != nil {
			return err
		}
		sink += uint64(b[0])
		w.Add(1)
	}
})

// shareMail gives the workers a ring of messages of one size.
func shareMail(size int) func(s *lab.Stage) error {
	return func(s *lab.Stage) error {
		r, err := ringbuf.MPMCConfig[[]byte]{Cap: ringCap * size, MaxMessage: size}.New()
		if err := give(s, r, err); err != nil {
			return err
		}
		s.Text(strconv.Itoa(size))
		return nil
	}
}

// crowdGroup is a throughput group of a ring of many.
func crowdGroup(name string, size int, asked bool, channel lab.Role, cs ...lab.Case) {
	lab.Register(lab.Group{
		Name: name, Kind: lab.Messages, Cases: cs, Asked: asked,
		Rivals: append(kernelStreams(size), inOneProcess("channel", channel)),
	})
}

func init() {
	mail := func(name string, size int) lab.Case {
		return lab.Case{Name: name + "/bytes", Subject: lab.Procs{Label: ours, Share: shareMail(size), Roles: []lab.Role{crowdGetBytes, crowdPutBytes}}}
	}
	crowdGroup("mpmc/64B", 64, true, channel64,
		ourCase("mpmc/64B", shareCrowd[line](ringCap), crowdGet64, crowdPut64), mail("mpmc/64B", 64))
	crowdGroup("mpmc/1KiB", 1<<10, true, channelKiB,
		ourCase("mpmc/1KiB", shareCrowd[kibi](ringCap), crowdGetKiB, crowdPutKiB), mail("mpmc/1KiB", 1<<10))
}
