package ringbuf

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/prefetch"
	"github.com/shmkit/shmkit/internal/race"
)

// A row is several positions one behind the other, of one lap, so that their words are the same. Each is claimed, or taken,
// by a swap of its own, from the first to the last: for everybody else a row is so many puts, or gets, of one
// process, and so it is when that dies, or stops, in the middle of it. So what the protocol rests on stays as it is:
//
//   - Laps. A row ends with its lap at the latest, and does not begin where released has to be pushed first (bound): the
//     slow path does that, as it does for a single put. So no word is claimed that could be misread.
//   - Free of the next lap comes from nobody but who takes an item that is next to be taken, or who skips there: a
//     row of places is never given back, all that was claimed is committed.
//   - The mark of Shutdown is loaded before the claims. Closed is planted where nothing is claimed yet, by a swap on the
//     same Free, so one of them loses; and it is planted where a consumer is, behind which nothing is claimed:
//     a row that is already begun ends before it or is drained.
//   - Waiting. A row does not wait. Who finds no place for one, or no item, takes the slow path. Behind the last commit
//     the waiters' word is loaded, once: all commits are before that load, so a sleeper that has announced itself
//     sees them or is woken, and who is woken alone hands on what he leaves.
//   - The commits are plain stores by the living owner of the words. No one else changes a living owner's word, and a
//     dead one stores nothing any more.

// fetched is for how many bytes a row asks beforehand: see package prefetch.
const fetched = 1024

// row is the slots from x on, to the end of the lap at most, n at most; none where each operation takes the slow path.
func (p *stand[T]) row(x uint64, n int) []cell[T] {
	i := x & p.mask
	if i >= uint64(len(p.fast)) {
		return nil
	}
	cells := p.fast[i:]
	return cells[:min(n, len(cells))]
}

// putRow claims free places in a row, writes to them, commits them, and returns how many. All that may have to wait for a
// line, the claims and the items, is done before the first commit, which brings the consumers to these lines.
// Killed on the way: what is committed are the first so many, and consumers skip the others.
func (p *stand[T]) putRow(vs []T) (n int) {
	x := atomic.LoadUint64(&p.seat.put)
	cells := p.row(x, len(vs)) // none when the ring is guarded: then nothing of it is touched here
	if len(cells) == 0 || x&p.bound == 0 || atomic.LoadUint32(p.shut) != 0 {
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
	row := cells[:n]
	p.fill(x, row, vs)
	for i := range row {
		fence.Publish(&row[i].word, ready)
	}
	if n > 0 {
		fence.Publish(&p.seat.put, p.next(x+uint64(n)-1))
	}
	return n
}

// fill writes to a row that is claimed, from position x on. Should the caller's memory fault, and somebody recover, the places are
// given up: their holder lives, so nobody else would do it, and all consumers would wait for the first one.
func (p *stand[T]) fill(x uint64, row []cell[T], vs []T) {
	filled := false
	defer func() {
		for i := range row {
			if filled {
				return
			}
			atomic.CompareAndSwapUint64(&row[i].word, p.writing(x), p.held(x, 0, abi.SlotWriting))
		}
	}()
	for i := range row {
		if race.Enabled {
			cellAcquire(&row[i].word)
		}
		row[i].v = vs[i]
		if race.Enabled {
			cellRelease(&row[i].word)
		}
	}
	filled = true
}

// getRow takes items in a row, and returns how many.
func (p *stand[T]) getRow(dst []T) (n int) {
	x := atomic.LoadUint64(&p.seat.get)
	cells := p.row(x, len(dst))
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
