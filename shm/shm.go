// Package shm is memory that processes share, under a name or without one.
//
// A [Var] is a T in a segment of its own; a [Segment] is plain bytes. Locks and events of package sem,
// atomics and plain data may lie in both: zeroed memory is ready for use.
//
//	type Stats struct {
//		Mu   sem.Mutex
//		Hits int64
//	}
//	v, err := shm.OpenOrCreate[Stats]("app.stats")
//	defer v.Close()
//	s := v.Ptr()
//	s.Mu.Lock()
//
// Named objects are files in /dev/shm, or in the directory that Mem.Dir or the environment's SHMKIT_DIR
// names. A name appears only when the object behind it is whole, and stays until somebody unlinks it.
// Unnamed objects are sealed memfds: they go with their last user, and nobody can truncate them.
//
// Every handle is text (encoding.TextMarshaler), so it travels as a flag, in the environment, in JSON or
// through a queue, and the receiver's UnmarshalText opens the same object. The text carries the object's
// random id, which is compared. A named object travels anywhere that has the directory; an unnamed one
// within the same user and PID namespace, while somebody has it open.
//
// # Errors
//
// Match them with errors.Is: fs.ErrExist, fs.ErrNotExist, fs.ErrPermission, fs.ErrInvalid (a bad name,
// size or permission), os.ErrClosed (one's own closed handle, or a zero one), syscall.ENOSPC (with how
// much was asked and how much is free), syscall.EMFILE and ENFILE, syscall.EBUSY (Close while goroutines
// wait inside), errors.ErrUnsupported (the system, or a network file system), [ErrForeign],
// [ErrTruncated], [ErrCorrupt]; and with errors.As: [*MismatchError]. An error means that nothing happened.
//
// # Trust
//
// Who may write to a segment may write at any moment: read a byte once, check it, then use it. A named
// file can be truncated by who may write to it, and touching the lost memory then ends this process with
// a SIGBUS, unless the fault guard is armed; see [Mem].
package shm

import (
	"io/fs"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// What can be wrong with a file that has the name of an object.
var (
	// ErrForeign says that it is not a segment, or that it belongs to somebody else: a file without the
	// toolkit's header, a directory, fifo, device or symbolic link, or a file of another user whom
	// Mem.Owners does not name.
	ErrForeign = abi.ErrForeign
	// ErrTruncated says that it is shorter than it was made. Unlink it and create it anew.
	ErrTruncated = abi.ErrTruncated
	// ErrCorrupt says that it contradicts itself. Unlink it and create it anew.
	ErrCorrupt = abi.ErrCorrupt
)

// MismatchError says that an object exists but is not what the caller means by its name. Its fields are
//
//	Name string // of the object, or its handle's text; empty for an unnamed one
//	What string // what differs: "kind", "ABI version", "field Hits", "size", "codec", "id", ...
//	Have string // what is there
//	Want string // what the caller has
//
// For a T, What is the first field that differs in name, type or offset. Versions of a program whose T
// differ share nothing: give the new version another name ("acme.jobs.v2").
type MismatchError = abi.MismatchError

// Mem is the set of memory knobs, a field of every Config of the toolkit. The zero value is good.
type Mem struct {
	// Dir is the directory of names. Empty: the environment's SHMKIT_DIR, else /dev/shm. It should be a
	// tmpfs; a network file system is refused.
	Dir string
	// Perm is the exact permission of a new name, whatever the umask; only bits of 0666. Zero: 0600.
	// Unnamed objects take it too.
	Perm fs.FileMode
	// Owners are the uids, besides this process's own, whose files are accepted. Who owns a file can
	// change it at will.
	Owners []int
	// HugePages asks for huge pages, best effort: the administrator decides
	// (/sys/kernel/mm/transparent_hugepage/shmem_enabled), and a refusal is no error.
	HugePages bool
	// Populate makes the page tables now instead of at the first touch of each page. The memory itself is
	// always reserved when an object is made. No effect before Linux 5.14.
	Populate bool
	// Locked keeps the memory from being swapped out. If the limit is too low (RLIMIT_MEMLOCK) that is an
	// error.
	Locked bool
	// Guard arms the fault guard around every operation of the toolkit on a named object (about 15 ns each), not
	// only around those that wait, work in batches or copy much: a file truncated by a peer is then
	// ErrTruncated wherever it is touched, except through pointers that Ptr, Slice and Bytes have handed out.
	Guard bool
}

// Info is what List says about a name.
type Info struct {
	Name   string // the name, as Open takes it
	Kind   string // "segment", "var", "spsc", ...; "unusable": truncated, corrupt, or of another version
	Format string // of its T, as in Python's buffer protocol (PEP 3118); empty if there is none
	Size   int64  // of the payload in bytes
}

// List returns what is there: the names in SHMKIT_DIR or /dev/shm that carry the toolkit's header and
// that this user may read, sorted. Other files are passed over.
func List() ([]Info, error) {
	entries, err := segment.List(segment.Mem{})
	var infos []Info
	for _, e := range entries {
		i := Info{Name: e.Name, Kind: "unusable"}
		if e.Err == nil {
			i.Kind, i.Format, i.Size = e.Header.Kind.String(), e.Format, int64(e.Header.Size)
		}
		infos = append(infos, i)
	}
	return infos, err
}

// Unlink removes a name from SHMKIT_DIR or /dev/shm. Who has the object open keeps it; the next
// OpenOrCreate makes a new one. A file that does not carry the toolkit's header is left alone
// (ErrForeign).
func Unlink(name string) error { return segment.Unlink(name, segment.Mem{}) }
