package abi

// Value is the control block at the beginning of the payload of a value. A T of up to eight bytes lies in Word
// itself. A larger one has copies behind the control block, each on lines of its own, and Word counts the
// versions: the copy Word % copies is the value.
//
//	  0 | word                |  the value, or its version: loaded by who reads
//	128 | mutex | changed     |  who updates; the bell that who waits for a change sleeps on
//	256 | copy 0 | copy 1 …   |  none where T fits into the word
type Value struct {
	Word uint64
	_    [120]byte

	Mutex   uint32 // sem.Mutex
	Changed uint32 // a bell, as that of a semaphore: seq 31 | W
	_       [120]byte
}

// The shape of a value.
const (
	ValueForm   = 0
	ValueCopies = 1 // 0 in ValueWord, else 2 … MaxCopies
	ValueStride = 2 // bytes from one copy to the next: size of T, up to a multiple of CopyAlign; 0 in ValueWord

	FormWord   = 1 // a T of up to eight bytes
	FormCopies = 2

	WordSize  = 8
	CopyAlign = 128
	MaxCopies = 64
)
