package sem

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/shmkit/shmkit/internal/park"
)

// site is what this process remembers about a word: how long spinning for it pays, and when a call that
// does not wait last asked whether its holder lives. The words themselves have no room, and a peer has
// no say in it. Sites are shared by words whose addresses collide: they share their luck.
type site struct {
	park.Site
	asked atomic.Int64
	tails sync.RWMutex // read-locked by calls that may touch the words after they have let others go
	dull  atomic.Int64 // 0: the last wake-up reached somebody; else when the first of those that did not was
}

var sites [256]site

func siteOf(p unsafe.Pointer) *site {
	return &sites[uint64(uintptr(p)>>2)*0x9e3779b97f4a7c15>>56]
}

const askEvery = int64(time.Millisecond)

var epoch = time.Now()

// mayAsk reports whether it is time to ask again: in a loop of Try… calls the question would cost more
// than everything else.
func (s *site) mayAsk() bool {
	now := int64(time.Since(epoch)) + askEvery // not the wall clock: it may be set back
	last := s.asked.Load()
	return now-last >= askEvery && s.asked.CompareAndSwap(last, now)
}

// ends waits until the calls of this process that are in their tails have ended, not for those that come.
func (s *site) ends() {
	s.tails.Lock()
	defer s.tails.Unlock()
}

// vain is told whether a wake-up reached nobody, and reports whether none has reached anybody for a while.
// It reports it once, and begins anew.
func (s *site) vain(nobody bool) bool {
	since := s.dull.Load()
	if !nobody {
		if since != 0 {
			s.dull.Store(0)
		}
		return false
	}
	now := int64(time.Since(epoch)) + 1
	if since == 0 {
		s.dull.CompareAndSwap(0, now)
		return false
	}
	return now-since >= dullFor && s.dull.CompareAndSwap(since, 0)
}

// dullFor is longer than a leader of a lot needs to be replaced by its successor.
const dullFor = int64(time.Millisecond)
