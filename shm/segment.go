package shm

import (
	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
)

// Segment is plain bytes in shared memory. Its methods may be called from any goroutine. The zero
// Segment is a closed handle, which UnmarshalText opens.
type Segment struct{ handle }

// SegmentConfig is a Segment's configuration.
type SegmentConfig struct {
	// Size in bytes. New, Create need it; for Open zero means any, else it must be the size that is there.
	Size int
	// Init, if there is one, is run on the zeroed bytes before anybody else can see them; as Config.Init.
	Init func([]byte)
	// Mem is the memory knobs.
	Mem Mem
}

// NewSegment makes size zeroed bytes without a name, gone with their last user.
func NewSegment(size int) (*Segment, error) { return SegmentConfig{Size: size}.New() }

// OpenSegment maps the bytes of that name, which must exist (fs.ErrNotExist).
func OpenSegment(name string) (*Segment, error) { return SegmentConfig{}.Open(name) }

// OpenOrCreateSegment maps the bytes of that name, which it makes, zeroed, if there are none. If there
// are some it must be size of them (*MismatchError).
func OpenOrCreateSegment(name string, size int) (*Segment, error) {
	return SegmentConfig{Size: size}.OpenOrCreate(name)
}

// New makes a segment without a name, gone with its last user.
func (c SegmentConfig) New() (*Segment, error) {
	return wrapSegment(segment.New(c.spec(), segment.Mem(c.Mem)))
}

// Create makes a segment of that name, which must be free (fs.ErrExist).
func (c SegmentConfig) Create(name string) (*Segment, error) {
	return wrapSegment(segment.Create(name, c.spec(), segment.Mem(c.Mem)))
}

// Open maps the segment of that name. It must exist (fs.ErrNotExist) and have c.Size, unless that is
// zero (*MismatchError).
func (c SegmentConfig) Open(name string) (*Segment, error) {
	return wrapSegment(segment.Open(name, c.spec(), segment.Mem(c.Mem)))
}

// OpenOrCreate maps the segment of that name, which it makes if there is none.
func (c SegmentConfig) OpenOrCreate(name string) (*Segment, error) {
	return wrapSegment(segment.OpenOrCreate(name, c.spec(), segment.Mem(c.Mem)))
}

// OpenRaw maps a file without the toolkit's header, as Python's SharedMemory makes them, at its present
// size, which is all that is checked; it must be a regular file and not empty. The path is taken as it
// is. Locks and events of package sem work inside between Go programs: to tell who is alive, OpenRaw
// locks one byte of the file far behind its end (an advisory lock, beyond 1 TiB), which only a program
// that locks the whole file by fcntl can notice. Such a segment has no handle text. It can be truncated
// by whoever may write to the file.
func OpenRaw(path string) (*Segment, error) { return wrapSegment(segment.OpenRaw(path)) }

func wrapSegment(s *segment.Segment, err error) (*Segment, error) {
	if err != nil {
		return nil, err
	}
	return &Segment{handle{s}}, nil
}

// spec of plain bytes: the first number of the shape is their size.
func (c SegmentConfig) spec() segment.Spec {
	spec := segment.Spec{
		Kind:       abi.KindSegment,
		Shape:      [4]uint64{uint64(c.Size)},
		ShapeNames: [4]string{"size"},
		Size:       segmentSize,
	}
	if c.Init != nil {
		spec.Init = func(payload []byte) error {
			c.Init(payload)
			return nil
		}
	}
	return spec
}

func segmentSize(shape [4]uint64) int64 {
	if shape[0] == 0 || shape[0] > abi.MaxSize || shape != [4]uint64{shape[0]} {
		return -1
	}
	return int64(shape[0])
}

// Bytes returns the memory, or nil once s is closed. It is good until Close, which the collector never
// does for you; using it afterwards ends the process with a fault. Peers may write to it at any moment:
// read a byte once, and check it.
func (s *Segment) Bytes() []byte { return s.s.Payload() }

// UnmarshalText opens the segment that a handle text stands for. s must be zero or closed.
func (s *Segment) UnmarshalText(text []byte) error {
	return s.decode(text, SegmentConfig{}.spec())
}
