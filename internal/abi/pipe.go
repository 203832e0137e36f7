package abi

// Pipe is the control block of a pipe: two ends, and a ring of bytes for each direction, whose memory follows, ring 0
// first. Ring 0 carries what end 0 sends; in a one-way pipe, whose end 0 only receives, it has no memory.
//
//	   0 | end 0
//	 128 | end 1
//	 256 | ring 0: SPSC      |  as in a ring of its own, but for the words that say who has the ends,
//	1152 | ring 1: SPSC      |  which are not used: a pipe's end has both sides of it at once
//	2048 | ring 0's bytes … | ring 1's bytes …
type Pipe struct {
	Ends  [2]PipeEnd
	Rings [2]SPSC
}

// PipeEnd says who has one end. Its word is
//
//	31            3   1   0
//	+--------------+---+---+
//	|   owner      | - | C |    C: closed, for ever
//	+--------------+---+---+
//
// and is changed by compare-and-swap alone: from 0 to me × 8 by the first who uses the end, and from whatever it is, with
// C set, by its owner's Close, or by whoever finds the owner dead. So an end has one owner in all its life. While the
// word is 0, the end counts as held by those in Holders; when none of them is there any more it is closed too.
type PipeEnd struct {
	Word    uint32     // owner<<3; EndClosed
	PID     uint32     // of the owner, as it sees itself: for people, checked before it is told
	FD      uint32     // a descriptor by which that process has the memory open: the check
	Joins   uint32     // moves on whenever a holder comes
	Holders [28]uint32 // ids of processes that have the end open, or 0. PipeMany in the last: more than fit
}

// PipeMany in the last place of Holders says that there was no place for somebody: then nobody knows who holds the end.
const PipeMany = 1<<32 - 1

// The shape of a pipe: capacity of one direction as asked, bytes of its ring, a power of two, and which form it has.
const (
	FormTwoWay = 1
	FormOneWay = 2 // end 0 receives, end 1 sends
)

// What lies in a ring of a pipe is frames: this word, and behind it, if the kind has any, the bytes, filled up to a
// multiple of eight. Frames lie end to end; what does not fit before the end of the ring goes on at its beginning.
//
//	63    56 55                                           0
//	+-------+---------------------------------------------+
//	| kind  |                  length                     |
//	+-------+---------------------------------------------+
const (
	FrameBytes  = 1 // a message of so many bytes
	FrameValue  = 2 // the same; the bytes are a CBOR item
	FrameStream = 3 // so many bytes without bounds
	FrameLong   = 4 // a message of so many bytes, of which none follow: pieces do
	FrameLongV  = 5 // the same; the bytes are a CBOR item
	FramePiece  = 6 // so many bytes of the long message
	FrameAbort  = 7 // length 0: the long message ends here, and was none

	FrameWord  = 8         // bytes of the word; frames begin at a multiple of it
	FrameShift = 56        // of the kind
	FrameLen   = 1<<56 - 1 // selects the length
)

// Listener is where a process listens for pipes under a name.
//
//	  0 | owner  tickets                    |  who listens; tickets drawn
//	128 | asked                             |  event word: the listener sleeps on it
//	256 | answered                          |  event word: those who ask sleep on it
//	384 | requests …
type Listener struct {
	Owner   uint32 // owner<<3, or 0
	_       uint32
	Tickets uint64 // drawn so far
	_       [112]byte

	Asked Event
	_     [120]byte

	Answered Event
	_        [120]byte

	Requests [MaxRequests]Request
}

// MaxRequests is how many may ask at once, before they are answered; more wait for a place.
const MaxRequests = 64

// Request is one who asks. Its word is
//
//	63                             32 31             3 2     0
//	+--------------------------------+-----------------+-------+
//	|             ticket             |      owner      | state |    owner: who asks. Free is zero
//	+--------------------------------+-----------------+-------+
//
//	Free         → Asking(t,me)    by who asks, with the next ticket, and then fills it in
//	Asking(t,me) → Asked(t,me)     it may be answered; the lowest ticket is answered first
//	Asked(t,o)   → Taken(t,o)      by the listener, who then opens the pipe
//	Taken(t,o)   → Free            answered: the listener has the pipe's other end
//	Taken(t,o)   → Refused(t,o)    it could not be opened; who asks frees it
//	Taken(t,me)  → Left(t,me)      who asks waits no longer; the listener frees it
//	Taken(t,o)   → Asked(t,o)      by a listener that begins, for one that died; or that is short of descriptors
//	Asked(t,me)  → Free            by who asks and waits no longer
//	any(t,dead)  → Free, or Asking by whoever needs the place
type Request struct {
	Word uint64
	Len  uint32 // of the text
	_    uint32
	Text [112]byte
}

// States of a request.
const (
	RequestFree = iota
	RequestAsking
	RequestAsked
	RequestTaken
	RequestRefused
	RequestLeft

	RequestState  = 7         // selects the state
	RequestOwner  = 1<<32 - 1 // selects owner and state
	RequestTicket = 32        // shift of the ticket
)
