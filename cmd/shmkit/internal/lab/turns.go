package lab

import "time"

// Turns takes a lock, holds it for some time, gives it back and keeps off it
// for as long, for ever. How long it has been waiting is on the page all the
// while, so that whoever never gets it is seen.
func (w *Worker) Turns(held time.Duration, take, give func() error) error {
	phase, since, longest := w.page.phase(), w.page.since(w.index), w.page.longest(w.index)
	base, epoch := monotonic(), time.Now()
	var worst time.Duration
	for t := time.Duration(1); ; {
		since.Store(base + uint64(t))
		if err := take(); err != nil {
			return err
		}
		got := time.Since(epoch)
		if got-t > worst && phase.Load() == measuring {
			worst = got - t
			longest.Store(uint64(worst))
		}
		since.Store(0)
		until(epoch, got+held)
		if err := give(); err != nil {
			return err
		}
		w.Add(1)
		t = until(epoch, time.Since(epoch)+held)
	}
}

// until spins until so much time has passed since epoch, and says how much has.
func until(epoch time.Time, end time.Duration) time.Duration {
	for {
		if t := time.Since(epoch); t >= end {
			return t
		}
	}
}
