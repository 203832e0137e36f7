package process

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"io"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/value"
)

// tools are the objects that a child uses until it is killed, and its parent before and after: those that have a handle. An
// object is added by a line here. Each side is a function that prepares and gives a step, which is repeated; the parent's returns an error
// when something is lost, torn or in the way.
var tools = []tool{
	toolOf("MPMC", func() (*ringbuf.MPMC[[2]int64], error) { return ringbuf.NewMPMC[[2]int64](64) }, putAndGet, putAndGet),
	toolOf("MPMC of bytes", func() (*ringbuf.MPMC[[]byte], error) { return ringbuf.NewMPMC[[]byte](1 << 14) }, letters(), letters()),
	toolOf("Broadcast", func() (*ringbuf.Broadcast[int64], error) { return ringbuf.NewBroadcast[int64](64) }, publish, subscribe),
	toolOf("Value", func() (*value.Value[quad], error) { return value.New(quad{}) }, storeQuads, loadQuads),
	toolOf("Value of a word", func() (*value.Value[int64], error) { return value.New(int64(0)) }, count, mayCount),
	toolOf("Array", func() (*array.Array[quad], error) { return array.New[quad](8) }, writeQuads, readQuads),
	toolOf("Queue", func() (*queue.Queue[quad], error) { return queue.New[quad](64) }, trade(quadOf, quad.whole), tradeForSure(quadOf, quad.whole)),
	toolOf("Queue of what is encoded", func() (*queue.Queue[parcel], error) { return queue.New[parcel](64) },
		trade(theirs, parcel.whole), tradeForSure(mine, parcel.whole)),
	toolOf("JoinableQueue", newEmployer, employed, employs),
	toolOf("pipe", newLine, writes, reads),
}

type tool struct {
	name   string
	make   func() (object, error)
	child  func(context.Context, string) (step, error) // from the handle's text
	parent func(context.Context, object) (step, error)
}

type step = func() error

type object interface {
	encoding.TextMarshaler
	io.Closer
}

// An object may have something to say of what must hold once its child is dead.
type mourner interface{ Buried(context.Context) error }

func toolOf[H any, P interface {
	*H
	object
	encoding.TextUnmarshaler
}](name string, make func() (P, error), child, parent func(context.Context, P) (step, error)) tool {
	return tool{
		name: name,
		make: func() (object, error) { return make() },
		child: func(ctx context.Context, text string) (step, error) {
			p := P(new(H))
			if err := p.UnmarshalText([]byte(text)); err != nil {
				return nil, err
			}
			return child(ctx, p)
		},
		parent: func(ctx context.Context, o object) (step, error) { return parent(ctx, o.(P)) },
	}
}

// unless is err if it is none of those that are to be expected.
func unless(err error, expected ...error) error {
	for _, e := range expected {
		if err == e {
			return nil
		}
	}
	return err
}

func putAndGet(_ context.Context, r *ringbuf.MPMC[[2]int64]) (step, error) {
	i := int64(0)
	return func() error {
		i++
		put := unless(r.TryPut([2]int64{i, -i}), ringbuf.ErrFull)
		got, err := r.TryGet()
		if err == nil && got[0] != -got[1] {
			err = fmt.Errorf("torn: %d", got)
		}
		return errors.Join(put, unless(err, ringbuf.ErrEmpty))
	}, nil
}

// letters sends messages all of whose bytes are the same, of every length up to 1000.
func letters() func(context.Context, *ringbuf.MPMC[[]byte]) (step, error) {
	return func(_ context.Context, r *ringbuf.MPMC[[]byte]) (step, error) {
		n := 0
		return func() error {
			n = (n + 37) % 1000
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(n)
			}
			put := unless(r.TryPut(b), ringbuf.ErrFull)
			got, err := r.TryGet()
			for _, x := range got {
				if x != byte(len(got)) {
					err = fmt.Errorf("torn: %d in a message of %d bytes", x, len(got))
				}
			}
			return errors.Join(put, unless(err, ringbuf.ErrEmpty))
		}, nil
	}
}

func publish(_ context.Context, b *ringbuf.Broadcast[int64]) (step, error) {
	p, err := b.Publisher()
	i := int64(0)
	return func() error {
		err := p.TryPut(i)
		if err == nil {
			i++
		}
		return unless(err, ringbuf.ErrFull)
	}, err
}

// subscribe wants all that is published, in order.
func subscribe(_ context.Context, b *ringbuf.Broadcast[int64]) (step, error) {
	s, err := b.Subscribe(ringbuf.Oldest)
	want := int64(0)
	return func() error {
		for {
			got, err := s.TryGet()
			if err != nil {
				return unless(err, ringbuf.ErrEmpty)
			}
			if got != want {
				return fmt.Errorf("item %d is %d", want, got)
			}
			want++
		}
	}, err
}

// quad is whole if all are equal.
type quad [4]int64

func (q quad) whole() error {
	if q != (quad{q[0], q[0], q[0], q[0]}) {
		return fmt.Errorf("torn: %d", q)
	}
	return nil
}

func (q *quad) grow() {
	for i := range q {
		q[i]++
	}
}

func storeQuads(_ context.Context, v *value.Value[quad]) (step, error) {
	return func() error {
		v.Update((*quad).grow)
		q := v.Load()
		v.Store(q)
		return v.Swap(q).whole()
	}, nil
}

func loadQuads(ctx context.Context, v *value.Value[quad]) (step, error) {
	return func() error {
		return errors.Join(v.Load().whole(), v.UpdateContext(ctx, (*quad).grow), v.Load().whole())
	}, nil
}

func count(_ context.Context, v *value.Value[int64]) (step, error) {
	return func() error { value.Add(v, 1); return nil }, nil
}

// mayCount wants the count to grow.
func mayCount(_ context.Context, v *value.Value[int64]) (step, error) {
	last := int64(0)
	return func() error {
		now := value.Add(v, 1)
		if now <= last {
			return fmt.Errorf("%d after %d", now, last)
		}
		last = now
		return nil
	}, nil
}

func writeQuads(_ context.Context, a *array.Array[quad]) (step, error) {
	i := 0
	return func() error {
		i = (i + 1) % a.Len()
		a.Update(i, (*quad).grow)
		a.Store(i, a.Load(i))
		q := a.Load(i)
		all := make([]quad, a.Len())
		for k := range all {
			all[k] = q
		}
		_, err := a.WriteAt(all, 0)
		return err
	}, nil
}

// readQuads wants each element whole, and all of them: a range is written whole or not at all, also behind a death.
func readQuads(_ context.Context, a *array.Array[quad]) (step, error) {
	all := make([]quad, a.Len())
	return func() error {
		if _, err := a.ReadAt(all, 0); err != nil {
			return err
		}
		a.Update(0, (*quad).grow)
		for _, q := range all {
			if err := q.whole(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
