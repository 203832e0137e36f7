package hold

import (
	"errors"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/segment"
	"github.com/shmkit/shmkit/sem"
)

// held is a segment whose claim commands inherit.
type held struct {
	seg  *segment.Segment
	lent int // a descriptor of the claim; −1: none yet
}

func (h *held) open(name string, spec segment.Spec) (err error) {
	spec.Lend = h.lend
	if h.seg, err = segment.OpenOrCreate(name, spec, segment.Mem{}); err != nil {
		return errors.Join(err, h.giveUp())
	}
	return nil
}

// lend keeps a duplicate. It is called again when a name goes while it is being opened.
func (h *held) lend(fd int) error {
	err := h.giveUp()
	if err == nil {
		h.lent, err = inherited(fd)
	}
	return err
}

func (h *held) giveUp() error {
	fd := h.lent
	h.lent = -1
	if fd < 0 {
		return nil
	}
	return closeFD(fd)
}

// Close ends this process's part. What it holds should be given up before; a command that still runs keeps the id
// alive.
func (h *held) Close() error { return errors.Join(h.seg.Close(), h.giveUp()) }

// Bounded is a semaphore in a named segment of its own.
type Bounded struct {
	V *sem.Bounded // good until Close
	held
}

// OpenBounded opens the semaphore of that name, which it makes, of n permits, if there is none. With zero there must
// be one.
func OpenBounded(name string, n int) (*Bounded, error) {
	b := &Bounded{V: new(sem.Bounded), held: held{lent: -1}}
	err := b.open(name, segment.Spec{
		Kind:       abi.KindBounded,
		Shape:      [4]uint64{abi.ShapePermits: uint64(n)},
		ShapeNames: [4]string{abi.ShapePermits: "permits"},
		Size:       abi.BoundedSize,
	})
	if err != nil {
		return nil, err
	}
	text, err := b.seg.Text()
	if err == nil {
		err = b.V.UnmarshalText(text) // the same mapping: the claim is the one that was lent
	}
	if err != nil {
		return nil, errors.Join(err, b.held.Close())
	}
	return b, nil
}

// Close ends this process's part, as an Object's Close.
func (b *Bounded) Close() error { return errors.Join(b.V.Close(), b.held.Close()) }
