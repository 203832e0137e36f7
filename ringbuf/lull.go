package ringbuf

// maxLull is about 2 µs. Longer ones let the ring run full.
const maxLull = 64

// A slot of a line or more is handed over for itself, and the consumer's CPU, which fetches ahead, takes some from under the producer
// at the end of each run. Where slots are as wide as that runs are to be long.
const (
	wide    = 64          // bytes
	maxWide = 4 * maxLull // as maxLull
)

// A consumer that finds one item at each look may be the one who is asked and answers, or may itself be what makes its producer
// so slow that there is never more. So once in tryEvery such looks it keeps off for as long as it may; when that brings more, it goes on so.
const tryEvery = 1024

// grain is how many bytes of slots count as one item for nextLull: what takes longer to write is to be left alone for longer. But
// fewer than aRun may be all that was asked for, and who asked waits: they count as they are, whatever their width.
const (
	grain = 16
	aRun  = 8
)

// nextLull is how long to keep off the line that the others write to, in pauses, after a lull in which n items came: longer
// while more come than it has pauses, up to most, for then one look brings many. full says that the ring runs full meanwhile.
func nextLull(lull uint32, n uint64, full bool, most uint32) uint32 {
	switch {
	case full:
		return lull / 2
	case n > uint64(max(lull, 1)):
		return min(max(2*lull, 1), most)
	case n <= uint64(lull/2):
		return lull / 2
	}
	return lull
}

// adapt is nextLull for a ring with one producer, of which n items, or bytes of messages, have come since it was empty.
func adapt(lull uint32, r *ring, n uint64) uint32 {
	full := n >= r.room/2
	if r.bytes {
		n /= 64
	}
	return nextLull(lull, n, full, maxLull)
}

// keepOff is nextLull for a ring of many, whose consumer has found nothing at x.
func (s *seat) keepOff(x uint64) uint32 {
	r := s.r
	n, most, short := r.items(s.dry.Load(), x), uint32(maxLull), uint64(1)
	if r.stride >= wide {
		most, short = maxWide, aRun-1
	}
	weight := n
	if n >= aRun {
		weight = n * r.stride / grain
	}
	lull := nextLull(s.lull.Load(), weight, n >= r.cap/2, most)
	if n <= 1 {
		lull = 0
	}
	if n <= short && s.singles.Add(1)%tryEvery == 0 {
		lull = most
	}
	s.lull.Store(lull)
	s.dry.Store(x)
	return lull
}
