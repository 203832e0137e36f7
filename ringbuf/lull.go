package ringbuf

// maxLull is about 2 µs. Longer ones let the ring run full.
const maxLull = 64

// A consumer that finds one item at each look may be the one who is asked and answers, or may itself be what makes its producer
// so slow that there is never more. So once in tryEvery such looks it keeps off for a while, trial pauses; when that brings more, it goes on so.
const (
	tryEvery = 256
	trial    = 16
)

// nextLull is how long to keep off the line that the others write to, in pauses, after a lull in which n items came: longer
// while more come than it has pauses, for then one look brings many. full says that the ring runs full meanwhile.
func nextLull(lull uint32, n uint64, full bool) uint32 {
	switch {
	case full:
		return lull / 2
	case n > uint64(max(lull, 1)):
		return min(max(2*lull, 1), maxLull)
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
	return nextLull(lull, n, full)
}
