package ringbuf

import "testing"

// lullFeed lets n items come to a consumer that has found nothing, again and again, and returns how long it kept off in all.
func lullFeed[T any](r *MPMC[T], looks int, items func(lull uint32) uint64) (pauses, last uint32) {
	s := &r.at.Load().seat
	x := s.dry.Load()
	for range looks {
		for range items(last) {
			x = s.r.next(x)
		}
		last = s.keepOff(x)
		pauses += last
	}
	return pauses, last
}

// Who is asked and answers finds one item at each look, and keeps off one time in a thousand.
func TestLullOfOneByOne(t *testing.T) {
	r := HeapMPMC[[64]byte](64)
	defer r.Close()
	pauses, _ := lullFeed(r, 10*tryEvery, func(uint32) uint64 { return 1 })
	if pauses == 0 || pauses > 10*maxWide {
		t.Errorf("%d pauses in %d looks, want between 1 and %d", pauses, 10*tryEvery, 10*maxWide)
	}
}

// When more comes while it keeps off it finds that out, and goes on so.
func TestLullIsFoundOut(t *testing.T) {
	r := HeapMPMC[[64]byte](4096)
	defer r.Close()
	_, last := lullFeed(r, 2*tryEvery, func(lull uint32) uint64 { return 1 + uint64(lull)/4 })
	if last < maxWide/2 {
		t.Errorf("it keeps off for %d pauses, though a quarter as many items come in that time", last)
	}
}

// Narrow slots keep the shorter limit, and a ring that runs full keeps nobody off.
func TestLullLimits(t *testing.T) {
	r := HeapMPMC[uint64](4096)
	defer r.Close()
	if _, last := lullFeed(r, 100, func(uint32) uint64 { return 1000 }); last != maxLull {
		t.Errorf("%d pauses for narrow slots, want %d", last, maxLull)
	}
	if _, last := lullFeed(r, 100, func(uint32) uint64 { return 3000 }); last != 0 {
		t.Errorf("%d pauses though the ring runs full", last)
	}
}

// Who is asked for a few wide items and answers keeps off for no longer than who is asked for narrow ones.
func TestLullOfShortRuns(t *testing.T) {
	r := HeapMPMC[[1024]byte](64)
	defer r.Close()
	for n := uint64(2); n < aRun; n++ {
		pauses, last := lullFeed(r, 10*tryEvery+100, func(uint32) uint64 { return n })
		if last > 2*aRun || pauses > 10*(2*aRun*tryEvery+2*maxWide) {
			t.Errorf("%d items a look: %d pauses in %d looks, the last %d", n, pauses, 10*tryEvery+100, last)
		}
	}
}
