package ringbuf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// named says that an error is one that a caller can act on.
func named(err error) bool {
	for _, want := range []error{
		nil, io.EOF, io.ErrClosedPipe, ringbuf.ErrFull, ringbuf.ErrEmpty, ringbuf.ErrClaimed, ringbuf.ErrTooLarge,
		shm.ErrCorrupt, context.DeadlineExceeded,
	} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

const timeout = time.Millisecond

// use does everything that can be done with a ring whose words a peer has spoilt, and says what was not
// right: an error without a name, or a call that did not keep its deadline.
func use[T any](f form[T], x pair[T]) (err error) {
	try := func(what string, call func(ctx context.Context) error) {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		start := time.Now()
		if e := call(ctx); !named(e) {
			err = errors.Join(err, fmt.Errorf("%s: %w", what, e))
		}
		if took := time.Since(start); took > 2*time.Second { // far more than any load explains
			err = errors.Join(err, fmt.Errorf("%s took %v", what, took))
		}
	}
	v := f.make(3)
	try("TryGet", func(context.Context) error { _, e := x.c.TryGet(); return e })
	try("Get", func(ctx context.Context) error { _, e := x.c.Get(ctx); return e })
	try("TryPut", func(context.Context) error { return x.p.TryPut(v) })
	try("Put", func(ctx context.Context) error { return x.p.Put(ctx, v) })
	try("Next", func(ctx context.Context) error {
		run, e := x.c.Next(ctx, 3)
		for i := range run {
			_, _ = f.number(run[i])
		}
		if e == nil {
			x.c.Release(len(run))
		}
		return e
	})
	if p, ok := any(x.p).(*ringbuf.Producer[[]byte]); ok {
		try("ReserveBytes", func(ctx context.Context) error {
			dst, e := ringbuf.ReserveBytes(ctx, p, 30)
			clear(dst)
			if e == nil {
				p.Commit(1)
			}
			return e
		})
	} else {
		try("Reserve", func(ctx context.Context) error {
			run, e := x.p.Reserve(ctx, 3)
			clear(run)
			x.p.Commit(len(run))
			return e
		})
	}
	if n, most := x.r.Len(), len(ringbuf.Payload(x.r)); n < 0 || n > most {
		err = errors.Join(err, fmt.Errorf("Len %d", n))
	}
	x.r.Stats()
	return err
}

// bounds are the values at which something may tip over.
func bounds(room uint64) (v []uint64) {
	const begin = uint64(1<<64 - 1<<12)
	for _, x := range []uint64{0, 1, 8, room, begin, begin + room, 1 << 31, 1 << 32, 1 << 63, math.MaxUint64} {
		v = append(v, x-1, x, x+1, x+4)
	}
	return append(v, 0x5555555555555555)
}

// words are all words of the control block that anything reads.
var words = []int{
	atTail, atPuts, atHead, atGets, atLimit, atNotEmpty, atNotEmpty + 4, atNotFull, atNotFull + 4,
	atProducer, atConsumer, atShut, atShut + 4, 656, 664, 768, 776,
}

// Each word of the control block is set to each of those values, before the ends are claimed and after.
func TestHostileWords(t *testing.T) {
	t.Run("items", func(t *testing.T) { hostileWords(t, items) })
	t.Run("messages", func(t *testing.T) { hostileWords(t, messages) })
}

func hostileWords[T any](t *testing.T, f form[T]) {
	for _, at := range words {
		for i, x := range bounds(uint64(f.cap)) {
			if testing.Short() && i%4 != 1 {
				continue
			}
			for when := range 3 { // of a ring in use, with something in it or not; then of one that nobody uses
				if err := hostileWord(f, at, x, when); err != nil {
					t.Errorf("word %d = %#x, %d: %v", at, x, when, err)
				}
			}
		}
	}
}

func hostileWord[T any](f form[T], at int, word uint64, when int) (err error) {
	r, err := ringbuf.NewSPSC[T](f.cap)
	if err != nil {
		return err
	}
	defer r.Close()
	p, _ := r.Producer()
	c, _ := r.Consumer()
	for n := range uint64(when % 2 * 2) {
		p.TryPut(f.make(n))
	}
	if when == 2 {
		p.Close()
		c.Close()
	}
	ctl := ringbuf.Payload(r)
	if at >= atProducer && at < 656 || at == atNotEmpty+4 || at == atNotFull+4 {
		binary.NativeEndian.PutUint32(ctl[at:], uint32(word))
	} else {
		store(ctl, at, word)
	}
	if when == 2 {
		var e1, e2 error
		p, e1 = r.Producer()
		c, e2 = r.Consumer()
		if !named(e1) || !named(e2) {
			return errors.Join(e1, e2)
		}
		if e1 != nil || e2 != nil {
			return nil
		}
	}
	return mayPanic(func() error { return use(f, pair[T]{r, p, c}) })
}

// A peer scribbles over all of the segment at full speed while the ends are used, claimed and closed.
func TestHostileScribbler(t *testing.T) {
	t.Run("items", func(t *testing.T) { scribble(t, items) })
	t.Run("messages", func(t *testing.T) { scribble(t, messages) })
}

func scribble[T any](t *testing.T, f form[T]) {
	r, err := ringbuf.NewSPSC[T](f.cap)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var stop atomic.Bool
	var peer sync.WaitGroup
	defer peer.Wait()
	defer stop.Store(true)
	ctl := ringbuf.Payload(r)
	peer.Go(func() { scribbleOver(ctl, uint64(f.cap), &stop) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rounds, served := 0, 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); rounds++ {
		p, e1 := r.Producer()
		c, e2 := r.Consumer()
		if e1 == nil && e2 == nil {
			served++
			err = mayPanic(func() error { return use(f, pair[T]{r, p, c}) })
		} else if !named(e1) || !named(e2) {
			err = errors.Join(e1, e2)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e1 == nil {
			p.Close()
		}
		if e2 == nil {
			c.Close()
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / uint64(rounds); per > 16<<10 {
		t.Errorf("%d bytes allocated a round", per)
	}
	t.Logf("%d rounds, %d with both ends", rounds, served)
}

// mayPanic returns a panic of f as an error.
func mayPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			b := make([]byte, 8192)
			err = fmt.Errorf("panic: %v\n%s", p, b[:runtime.Stack(b, false)])
		}
	}()
	return f()
}

// scribbleOver writes boundary values, and near misses of what is there, all over.
func scribbleOver(mem []byte, room uint64, stop *atomic.Bool) {
	values, x := bounds(room), uint64(88172645463325252)
	for !stop.Load() {
		for range 1000 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			at := words[x%uint64(len(words))]
			if (at == atProducer || at == atConsumer) && x>>8%64 != 0 {
				at = atLimit // who has the ends is not what is spoilt most: else nobody would get any
			}
			if x>>16%4 == 0 {
				at = int(x >> 20 % uint64(len(mem)/8) * 8)
			}
			switch x >> 18 % 4 {
			case 0:
				store(mem, at&^7, values[x>>32%uint64(len(values))])
			case 1:
				store(mem, at&^7, load(mem, at&^7)+x>>60)
			case 2:
				store(mem, at&^7, load(mem, atTail)+x>>40%4*8)
			default:
				store(mem, at&^7, x>>32%200)
			}
		}
	}
}

// A peer that writes a length into a record makes nobody allocate by it.
func TestHostileLengthAllocates(t *testing.T) {
	x := newPair[[]byte](t, 1<<20)
	x.p.TryPut([]byte("abc"))
	ctl := ringbuf.Payload(x.r)
	record := len(ctl) - 4096 // the first position is so much before the wrap-around
	for _, n := range []uint64{1 << 20, 1<<20 - 8, 1<<20 - 7, 1<<21 - 8, 1 << 30, 1<<32 - 2, 1 << 40, math.MaxUint64} {
		store(ctl, record, n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			if m, err := x.c.TryGet(); !errors.Is(err, shm.ErrCorrupt) {
				t.Fatalf("a length of %d: %d bytes, %v", n, len(m), err)
			}
		}
		runtime.ReadMemStats(&after)
		if per := (after.TotalAlloc - before.TotalAlloc) / 100; per > 4096 {
			t.Errorf("a length of %d: %d bytes allocated", n, per)
		}
	}
	store(ctl, record, 3)
	if m, err := x.c.TryGet(); string(m) != "abc" || err != nil {
		t.Errorf("put right again: %q, %v", m, err)
	}
}

// Room that comes and goes, at any moment of a Put, is no room.
func TestHostileRoom(t *testing.T) {
	t.Run("items", func(t *testing.T) {
		flicker(t, items, []int{atHead, atLimit}, 1, func(ctx context.Context, x pair[item]) error {
			return x.p.Put(ctx, items.make(0))
		})
	})
	t.Run("messages", func(t *testing.T) {
		flicker(t, messages, []int{atHead, atLimit}, 64, func(ctx context.Context, x pair[[]byte]) error {
			return x.p.Put(ctx, messages.make(0))
		})
	})
}

// Items that come and go are no items.
func TestHostileItems(t *testing.T) {
	t.Run("items", func(t *testing.T) {
		flicker(t, items, []int{atTail}, 1, func(ctx context.Context, x pair[item]) error { _, err := x.c.Get(ctx); return err })
	})
	t.Run("messages", func(t *testing.T) {
		flicker(t, messages, []int{atTail}, 64, func(ctx context.Context, x pair[[]byte]) error { _, err := x.c.Get(ctx); return err })
	})
}

// flicker changes words to and fro by step, under calls to a full ring or an empty one.
func flicker[T any](t *testing.T, f form[T], at []int, step uint64, call func(context.Context, pair[T]) error) {
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		x := newPair[T](t, f.cap)
		if _, err := f.fill(x.p, 0); at[0] == atHead && err != nil {
			t.Fatal(err)
		}
		if _, err := f.drain(x.c, marker); at[0] == atTail && err != nil {
			t.Fatal(err)
		}
		ctl := ringbuf.Payload(x.r)
		var stop atomic.Bool
		var peer sync.WaitGroup
		peer.Go(func() {
			for !stop.Load() {
				for _, sign := range []uint64{1, ^uint64(0)} {
					for _, a := range at {
						store(ctl, a, load(ctl, a)+sign*step)
					}
				}
			}
		})
		for range 4 {
			if err := mayPanic(func() error {
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				defer cancel()
				return call(ctx, x)
			}); !named(err) {
				t.Error(err)
			}
		}
		stop.Store(true)
		peer.Wait()
		if t.Failed() {
			return
		}
	}
}

// A ring that was shut down ends, whatever the other words say.
func TestHostileEnd(t *testing.T) {
	for _, at := range []int{atHead, atLimit, atGets, atPuts} {
		x := newPair[item](t, 16)
		x.r.Shutdown()
		ctl := ringbuf.Payload(x.r)
		store(ctl, at, load(ctl, at)-1)
		done := make(chan error, 1)
		go func() { _, err := x.c.TryGet(); done <- err }()
		select {
		case err := <-done:
			if err != io.EOF && !errors.Is(err, shm.ErrCorrupt) {
				t.Errorf("word %d: %v", at, err)
			}
		case <-time.After(5 * time.Second):
			store(ctl, at, load(ctl, at)+1)
			<-done
			t.Errorf("word %d: TryGet did not return", at)
		}
	}
}

// A consumer whose own position was changed under it says so, and does not look for ever.
func TestHostileOwnPosition(t *testing.T) {
	x, y := newPair[item](t, 16), newPair[[]byte](t, 64)
	for _, r := range [][]byte{ringbuf.Payload(x.r), ringbuf.Payload(y.r)} {
		store(r, atHead, load(r, atHead)-64)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := x.c.Get(ctx); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("items: %v", err)
	}
	if _, err := y.c.Get(ctx); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("messages: %v", err)
	}
}

// Records begin at multiples of eight. A position that is none is refused: at the ring's end a header
// would reach beyond it, and some CPUs fault on it.
func TestHostileAlignment(t *testing.T) {
	for off := uint64(1); off < 8; off++ {
		r, err := ringbuf.NewSPSC[[]byte](64)
		if err != nil {
			t.Fatal(err)
		}
		ctl := ringbuf.Payload(r)
		store(ctl, atHead, load(ctl, atHead)-8+off)
		store(ctl, atTail, load(ctl, atHead))
		if _, err := r.Producer(); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("Producer at %d: %v", off, err)
		}
		if _, err := r.Consumer(); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("Consumer at %d: %v", off, err)
		}
		r.Close()
	}
}

// FuzzRecords lays any bytes and any positions before a consumer and a producer of messages.
func FuzzRecords(f *testing.F) {
	begin := uint64(1<<64 - 1<<12)
	rec := func(ns ...uint64) (b []byte) {
		for _, n := range ns {
			b = binary.NativeEndian.AppendUint64(b, n)
			if n <= 56 {
				b = append(b, make([]byte, (n+7)&^7)...)
			}
		}
		return b
	}
	f.Add(rec(3, 0, 56), begin+88, begin)
	f.Add(rec(1<<32-1), begin+128+16, begin+64)
	f.Add(rec(40, 1<<32-1), begin+200, begin+100)
	f.Add([]byte{}, begin, begin)
	f.Add(rec(1<<63, 57), begin+129, begin+1)
	f.Add(rec(8, 8, 8), uint64(7), uint64(3))
	f.Fuzz(func(t *testing.T, slots []byte, tail, head uint64) {
		r, err := ringbuf.NewSPSC[[]byte](64)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		ctl := ringbuf.Payload(r)
		copy(ctl[atSlots:], slots)
		store(ctl, atTail, tail)
		store(ctl, atHead, head)
		store(ctl, atLimit, head+128)
		c, err := r.Consumer()
		if err != nil {
			if !errors.Is(err, shm.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		total, left := 0, tail-head
		for range 40 { // more than there can be
			m, err := c.TryGet()
			if err != nil {
				if err != ringbuf.ErrEmpty && !errors.Is(err, shm.ErrCorrupt) {
					t.Fatal(err)
				}
				break
			}
			if total += 8 + len(m); len(m) > 56 || uint64(total) > left {
				t.Fatalf("a message of %d bytes, %d in all, out of %d", len(m), total, left)
			}
		}
		p, err := r.Producer()
		if err == nil {
			err = p.TryPut(make([]byte, 11))
		}
		if !named(err) {
			t.Fatal(err)
		}
	})
}
