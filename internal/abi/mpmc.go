package abi

// MPMC is the control block at the beginning of the payload of a ring with any number of producers and
// consumers; the slots follow it. There is no shared head and no shared tail: each slot's word says what has
// become of it, and every participant walks from a position of its own. What is written by different sides, or
// at different rates, lies 128 bytes apart.
//
//	  0 | not empty | shut        |  event word: consumers sleep on it; producers read both at each put
//	128 | not full                |  event word: producers sleep on it
//	136 | no block …              |  event words, one for each class of blocks: producers of messages sleep on them
//	256 | released    start       |  a hint that moves now and then; the first position, never written again
//	384 | puts' statistics        |  by who waits, skips or wakes
//	512 | gets' statistics        |
//	640 | slots …
type MPMC struct {
	NotEmpty Event
	Shut     uint32 // 1: no position will be claimed any more
	_        [116]byte

	NotFull Event
	NoBlock [MaxClasses]Event
	_       [16]byte

	Released uint64 // everything before it is free again: a hint, and never too high
	Start    uint64 // the first position; for statistics alone
	_        [112]byte

	Puts CrowdStats
	_    [96]byte

	Gets CrowdStats
	_    [96]byte
}

// CrowdStats are the statistics of one side of a ring of many.
type CrowdStats struct {
	Waits  uint64 // how often a call found the ring full, or empty
	Parks  uint64 // how often it slept for that
	Wakes  uint64 // how often one of this side woke the other side
	Healed uint64 // puts: positions skipped, of the aborted and the dead; gets: items delivered once more
}

// A slot is its word and behind it one T, filled up to a multiple of eight bytes. The word's lowest three bits
// are its state. Free, Ready and Closed carry the whole lap, Writing and Reading who does it and the lap's lower half:
//
//	63                             32 31             3 2     0
//	+--------------------------------------------------+-------+
//	|                      lap                         | state |   Free, Ready, Closed
//	+--------------------------------+-----------------+-------+
//	|             lap                |      owner      | state |   Writing, Reading
//	+--------------------------------+-----------------+-------+
//
//	Free(L)    → Writing(me,L)   claim             a put; or Closed(L), by a get after the shutdown, for ever
//	Writing(o,L) → Ready(L)      commit            by o; or Writing(0,L): abort; or, if o is dead or 0: Free(L+1),
//	                                               skipped by the consumer whose turn it is
//	Ready(L)   → Free(L+1)       taken by copy     or Reading(me,L): taken in place
//	Reading(o,L) → Free(L+1)     release           by o; or, if o is dead: Reading(me,L), taken once more
//
// Owner 0 is nobody, and counts as dead. Slots are zero in fresh memory: Free(0).
const (
	SlotFree = iota
	SlotWriting
	SlotReady
	SlotReading
	SlotClosed

	SlotState  = 7       // selects the state
	SlotWord   = 8       // bytes of the word
	SlotShift  = 3       // of a lap in Free, Ready and Closed, and of an owner
	SlotLapLow = 32      // shift of the lower half of a lap in Writing and Reading
	MPMCSize   = 640     // bytes of MPMC: where the slots begin
	MaxSlots   = 1 << 31 // so that a lap has more bits than its lower half
)

// A position is a lap and a slot: lap<<LapShift + slot, where slots are counted from 0 to the capacity, and
// LapShift is as small as that allows, and at least 3. Positions wrap around at 2^64.

// LapShift is the number of bits of a position that count the slots of a ring of that capacity.
func LapShift(capacity uint64) uint {
	shift := uint(SlotShift)
	for uint64(1)<<shift < capacity {
		shift++
	}
	return shift
}

// The shape of a ring of many.
const (
	ShapeStride = 1 // bytes of a slot; ShapeCap and ShapeForm are as in a ring of two
)
