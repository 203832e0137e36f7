package abi

import (
	"errors"
	"fmt"
)

// What can be wrong with a file that claims to be a segment.
var (
	// ErrForeign says that the file is not a segment of this toolkit, or not one that this user may trust.
	ErrForeign = errors.New("not a segment of this toolkit")
	// ErrCorrupt says that the header, or the object behind it, contradicts itself.
	ErrCorrupt = errors.New("segment is corrupt")
	// ErrTruncated says that the file is shorter than its header says.
	ErrTruncated = errors.New("segment has been truncated")
)

// MismatchError says that an object exists but is not what the caller means by that name.
type MismatchError struct {
	Name string // of the object; empty for an unnamed one
	What string // what differs: "kind", "ABI version", "size", "id", "field Hits", ...
	Have string // what is there
	Want string // what the caller has
}

// Error names both sides and the way out.
func (e *MismatchError) Error() string {
	name := "the unnamed object"
	if e.Name != "" {
		name = fmt.Sprintf("%q", e.Name)
	}
	return fmt.Sprintf("shm: %s does not match: %s is %s there, %s here; use the program that made it, or another name",
		name, e.What, e.Have, e.Want)
}
