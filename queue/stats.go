package queue

// Stats are a queue's counters since it was made, over all that use it, and its state at about this moment.
type Stats struct {
	Put, Got    uint64 // items put, and taken; one that is delivered once more was got once
	Skipped     uint64 // puts that came to nothing, because their process died or gave them up
	Redelivered uint64 // items that had been in the hands of a process that died

	PutWaits, GetWaits uint64 // how often a call found the queue full, or empty
	PutParks, GetParks uint64 // how often it slept for that
	PutWakes, GetWakes uint64 // how often a put woke a consumer, a get a producer
}

func (b *body[T]) stats() Stats {
	s := b.ring.Stats()
	return Stats{
		Put: s.Put, Got: s.Got, Skipped: s.Skipped, Redelivered: s.Redelivered,
		PutWaits: s.PutWaits, GetWaits: s.GetWaits, PutParks: s.PutParks, GetParks: s.GetParks,
		PutWakes: s.PutWakes, GetWakes: s.GetWakes,
	}
}
