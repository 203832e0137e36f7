package queue

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
)

// Stats are a queue's counters since it was made, over all that use it, and its state at about this moment.
type Stats struct {
	Put, Got    uint64 // items put, and taken; one that is delivered once more was got once
	Skipped     uint64 // puts that came to nothing, because their process died or gave them up
	Redelivered uint64 // items that had been in the hands of a process that died

	PutWaits, GetWaits uint64 // how often a call found the queue full, or empty
	PutParks, GetParks uint64 // how often it slept for that
	PutWakes, GetWakes uint64 // how often a put woke a consumer, a get a producer

	// Of queues whose items are encoded, and of tasks:
	Failed  uint64 // tasks that were failed
	Buried  uint64 // tasks that went to the dead-letter queue
	Garbled uint64 // messages that could not be read, and were dropped

	Ready    int // items that nobody has taken
	Returned int // items that somebody had taken, and that nobody has now
	Leased   int // items that are in hand
	Writing  int // items that are being put
	Free     int // places for more
}

func (b *body[T]) stats() (s Stats) {
	if b.ring == nil {
		return b.desk.census()
	}
	r := b.ring.Stats()
	return Stats{
		Put: r.Put, Got: r.Got, Skipped: r.Skipped, Redelivered: r.Redelivered,
		PutWaits: r.PutWaits, GetWaits: r.GetWaits, PutParks: r.PutParks, GetParks: r.GetParks,
		PutWakes: r.PutWakes, GetWakes: r.GetWakes,
		Ready: int(r.Put - r.Got), Writing: r.Writing, Leased: r.Reading,
	}
}

func (d *desk) census() (s Stats) {
	o := d.order.Counts()
	s = Stats{
		Put: o.Put, Got: o.Got, Skipped: o.Skipped,
		PutWaits: o.PutWaits, GetWaits: o.GetWaits, PutParks: o.PutParks, GetParks: o.GetParks,
		PutWakes: o.PutWakes, GetWakes: o.GetWakes,
	}
	_ = d.r.protect(func() error {
		c := d.r.ctl
		s.Redelivered, s.Failed = atomic.LoadUint64(&c.Redelivered), atomic.LoadUint64(&c.Failed)
		s.Buried, s.Garbled = atomic.LoadUint64(&c.Buried), atomic.LoadUint64(&c.Garbled)
		for i := range d.r.N {
			switch atomic.LoadUint64(&d.r.cell(i).Word) & abi.CellState {
			case abi.CellFree:
				s.Free++
			case abi.CellWriting:
				s.Writing++
			case abi.CellReady:
				s.Ready++
			case abi.CellLeased:
				s.Leased++
			case abi.CellReturned:
				s.Returned++
			}
		}
		return nil
	})
	return s
}
