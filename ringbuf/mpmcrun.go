package ringbuf

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/prefetch"
	"github.com/shmkit/shmkit/internal/race"
)

// A run is several positions in a row, of one lap, so that their words are the same. Each is claimed, or taken, by a swap
// of its own: for all others a run is so many puts, or gets, one behind the other, and so it is when the one
// who does it dies in the middle of it.

// fetched is for how many bytes a run asks beforehand: see package prefetch.
const fetched = 1024

// run is the slots from x on, to the end of the lap at most, n at most; none where a single put would take the slow path.
func (p *stand[T]) run(x uint64, n int) []cell[T] {
	i := x & p.mask
	if i >= uint64(len(p.fast)) {
		return nil
	}
	cells := p.fast[i:]
	return cells[:min(n, len(cells))]
}

// putRow claims free places in a row, writes to them, and commits them, and returns how many. The last is committed
// first: a consumer that waits for the first one finds all of them there, and keeps off their lines until then. Nobody
// looks at one before all those before it are taken, so the order of the commits is nobody else's
// business. Killed on the way: each place that is not committed is skipped.
func (p *stand[T]) putRow(vs []T) (n int) {
	x := atomic.LoadUint64(&p.seat.put)
	if x&p.bound == 0 || atomic.LoadUint32(p.shut) != 0 {
		return 0
	}
	cells := p.run(x, len(vs))
	if len(cells) == 0 {
		return 0
	}
	free, mine, ready := p.free(x), p.writing(x), p.ready(x)
	if atomic.LoadUint64(&cells[0].word) != free {
		return 0
	}
	prefetch.Write(&cells[0].word, min(uintptr(len(cells))*p.size, fetched))
	for n < len(cells) && atomic.LoadUint64(&cells[n].word) == free && atomic.CompareAndSwapUint64(&cells[n].word, free, mine) {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		c := &cells[i]
		if race.Enabled {
			cellAcquire(&c.word)
		}
		c.v = vs[i]
		if race.Enabled {
			cellRelease(&c.word)
		}
		fence.Publish(&c.word, ready)
	}
	if n > 0 {
		fence.Publish(&p.seat.put, p.next(x+uint64(n)-1))
	}
	return n
}

// getRow takes items in a row, and returns how many.
func (p *stand[T]) getRow(dst []T) (n int) {
	x := atomic.LoadUint64(&p.seat.get)
	cells := p.run(x, len(dst))
	if len(cells) == 0 {
		return 0
	}
	ready, freed := p.ready(x), p.freed(x)
	if atomic.LoadUint64(&cells[0].word) != ready {
		return 0
	}
	prefetch.Write(&cells[0].word, min(uintptr(len(cells))*p.size, fetched))
	for n < len(cells) {
		c := &cells[n]
		if atomic.LoadUint64(&c.word) != ready {
			break
		}
		peek(&dst[n], c)
		if race.Enabled {
			cellAcquire(&c.word)
			cellRelease(&c.word)
		}
		if !atomic.CompareAndSwapUint64(&c.word, ready, freed) {
			break
		}
		n++
	}
	if n > 0 {
		fence.Publish(&p.seat.get, p.next(x+uint64(n)-1))
	}
	return n
}
