package abi

import "strconv"

// Kind says what the payload of a segment is. The numbers are part of the layout.
type Kind uint32

// The kinds of objects. Zero is none: a zeroed header is not a header.
const (
	KindSegment       Kind = 1  // plain bytes
	KindVar           Kind = 2  // one T
	KindSPSC          Kind = 3  // ring, one producer and one consumer
	KindMPMC          Kind = 4  // ring, any number of both
	KindBroadcast     Kind = 5  // ring that every subscriber reads whole
	KindValue         Kind = 6  // a T that is never torn
	KindArray         Kind = 7  // n of T
	KindQueue         Kind = 8  // queue of encoded or plain items
	KindSimpleQueue   Kind = 9  // queue with nothing but Put, Get, Empty
	KindJoinableQueue Kind = 10 // queue whose items are acknowledged
	KindPipe          Kind = 11 // two rings back to back
	KindBounded       Kind = 12 // semaphore of many permits
	KindListener      Kind = 13 // where pipes are asked for by name
)

var kinds = [...]string{
	KindSegment: "segment", KindVar: "var", KindSPSC: "spsc", KindMPMC: "mpmc", KindBroadcast: "broadcast",
	KindValue: "value", KindArray: "array", KindQueue: "queue", KindSimpleQueue: "simple queue",
	KindJoinableQueue: "joinable queue", KindPipe: "pipe", KindBounded: "bounded semaphore",
	KindListener: "listener",
}

// String returns the kind's name, or "kind n" for a number that this version does not know.
func (k Kind) String() string {
	if k > 0 && int(k) < len(kinds) {
		return kinds[k]
	}
	return "kind " + strconv.FormatUint(uint64(k), 10)
}
