package golden

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// long is a message that does not fit into a slot of a ring of many.
var long = bytes.Repeat([]byte("golden"), 40)

func init() {
	maps.Copy(objects, map[string]object{
		"mpmc.messages": {
			create: func(name string) (io.Closer, error) {
				r, err := ringbuf.MPMCConfig[[]byte]{Cap: 1000, MaxMessage: 300}.Create(name)
				if err != nil {
					return nil, err
				}
				return r, errors.Join(r.TryPut([]byte("short")), r.TryPut(long))
			},
			check: func(name string) error {
				r, err := ringbuf.OpenMPMC[[]byte](name)
				if err != nil {
					return err
				}
				x, err := r.TryGet()
				y, err2 := r.TryGet()
				return errors.Join(err, err2, want("first", string(x), "short"), want("second", string(y), string(long)),
					want("longest", r.MaxMessage(), 300), r.TryPut(long), closing(r, nil))
			},
			other: func(name string) error { return opens(ringbuf.OpenMPMC[int32](name)) },
		},
		"broadcast": {
			create: func(name string) (io.Closer, error) {
				return cast(ringbuf.BroadcastConfig[rec]{Cap: 10}.Create(name))(recOf(1), recOf(2))
			},
			check: func(name string) error {
				b, err := ringbuf.OpenBroadcast[rec](name)
				return heard(b, err, func(s *ringbuf.Subscriber[rec]) error {
					x, err := s.TryGet()
					y, err2 := s.TryGet()
					return errors.Join(err, err2, want("first", x, recOf(1)), want("second", y, recOf(2)))
				})
			},
			other: func(name string) error { return opens(ringbuf.OpenBroadcast[int32](name)) },
		},
		"broadcast.messages": {
			create: func(name string) (io.Closer, error) {
				return cast(ringbuf.BroadcastConfig[[]byte]{Cap: 1000, Overrun: true}.Create(name))([]byte("golden"), long)
			},
			check: func(name string) error {
				b, err := ringbuf.BroadcastConfig[[]byte]{Overrun: true}.Open(name)
				return heard(b, err, func(s *ringbuf.Subscriber[[]byte]) error {
					x, err := s.TryGet()
					y, err2 := s.TryGet()
					return errors.Join(err, err2, want("first", string(x), "golden"), want("second", string(y), string(long)))
				})
			},
			other: func(name string) error { return opens(ringbuf.OpenBroadcast[int32](name)) },
		},
		"bounded": {
			create: func(name string) (io.Closer, error) {
				b, err := sem.BoundedConfig{N: 100}.Create(name)
				if err != nil {
					return nil, err
				}
				if !b.TryAcquire() {
					err = errors.New("no permit")
				}
				return b, errors.Join(err, b.Release()) // its version has moved on
			},
			check: func(name string) error {
				b, err := sem.OpenBounded(name)
				if err != nil {
					return err
				}
				n := 0
				for b.TryAcquire() {
					n++
				}
				for range n {
					err = errors.Join(err, b.Release())
				}
				return errors.Join(err, want("permits", n, 100), closing(b, nil))
			},
		},
	})
}

func cast[T any](b *ringbuf.Broadcast[T], err error) func(xs ...T) (io.Closer, error) {
	return func(xs ...T) (io.Closer, error) {
		if err != nil {
			return nil, err
		}
		p, err := b.Publisher()
		if err != nil {
			return b, err
		}
		for _, x := range xs {
			err = errors.Join(err, p.Put(ctx, x))
		}
		return b, errors.Join(err, p.Close())
	}
}

func heard[T any](b *ringbuf.Broadcast[T], err error, hear func(s *ringbuf.Subscriber[T]) error) error {
	if err != nil {
		return err
	}
	s, err := b.Subscribe(ringbuf.Oldest)
	if err != nil {
		return errors.Join(err, closing(b, nil))
	}
	return errors.Join(hear(s), s.Close(), closing(b, nil))
}

// Each other field of the header that is not as it was written is refused as well, whatever the kind, and by name. One that says nothing
// about this kind is of no account only where it is reserved.
func TestEachFieldRefused(t *testing.T) {
	add := func(at int, n uint64) func(b []byte) {
		return func(b []byte) { binary.NativeEndian.PutUint64(b[at:], binary.NativeEndian.Uint64(b[at:])+n) }
	}
	for name, o := range objects {
		whole := golden(t, name)
		typed := binary.NativeEndian.Uint64(whole[64:]) != 0
		for what, spoil := range map[string]func(b []byte){
			"no kind":                func(b []byte) { clear(b[24:28]) },
			"a longer format string": func(b []byte) { b[28]++ },
			"another payload offset": add(48, abi.PageSize),
			"no payload":             func(b []byte) { clear(b[56:64]) },
			"another element size":   add(64, 8),
			"another element align":  add(72, 1),
			"shape 0":                add(80, 1<<62), // one more may be another object, and a good one
			"shape 1":                add(88, 1),
			"shape 2":                add(96, 1),
			"shape 3":                add(104, 1<<62),
			"a codec":                func(b []byte) { b[112] ^= 'x' },
		} {
			b := bytes.Clone(whole)
			spoil(b)
			lay(t, "g.bad", b)
			named(t, name+": "+what, o.check("g.bad"))
		}
		if typed {
			b := bytes.Clone(whole)
			b[257] ^= 3 // the element type's first letter
			lay(t, "g.bad", b)
			named(t, name+": another format string", o.check("g.bad"))
		}
		b := bytes.Clone(whole)
		b[200], b[255] = 1, 1
		lay(t, "g.good", b)
		if err := o.check("g.good"); err != nil {
			t.Errorf("%s: reserved bytes: %v", name, err)
		}
	}
}

// named wants a refusal that says what is wrong: a mismatch, or a header that contradicts itself.
func named(t *testing.T, what string, err error) {
	t.Helper()
	var m *shm.MismatchError
	if !errors.Is(err, abi.ErrCorrupt) && (!errors.As(err, &m) || m.What == "") {
		t.Errorf("%s: %v", what, err)
	}
}
