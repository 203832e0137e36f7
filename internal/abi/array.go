package abi

// Stripe is what guards a run of an array's elements. The payload of an array is its stripes, the log and the
// elements; the log is as long as the elements, and what is to be written to an element is written to the same place in
// the log before.
//
//	       0 | stripe 0 | stripe 1 …   256 bytes each
//	     256s| log                     up to a multiple of 128
//	shape[3] | elements                flat, as one array of any language
type Stripe struct {
	Version uint64 // odd while the stripe's elements are being changed by who holds the mutex
	_       [120]byte

	Mutex uint32 // sem.Mutex
	State uint32 // StripeIdle, StripeCommitted
	Root  uint64 // 0, or 1 + the number of the stripe whose record may cover this one
	From  uint64 // the record: bytes of the elements from here …
	To    uint64 // … up to here are to be copied from the log
	Done  uint64 // … and those before this one have been
	_     [88]byte
}

// What may be in Stripe.State.
const (
	StripeIdle      = 0
	StripeCommitted = 1
)

// The shape of an array.
const (
	ArrayLen     = 0 // elements
	ArrayStripes = 1 // 1 … MaxStripes
	ArrayBlock   = 2 // elements of a stripe; the last one may have fewer, or none
	ArrayOffset  = 3 // of the elements in the payload

	MaxStripes = 1024
	ArrayAlign = 128 // a stripe's elements end, and the elements begin, at a multiple of it
)
