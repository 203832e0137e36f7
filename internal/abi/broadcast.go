package abi

// Broadcast is the control block at the beginning of the payload of a ring that every subscriber reads whole; the
// slots follow it. Its publisher is a producer of package ringbuf's SPSC, whose words it uses as they are there; but
// there is no one consumer: Head, Gets, Limit and Consumer are unused, and the consumer's statistics are everybody's.
// Each subscriber has a place of its own.
//
//	   0 | SPSC                              |
//	 896 | oldest                            |  publisher, before it overwrites
//	1024 | joins       used       goal       |  subscribers that join; publisher, before it sleeps
//	1048 | missed      buried                |  statistics
//	1152 | last: 2 marks   first: 2 marks    |  publisher; of a ring of messages
//	1280 | 64 places of 256 bytes            |  each by its subscriber
//	17664| slots …
type Broadcast struct {
	SPSC

	Oldest uint64 // everything before it is overwritten, or about to be
	_      [120]byte

	Joins  uint64 // moves on behind each claim of a place
	Used   uint64 // places from here on have never been claimed: a hint that only grows
	Goal   uint64 // a publisher that sleeps waits for those whose position is before it
	Missed uint64 // statistics: items, or messages, that subscribers were told they had missed
	Buried uint64 // statistics: places of dead subscribers that the publisher has freed
	_      [88]byte

	Last  [2]Mark // of tail: that whose At is tail
	First [2]Mark // of oldest
	_     [64]byte

	Places [Places]Place
}

// Places is how many subscribers there can be at a time.
const Places = 64

// Mark says how many messages were published before a position. There are two of each kind, written in turn before the
// word that they belong to: so one always fits it, whoever was killed in between.
type Mark struct{ At, Count uint64 }

// Place is a subscriber's. Its word says whose it is:
//
//	31            3   1   0
//	+--------------+---+---+
//	|   owner      | - | A |    A: its position holds the publisher back (if that one waits for subscribers)
//	+--------------+---+---+
//
//	(0, dead, or our own left over; any) → (me, 0)   claim    then Pos and Given are stored
//	(me, 0)   → (me, A)                              join     then Joins moves on, and oldest is looked at again
//	(me, A)   → 0                                    leave
//	(dead, A) → 0                                    buried   by the publisher that waits for it
type Place struct {
	Word  uint32
	_     uint32
	Given uint64 // Pos of some while ago: what the publisher polls
	_     [112]byte

	Pos   uint64 // everything before it is taken
	Count uint64 // messages taken, or missed, in all
	_     [112]byte
}

// PlaceActive in a place's word: its subscriber has joined.
const PlaceActive = 1

// ShapeMode is the entry of a broadcast's shape that says what becomes of a slow subscriber.
const ShapeMode = 3

// The modes; not zero, so that an opener who asks for one is compared.
const (
	ModeWait    = 1 // it is waited for
	ModeOverrun = 2 // it misses items
)
