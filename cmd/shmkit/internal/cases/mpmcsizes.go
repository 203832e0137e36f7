package cases

import "github.com/shmkit/shmkit/cmd/shmkit/internal/lab"

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

// crowdGroup is a throughput group of a ring of many.
func crowdGroup(name string, size int, asked bool, channel lab.Role, cs ...lab.Case) {
	lab.Register(lab.Group{
		Name: name, Kind: lab.Messages, Cases: cs, Asked: asked,
		Rivals: append(kernelStreams(size), inOneProcess("channel", channel)),
	})
}

func init() {
	crowdGroup("mpmc/64B", 64, true, channel64, ourCase("mpmc/64B", shareCrowd[line](ringCap), crowdGet64, crowdPut64))
	// mpmc/1KiB, without items, is of messages.
	crowdGroup("mpmc/1KiB-items", 1<<10, true, channelKiB, ourCase("mpmc/1KiB-items", shareCrowd[kibi](ringCap), crowdGetKiB, crowdPutKiB))
}
