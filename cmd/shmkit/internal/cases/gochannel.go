package cases

import "github.com/shmkit/shmkit/cmd/shmkit/internal/lab"

// throughChannel sends items of T through a Go channel, from so many goroutines to as many, in one process that may run
// on as many CPUs as the others have together.
func throughChannel[T any](name string, sides int) lab.Role {
	return lab.NewRole(name, func(w *lab.Worker) error {
		if err := lab.Roam(2); err != nil {
			return err
		}
		c := make(chan T, ringCap)
		bursts := make(chan struct{}, 1)
		for range sides {
			go func() {
				for {
					var v T
					c <- v
				}
			}()
			go func() {
				for {
					for range burst * 8 {
						<-c
					}
					bursts <- struct{}{}
				}
			}()
		}
		for range bursts {
			w.Add(burst * 8)
		}
		return nil
	})
}

var (
	channel8   = throughChannel[uint64]("channel.8B", 1)
	channel64  = throughChannel[line]("channel.64B", 1)
	channelKiB = throughChannel[kibi]("channel.1KiB", 1)
	channel8x2 = throughChannel[uint64]("channel.8B.2x2", 2)
)
