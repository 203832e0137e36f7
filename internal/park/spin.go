package park

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxSpin is the longest useful spin: about what a sleep and its wake-up cost. A reply that comes later is
// better slept for.
const maxSpin = 50 * time.Microsecond

// retry is how many waits go by before a site that has stopped spinning tries the full length again.
const retry = 64

// Site learns, for one place that waits, how long spinning pays. Its zero value is ready. It lies in
// private memory, and goroutines may share it.
type Site struct {
	skip  atomic.Uint32 // 1024 − the share of maxSpin to spin, in 1024ths: zero means all of it
	waits atomic.Uint32
}

// Spin polls ready until it reports true, or for as long as has paid off lately. Between two polls it
// pauses once: a polling loop that leaves the line alone for a moment sees the store sooner.
func (s *Site) Spin(ready func() bool) bool { return s.spin(1, 1, ready) }

// SpinApart is Spin with n pauses between two looks.
func (s *Site) SpinApart(n uint32, ready func() bool) bool { return s.spin(n, n, ready) }

// SpinAway is Spin for a word that several want: it keeps off twice as long after each look in vain, so
// that who has the line gets something done with it.
func (s *Site) SpinAway(ready func() bool) bool { return s.spin(1, maxAway, ready) }

// maxAway is the longest stretch between two looks, in pauses: about a microsecond.
const maxAway = 64

// spin does not yield: a goroutine that wants the P would keep it for its whole quantum of 10 ms. One that
// would make ready true, and finds no other P, makes the spinning fail, which the site learns.
func (s *Site) spin(least, most uint32, ready func() bool) bool {
	limit := s.limit()
	for n, away := uint32(0), least; n < limit; n, away = n+away, min(2*away, most) {
		Pause(away)
		if ready() {
			s.won(n)
			return true
		}
	}
	s.lost()
	return false
}

func (s *Site) limit() uint32 {
	all := pauses()
	if all == 0 || s.waits.Add(1)%retry == 0 {
		return all
	}
	return uint32(uint64(all) * uint64(1024-s.skip.Load()) / 1024)
}

// won sets the budget to four times what was needed, if it needs less than it has now.
func (s *Site) won(n uint32) {
	need := min(1024, uint64(n)*4*1024/uint64(pauses())+32)
	s.skip.Store(uint32(1024 - need))
}

// lost halves the budget, down to a thirty-second: one look more or less costs nothing.
func (s *Site) lost() {
	s.skip.Store(1024 - max(32, (1024-s.skip.Load())/2))
}

// pauses is maxSpin in polls; 0 where spinning cannot help, because there is one CPU.
var pauses = sync.OnceValue(func() uint32 {
	if onlineCPUs() < 2 {
		return 0
	}
	const probe = 256
	start := time.Now()
	for range probe {
		Pause(1)
	}
	one := max(time.Since(start)/probe, 1)
	return uint32(max(maxSpin/(one+2), 64))
})
