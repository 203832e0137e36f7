// Package pipe is connections in shared memory, between processes or goroutines: Python's Pipe, and a [net.Conn].
//
//	a, b, err := pipe.New()
//	err = a.Send(ctx, []any{11, nil, "lily"})   // here
//	err = b.Recv(ctx, &v)                       // there
//
// A [Conn] is one end. What it sends the other end receives, in order:
//
//   - values, with [Conn.Send] and [Conn.Recv]: anything that CBOR can say, handles of this toolkit included,
//     pipes too, which are open on arrival;
//   - messages, with [Conn.SendBytes] and [Conn.RecvBytes]: bytes with bounds, of any length;
//   - a stream, with Read and Write: bytes without bounds, for net/rpc, net/http and whatever else runs over a net.Conn.
//
// All three go through one pipe in the order in which they were sent, and each is received by its own call: another one
// finds what comes next with [ErrKind], takes nothing, and the right call still gets it.
//
// [NewOneWay] is a pipe with a reading and a writing end. [Listen] and [Dial] meet under a name.
//
// # Whose end it is
//
// A Conn is a handle, and a handle is text: it travels as a process's argument, in a message, through another
// pipe. An end belongs to whoever first uses it: the first call that sends or receives claims it for its process, and the
// same call by any other handle on it is [ErrClaimed]. To decode a handle claims nothing. So the parent makes
// a pipe, uses a, gives b away and closes its own b:
//
//	a, b, err := pipe.New()
//	p, err := child.Start(ctx, Args{b})
//	b.Close()
//
// An end is closed, for ever, when its owner closes it or dies; and if nobody has claimed it, when nobody has it open any
// more: keep it open until its receiver has it, as Start does.
//
// # Death and close
//
// The death of a process is the same as its Close. Who receives gets everything that had been sent, then io.EOF. Who
// sends gets an error that is syscall.EPIPE and io.ErrClosedPipe: at once after a Close; after a death as soon as the call
// would wait, and else within the next 128 messages, which are lost. A death is noticed by who waits within about 50 ms.
//
// A message is received whole or not at all. One of up to half the capacity is sent by one store. A longer one goes in
// pieces, as the receiver takes them; if its sender dies in the midst of it the receiver gets an error that is
// io.ErrUnexpectedEOF, and then io.EOF.
//
// # Contexts and deadlines
//
// A Send whose ctx ends has sent nothing: what had gone of a long message is taken back, in that the receiver drops it. A Recv
// whose ctx ends has received nothing: what has come of a long message is kept for the next Recv. Deadlines are for
// Read and Write alone; Write alone may have done a part of its work when it fails, and says how much.
//
// # Memory order
//
// A Send or Write synchronizes before the Recv or Read that returns what it sent.
package pipe

import (
	"cmp"
	"fmt"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/shm"
)

// New makes a pipe without a name and returns its two ends, each of which sends and receives.
func New() (a, b *Conn, err error) { return Config{}.New() }

// NewOneWay makes a pipe in which what w sends r receives. The other direction is ErrDirection.
func NewOneWay() (r, w *Conn, err error) { return Config{}.NewOneWay() }

// Config is the configuration of a pipe, or of a listener. The zero value is good.
type Config struct {
	// Cap is how many bytes a direction holds, rounded up to a power of two, 4096 at least; 0 is 64 KiB. Messages may
	// be longer. Each takes 8 to 15 bytes of its own. With Listen it means nothing: who dials makes the pipe.
	Cap int
	// Mem is the memory knobs. Of a listener Perm says which processes may ask for a pipe; see Listen.
	Mem shm.Mem
}

// New is the function New with this configuration.
func (c Config) New() (a, b *Conn, err error) { return c.make(abi.FormTwoWay) }

// NewOneWay is the function NewOneWay with this configuration.
func (c Config) NewOneWay() (r, w *Conn, err error) { return c.make(abi.FormOneWay) }

func (c Config) make(form uint64) (a, b *Conn, err error) {
	sp, err := spec(c.Cap, form)
	if err != nil {
		return nil, nil, err
	}
	s, err := segment.New(sp, segment.Mem(c.Mem))
	if err != nil {
		return nil, nil, err
	}
	text, err := s.Text()
	if err == nil {
		var again *segment.Segment
		if again, err = segment.FromText(text, sp); err == nil {
			return newConn(s, 0), newConn(again, 1), nil
		}
	}
	_ = s.Close()
	return nil, nil, err
}

const (
	defaultCap = 64 << 10
	minCap     = 4 << 10
	maxCap     = 1 << 38
)

// spec describes a pipe; zero means whatever is there, and when it is made the default.
func spec(capacity int, form uint64) (segment.Spec, error) {
	if capacity < 0 || capacity > maxCap {
		return segment.Spec{}, fmt.Errorf("pipe: a capacity of %d is not between 0 and %d", capacity, uint64(maxCap))
	}
	made := uint64(cmp.Or(capacity, defaultCap))
	shape := [4]uint64{abi.ShapeForm: form}
	if capacity != 0 {
		shape[abi.ShapeCap], shape[abi.ShapeSlots] = made, roomFor(made)
	}
	return segment.Spec{
		Kind:       abi.KindPipe,
		Shape:      shape,
		Default:    [4]uint64{abi.ShapeCap: made, abi.ShapeSlots: roomFor(made), abi.ShapeForm: abi.FormTwoWay},
		ShapeNames: [4]string{"capacity", "bytes", "form"},
		Size:       size,
		Init:       func(payload []byte) error { return initialise(payload, roomFor(made)) },
	}, nil
}

func roomFor(capacity uint64) uint64 {
	n := uint64(minCap)
	for n < capacity {
		n *= 2
	}
	return n
}

// size checks a shape that may come from a hostile header.
func size(s [4]uint64) int64 {
	capacity, room := s[abi.ShapeCap], s[abi.ShapeSlots]
	if capacity == 0 || capacity > maxCap || room != roomFor(capacity) || s[3] != 0 {
		return -1
	}
	switch s[abi.ShapeForm] {
	case abi.FormTwoWay:
		return int64(ctlSize + 2*room)
	case abi.FormOneWay:
		return int64(ctlSize + room)
	}
	return -1
}
