package abi

// SPSC is the control block at the beginning of the payload of a ring with one producer and one consumer;
// the slots follow it. Positions count up for ever and wrap around at 2^64; a position modulo the number
// of slots (bytes, in a ring of messages) is a place. Words written by different sides, or at different
// rates, lie 128 bytes apart, which is two cache lines: CPUs fetch lines in pairs.
//
//	  0 | tail        puts                  |  producer, at each commit
//	128 | head        gets                  |  consumer, at each release
//	256 | limit                             |  consumer, now and then
//	384 | not empty                         |  event word: the consumer sleeps on it
//	512 | not full                          |  event word: the producer sleeps on it
//	640 | producer consumer shut takeovers |  who has the ends; rarely written
//	656 | waits and parks, producer         |  statistics, producer
//	768 | waits and parks, consumer         |  statistics, consumer
//	896 | slots …
type SPSC struct {
	Tail uint64 // everything before it is published
	Puts uint64 // items, or messages, published
	_    [112]byte

	Head uint64 // everything before it is taken: exact, for whoever asks whether the ring is full
	Gets uint64
	_    [112]byte

	Limit uint64 // everything before it may be written: Head of some while ago + what the ring may hold
	_     [120]byte

	NotEmpty Event
	_        [120]byte

	NotFull Event
	_       [120]byte

	Producer  uint32 // owner<<3; EndClosed
	Consumer  uint32 // owner<<3; EndClosed
	Shut      uint32 // 1: no more items will come
	Takeovers uint32 // ends taken over from the dead
	ProducerStats
	_ [96]byte

	ConsumerStats
	_ [112]byte
}

// Event is what one direction of a ring sleeps on, changed as one word of 64 bits.
type Event struct {
	Seq     uint32 // the futex: moves on with each signal
	Waiting uint32 // bit 0: somebody may sleep on this Seq; bit 1: one of them takes nothing, so wake all
}

// ProducerStats is the producer's part of the statistics.
type ProducerStats struct{ PutWaits, PutParks uint64 }

// ConsumerStats is the consumer's part of the statistics.
type ConsumerStats struct{ GetWaits, GetParks uint64 }

// EndClosed in an end's word: it was closed by its last holder, and nobody has claimed it since.
const EndClosed = 1

// The shape of a ring: what it was asked for, what was made of it, and which form it has.
const (
	ShapeCap   = iota // capacity as asked: items, or bytes of messages
	ShapeSlots        // places: a power of two, at least the capacity
	ShapeForm         // FormItems or FormBytes
)

// Forms of a ring; not zero, so that an opener who asks for one is compared.
const (
	FormItems = 1
	FormBytes = 2
)

// A message in a ring of bytes is a record: this header, the message, zero to seven bytes of padding. No
// record is broken by the end of the ring: RecordSkip fills the rest of it.
const (
	RecordHeader = 8         // the length in the lower 32 bits; the others are zero
	RecordAlign  = 8         // records begin at a multiple of it
	RecordSkip   = 1<<32 - 1 // as a length: the next record is at the beginning of the ring
)
