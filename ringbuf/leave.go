package ringbuf

import (
	"runtime"
	"time"
)

// close ends the calls that wait in a seat, and waits until they have left.
func (s *seat) close() {
	s.closed.Store(true)
	_ = s.r.protect(func() error {
		s.r.notFull().Evict((*putLooker)(s)) // first: see Shutdown
		if s.mail != nil {
			s.mail.dismiss()
		}
		s.r.notEmpty().Evict((*getLooker)(s))
		return nil
	})
	s.unwatch()
	for start := time.Now(); s.inside.Load() != 0 && time.Since(start) < leaving; {
		time.Sleep(20 * time.Microsecond)
	}
}

// notify is Notify. When the memory goes away under the watcher, a last token makes the caller look.
func (s *seat) notify(ch chan<- struct{}) (stop func()) {
	return s.watch.Add(func() func() { return s.r.notEmpty().Notify(ch, (*getLooker)(s), s.itemsReady) }, s.closed.Load)
}

// unwatch ends all watchers, after closed was set.
func (s *seat) unwatch() { s.watch.End() }

// lingerStand leaves the memory to the collector: it goes when nobody can be inside any more.
func lingerStand[T any](p *stand[T], bytes int64) {
	lingering.Add(1)
	lingeringBytes.Add(bytes)
	r := p.r
	runtime.AddCleanup(p, func(bytes int64) {
		lingering.Add(-1)
		lingeringBytes.Add(-bytes)
		r.leave()
	}, bytes)
	if lingering.Load() > maxLingering || lingeringBytes.Load() > maxLingeringBytes {
		runtime.GC()
	}
}

// leave ends one handle's share in the mapping.
func (r *crowd) leave() {
	if r.seats.Add(-1) == 0 && r.seg != nil {
		_ = r.seg.Close()
	}
}
