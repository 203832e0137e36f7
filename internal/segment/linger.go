package segment

import (
	"runtime"
	"sync/atomic"
)

// An object whose calls do not count themselves may be closed while another goroutine is on its way out of one. Its
// memory then stays mapped until the collector has found that nobody can be inside. So that this is
// not for long, a Close that finds much gathered runs a collection.
const (
	maxLingering      = 32
	maxLingeringBytes = 64 << 20
)

var lingering, lingeringBytes atomic.Int64

// CloseBehind closes s once inside is unreachable: what every call keeps alive to its last touch of the memory. s
// must not be reachable only through inside, nor inside through s.
func CloseBehind[T any](s *Segment, inside *T) {
	size := int64(len(s.Payload()))
	lingering.Add(1)
	lingeringBytes.Add(size)
	runtime.AddCleanup(inside, func(s *Segment) {
		_ = s.Close()
		lingering.Add(-1)
		lingeringBytes.Add(-size)
	}, s)
	if lingering.Load() > maxLingering || lingeringBytes.Load() > maxLingeringBytes {
		runtime.GC()
	}
}
