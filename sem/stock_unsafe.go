package sem

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/internal/segment"
)

// stock is an open Bounded: its permits in the segment, and where this handle last found one. How many there are
// is the header's word, checked when it was opened, and never read from memory that peers write.
type stock struct {
	permits
	seg   *segment.Segment
	guard bool // Mem.Guard: every call goes the way that is protected
	place atomic.Uint32
}

// newStock owns seg.
func newStock(seg *segment.Segment) *stock {
	ctl := (*abi.Bounded)(unsafe.Pointer(unsafe.SliceData(seg.Payload())))
	first := (*uint64)(unsafe.Add(unsafe.Pointer(ctl), unsafe.Sizeof(*ctl)))
	s := &stock{seg: seg, guard: seg.Guarded()}
	s.permits = permits{
		cells: cells{first, int(seg.Shape()[abi.ShapePermits]), unsafe.Sizeof(*first)},
		free:  (*bell)(unsafe.Pointer(&ctl.Bell)),
		look:  s,
		last:  &s.place,
		freed: &ctl.Freed,
	}
	s.place.Store(uint32(s.home()))
	return s
}

// Stale implements park.Looker.
func (s *stock) Stale(t *park.Tick) bool { return s.permits.stale(t) }

// quick takes a permit near by.
func (s *stock) quick() bool {
	if s.guard || !s.glance() {
		return false
	}
	s.acquired()
	return true
}

// quickRelease gives a permit near by back.
func (s *stock) quickRelease() bool {
	if race.Enabled {
		race.Release(unsafe.Pointer(s.free))
	}
	if s.guard {
		return false
	}
	i, _ := s.seek(s.start(), down, min(s.n, window), uint32(mine()), released)
	if i < 0 {
		return false
	}
	s.ring(i)
	return true
}

func (s *stock) acquired() {
	if race.Enabled {
		race.Acquire(unsafe.Pointer(s.free))
	}
}

func (s *stock) tryAcquire() (ok bool) {
	_ = s.seg.Protect(func() { ok = s.permits.tryAcquire() })
	if ok {
		s.acquired()
	}
	return ok
}

func (s *stock) acquire(ctx context.Context) (err error) {
	gone := s.seg.Protect(func() { err = s.permits.acquire(ctx) })
	if gone != nil {
		return gone
	}
	if err == nil {
		s.acquired()
	}
	return err
}

func (s *stock) release() error {
	ok := false
	if gone := s.seg.Protect(func() { ok = s.permits.release() }); gone != nil {
		return gone
	}
	if !ok {
		return errHasNone
	}
	return nil
}
