package ringbuf

import (
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
)

// track is the arithmetic of positions and slot words of a ring of many; package abi draws both. It is private
// and never changes. Positions and laps wrap around, so they are compared by the sign of their difference.
type track struct {
	cap   uint64 // slots
	mask  uint64 // selects the slot of a position
	shift uint   // of the lap in a position
}

func newTrack(capacity uint64) track {
	shift := abi.LapShift(capacity)
	return track{cap: capacity, mask: 1<<shift - 1, shift: shift}
}

// next is the position behind x.
func (t *track) next(x uint64) uint64 {
	x++
	if x&t.mask == t.cap { // never when the capacity is a power of two
		x += t.mask + 1 - t.cap
	}
	return x
}

// quarter is a position whose slot is a quarter of the ring behind that of x.
func (t *track) quarter(x uint64) uint64 { return x&^t.mask | (x&t.mask+t.cap/4)%t.cap }

// lap is one lap, as a difference of positions.
func (t *track) lap() uint64 { return t.mask + 1 }

// items is the number of positions from a to b, which is not before a.
func (t *track) items(a, b uint64) uint64 {
	laps := int64(b>>(t.shift&63)-a>>(t.shift&63)) << (t.shift & 63) >> (t.shift & 63)
	return uint64(laps)*t.cap + b&t.mask - a&t.mask
}

func (t *track) free(x uint64) uint64   { return x >> (t.shift & 63) << abi.SlotShift }
func (t *track) ready(x uint64) uint64  { return t.free(x) | abi.SlotReady }
func (t *track) sealed(x uint64) uint64 { return t.free(x) | abi.SlotClosed }

// freed is the word of a slot that has been released at x: free for the next lap.
func (t *track) freed(x uint64) uint64 { return t.free(x + t.lap()) }

// held is the word of a slot that a process, as owner.Word has it, writes or reads at x.
func (t *track) held(x uint64, who uint32, state uint64) uint64 {
	return x>>(t.shift&63)<<abi.SlotLapLow | uint64(who) | state
}

func (t *track) writing(x uint64) uint64 { return t.held(x, owner.Word, abi.SlotWriting) }
func (t *track) reading(x uint64) uint64 { return t.held(x, owner.Word, abi.SlotReading) }

func stateOf(w uint64) uint64 { return w & abi.SlotState }

// holderOf is the id in a word whose state is Writing or Reading.
func holderOf(w uint64) uint32 { return uint32(w) >> abi.SlotShift }

// ahead is by how many laps the word w, loaded from the slot of x, is ahead of x. Of Writing and Reading only the
// lower half of the lap is there: the whole one is the one nearest to that of released, a position that was
// loaded after w. Relative to x it would be misread, once a handle has been idle for half of what the half can
// count; released is pushed long before that (see seat.push). ok is false for what no ring has in a slot.
func (t *track) ahead(w, x, released uint64) (laps int64, ok bool) {
	shift := t.shift & 63
	var lap uint64
	switch stateOf(w) {
	case abi.SlotFree, abi.SlotReady, abi.SlotClosed:
		if lap = w >> abi.SlotShift; lap > ^uint64(0)>>shift {
			return 0, false
		}
	case abi.SlotWriting, abi.SlotReading:
		lap = released >> shift
		lap += uint64(int64(int32(uint32(w>>abi.SlotLapLow) - uint32(lap))))
	default:
		return 0, false
	}
	return int64((lap-x>>shift)<<shift) >> shift, true
}

// passed is the position behind that of x's slot, laps laps ahead.
func (t *track) passed(x uint64, laps int64) uint64 { return t.next(x + uint64(laps)<<(t.shift&63)) }

// before says that position a is before b.
func before(a, b uint64) bool { return int64(a-b) < 0 }
