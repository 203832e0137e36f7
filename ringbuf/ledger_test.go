package ringbuf_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/ringbuf"
)

// Every process of these tests looks for the dead this often.
func init() { park.SetSlice(5 * time.Millisecond) }

// Where the words of the control block lie: what package abi says, once more, as a peer would have it.
const (
	atTail, atPuts, atHead, atGets = 0, 8, 128, 136
	atLimit, atNotEmpty, atNotFull = 256, 384, 512
	atProducer, atConsumer         = 640, 644
	atShut, atSlots                = 648, 896
)

func load(b []byte, at int) uint64     { return binary.NativeEndian.Uint64(b[at:]) }
func store(b []byte, at int, x uint64) { binary.NativeEndian.PutUint64(b[at:], x) }

// form is what the two forms of a ring differ in, for tests of both. Items are numbered, and a torn one
// contradicts itself.
type form[T any] struct {
	name   string
	end    string // the victim that has one end; and the side of a storm
	storm  string
	cap    int
	fits   int // how many items with small numbers fill it
	make   func(n uint64) T
	number func(v T) (uint64, error)
}

type item [3]uint64

var items = form[item]{
	name: "items", end: "end of items", storm: "storm of items", cap: 16, fits: 16,
	make: func(n uint64) item { return item{n, ^n, n * 0x9e3779b97f4a7c15} },
	number: func(v item) (uint64, error) {
		if v[1] != ^v[0] || v[2] != v[0]*0x9e3779b97f4a7c15 {
			return 0, fmt.Errorf("torn item %x", v)
		}
		return v[0], nil
	},
}

// A message is its number and up to 40 bytes that follow from it. The ring starts 4096 bytes before the
// wrap-around, so with 128 bytes of slots its end, and a skip there, comes within a few messages.
var messages = form[[]byte]{
	name: "messages", end: "end of messages", storm: "storm of messages", cap: 64, fits: 4,
	make: func(n uint64) []byte {
		m := binary.NativeEndian.AppendUint64(nil, n)
		for i := range n * 7 % 41 {
			m = append(m, byte(n*31+i))
		}
		return m
	},
}

func init() {
	messages.number = func(m []byte) (uint64, error) {
		if len(m) < 8 {
			return 0, fmt.Errorf("torn message %x", m)
		}
		n := binary.NativeEndian.Uint64(m)
		if n > 1<<48 || !slices.Equal(m, messages.make(n)) {
			return 0, fmt.Errorf("torn message %x", m)
		}
		return n, nil
	}
}

const marker = 1000 // the survivors' item, behind all others

// fill puts items first … until the ring is full, and returns the number of the next.
func (f form[T]) fill(p *ringbuf.Producer[T], first uint64) (uint64, error) {
	for n := first; ; n++ {
		if err := p.TryPut(f.make(n)); err == ringbuf.ErrFull {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

// get returns the next item's number, or io.EOF.
func (f form[T]) get(ctx context.Context, c *ringbuf.Consumer[T]) (uint64, error) {
	v, err := c.Get(ctx)
	if err != nil {
		return 0, err
	}
	return f.number(v)
}

// drain takes all that is there, up to the end of the stream, an empty ring or the item last.
func (f form[T]) drain(c *ringbuf.Consumer[T], last uint64) (got []uint64, err error) {
	for {
		v, err := c.TryGet()
		if err == ringbuf.ErrEmpty || err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		n, err := f.number(v)
		if err != nil {
			return got, err
		}
		if got = append(got, n); n == last {
			return got, nil
		}
	}
}

// within100ms repeats what may be refused while the kernel still takes a dead process apart.
func within100ms[E any](claim func() (E, error)) (e E, err error) {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if e, err = claim(); err == nil || time.Since(start) > 100*time.Millisecond {
			return e, err
		}
	}
}

// count is 0, 1, … n-1, with what follows appended.
func count(n int, then ...uint64) (s []uint64) {
	for i := range n {
		s = append(s, uint64(i))
	}
	return append(s, then...)
}
