package abi

// Message is what a slot of a ring of messages holds behind its word. A message of up to InlineSize bytes lies in the slot
// itself, a longer one in a block of the segment.
//
//	63                             32 31                            0
//	+--------------------------------+-------------------------------+
//	|   1 + the block's number, or 0 |            length             |    Head
//	+--------------------------------+-------------------------------+
type Message struct {
	Head   uint64
	Inline [InlineSize]byte
}

// The shape of a ring of messages is its capacity, in bytes, the size of its slots, the form, and the limit. All else
// follows from capacity and limit; see docs/layout.md.
const (
	ShapeLimit = 3 // bytes of the longest message

	MessageSlot = 128 // bytes of a slot: two cache lines
	InlineSize  = MessageSlot - SlotWord - 8
	MessageLen  = 1<<32 - 1 // selects the length in Head
	BlockShift  = 32        // of the block in Head

	ClassRatio = 4  // of the sizes of two classes
	BlockAlign = 64 // sizes of blocks are multiples of it
	MaxClasses = 13 // of sizes of blocks, each a quarter of the one before
	MaxMessage = 1<<32 - BlockAlign
)

// MessageSlots is the number of slots of a ring of messages: one for each block, and for each message that needs none.
func MessageSlots(capacity, limit uint64) uint64 {
	n, slots := max(capacity/max(limit, InlineSize), 1), uint64(0)
	for size := limit; size > InlineSize; size /= ClassRatio {
		slots += n
		n *= 2
	}
	return slots + n
}

// A block has a word, in the order of the blocks. Its lowest three bits are its state.
//
//	63                             32 31             3 2     0
//	+--------------------------------+-----------------+-------+
//	|              0                 |      owner      | state |    Held
//	+--------------------------------+-----------------+-------+
//	|                 position                         | state |    Queued: the position's lower 61 bits
//	+--------------------------------------------------+-------+
//
//	Free      → Held(me)     a put takes it, and fills it
//	Held(me)  → Queued(x)    it belongs to the message at position x, which the put has claimed, and not committed yet
//	Held(me)  → Free         the put fails
//	Queued(x) → Free         by who has released position x, or aborted it
//	garbage   → Free         by who needs a block: Held by a dead process; Queued(x), and x is released
//
// Free is zero, as fresh memory is.
const (
	BlockFree = iota
	BlockHeld
	BlockQueued
)
