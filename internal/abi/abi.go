// Package abi is the one definition of what lies in shared memory: the header that every segment
// begins with, the kinds of objects, and the description of the element type. It has no behaviour
// beyond writing a header, reading one that a stranger may have written, and telling two types apart.
// docs/layout.md is the same in prose, for readers in other languages.
//
//	file offset 0                                              offset Header.Offset
//	+----------------------------------+--------------------+-------------------------+
//	| Header, 256 bytes                | format string of T | payload, Header.Size    |
//	+----------------------------------+--------------------+-------------------------+
//	  fixed, native endian               zero-filled up to     kind-specific; the file
//	                                     a multiple of 4096    ends at the next page
//
// The header itself, one row for 16 bytes:
//
//	    0       4       8       12      16
//	  0 | magic "SHMKIT\r\n" | order | version |
//	 16 | features           | kind  | format length |
//	 32 | id, 128 random bits                  |
//	 48 | payload offset     | payload size     |
//	 64 | element size       | element align    |
//	 80 | shape[0]           | shape[1]         |
//	 96 | shape[2]           | shape[3]         |
//	112 | codec name, padded with zero bytes   |
//	128 | reserved: written as zero, ignored when read, up to 256
package abi

// Magic begins every segment. The line ending in it is spoilt by a transfer as text.
const Magic = "SHMKIT\r\n"

// Version is the layout's version: a file of another version is refused. It changes when any struct in
// shared memory does.
const Version = 1

// Order is stored as a native word, so that a machine of the other byte order reads it reversed.
const Order = 0x01020304

// Features are the bits of Header.Features that this version understands. A file with any other bit is
// refused: a bit is for what an older program would get wrong.
const Features = 0

// Sizes of the header region.
const (
	HeaderSize = 256                    // the fixed part; the format string follows it
	PageSize   = 4096                   // the header region is a multiple of this, normally exactly one
	MaxHeader  = 64 << 10               // the longest header region that is written or believed
	MaxFormat  = MaxHeader - HeaderSize // the longest format string
	MaxSize    = 1<<40 - MaxHeader      // the largest payload: the liveness bytes begin at 1<<40
	MaxAlign   = PageSize               // the payload begins on a page: more cannot be promised
)

// Header is the fixed part of the header as it lies in the file. It is written once, before the object
// has a name, and copied to private memory when it is read.
type Header struct {
	Magic     [8]byte   // Magic
	Order     uint32    // Order, in the byte order of the machine that wrote it
	Version   uint32    // Version
	Features  uint64    // what a reader must understand
	Kind      Kind      // what the payload is
	FormatLen uint32    // bytes of the format string that follows the header
	ID        [16]byte  // random: tells this object from all that ever had its name or descriptor
	Offset    uint64    // of the payload, a multiple of PageSize
	Size      uint64    // of the payload in bytes
	ElemSize  uint64    // size of T in bytes, 0 if there is none
	ElemAlign uint64    // alignment of T in bytes, 0 if there is none
	Shape     [4]uint64 // numbers that the kind defines: capacity, flags
	Codec     [16]byte  // how items are encoded, padded with zero bytes; empty: as they lie in memory
	_         [128]byte // zero
}
