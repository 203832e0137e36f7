package include_test

import (
	"context"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/ringbuf"
)

type item struct{ Seq, Sum uint64 }

func makeItem(i uint64) item { return item{i, i * 0x9e3779b97f4a7c15} }

// messages is how many go each way: SHMKIT_KILLS=1000000 is the long form.
func messages() uint64 { return uint64(max(killstep.Budget(100_000), 10_000)) }

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, h encoding.TextMarshaler) string {
	t.Helper()
	b, err := h.MarshalText()
	must(t, err)
	return string(b)
}

func newRing[T any](t testing.TB, capacity int) *ringbuf.SPSC[T] {
	t.Helper()
	r, err := ringbuf.NewSPSC[T](capacity)
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// digest is what both sides say of what they have put or taken.
type digest struct {
	n uint64
	h hash.Hash64
}

func newDigest() *digest { return &digest{h: fnv.New64a()} }

func (d *digest) add(v item) {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:], v.Seq)
	binary.NativeEndian.PutUint64(b[8:], v.Sum)
	d.h.Write(b[:])
	d.n++
}

func (d *digest) addBytes(m []byte) {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(len(m)))
	d.h.Write(b[:])
	d.h.Write(m)
	d.n++
}

func (d *digest) String() string { return fmt.Sprintf("%d %016x", d.n, d.h.Sum64()) }

func TestItemsToC(t *testing.T) {
	for _, capacity := range []int{1, 3, 1024} {
		r := newRing[item](t, capacity)
		c := start(t, "get", text(t, r))
		c.Expect("ready")
		p, err := r.Producer()
		must(t, err)
		d, ctx := newDigest(), within(t)
		n := messages()
		if capacity < 1024 {
			n /= 10
		}
		for i := range n {
			must(t, p.Put(ctx, makeItem(i)))
			d.add(makeItem(i))
		}
		must(t, r.Shutdown())
		c.Expect(d.String())
		c.Wait()
	}
}

func TestItemsFromC(t *testing.T) {
	for _, capacity := range []int{1, 3, 1024} {
		r := newRing[item](t, capacity)
		n := messages()
		if capacity < 1024 {
			n /= 10
		}
		p := start(t, "put", text(t, r), strconv.FormatUint(n, 10))
		c, err := r.Consumer()
		must(t, err)
		d := newDigest()
		for v, err := range c.All(within(t)) {
			must(t, err)
			d.add(v)
		}
		p.Expect(d.String())
		if d.n != n {
			t.Errorf("capacity %d: %d items of %d", capacity, d.n, n)
		}
		p.Wait()
	}
}

// message is message i of those that either side writes.
func message(i uint64) []byte {
	m := make([]byte, i*7919%300)
	for k := range m {
		m[k] = byte(i) + byte(k)
	}
	return m
}

func TestMessagesToC(t *testing.T) {
	r := newRing[[]byte](t, 4096)
	c := start(t, "read", text(t, r))
	c.Expect("ready")
	p, err := r.Producer()
	must(t, err)
	d, ctx := newDigest(), within(t)
	for i := range messages() {
		must(t, p.Put(ctx, message(i)))
		d.addBytes(message(i))
	}
	must(t, r.Shutdown())
	c.Expect(d.String())
	c.Wait()
}

func TestMessagesFromC(t *testing.T) {
	r := newRing[[]byte](t, 4096)
	n := messages()
	p := start(t, "write", text(t, r), strconv.FormatUint(n, 10))
	c, err := r.Consumer()
	must(t, err)
	d, ctx := newDigest(), within(t)
	for m, err := c.Get(ctx); err != io.EOF; m, err = c.Get(ctx) {
		must(t, err)
		d.addBytes(m)
	}
	p.Expect(d.String())
	if d.n != n {
		t.Errorf("%d messages of %d", d.n, n)
	}
	p.Wait()
}

// Both sides are C programs, and both sleep: a ring of three.
func TestItemsFromCToC(t *testing.T) {
	r := newRing[item](t, 3)
	c := start(t, "get", text(t, r))
	c.Expect("ready")
	p := start(t, "put", text(t, r), "10000")
	if a, b := p.Recv(), c.Recv(); a != b {
		t.Errorf("%s were put, %s taken", a, b)
	}
	p.Wait()
	c.Wait()
}

// What an end answers when it has nothing to do, or nothing may be done.
func TestEndsInC(t *testing.T) {
	r := newRing[item](t, 100)
	c := start(t, "ends", text(t, r))
	c.Expect("1 CLAIMED FORMAT FORMAT INVALID 100 TIMEOUT 0 TIMEOUT 1 CLOSED INVALID INVALID")
	c.Wait()
	if s := r.Stats(); s.Producer != 0 || s.Consumer != 0 || s.Takeovers != 0 {
		t.Errorf("%+v after both ends were closed", s)
	}
}

// A C process that is killed with an end in hand leaves it to the next, Go or C; and the reverse is in ringbuf's own tests.
func TestEndsOfDeadC(t *testing.T) {
	r := newRing[item](t, 8)
	p := start(t, "put", text(t, r), "1000000") // it sleeps when eight are in the ring
	c, err := r.Consumer()
	must(t, err)
	ctx := within(t)
	next := uint64(0)
	for range 2 {
		for range 1000 {
			v, err := c.Get(ctx)
			must(t, err)
			if v != makeItem(next) {
				t.Fatalf("item %d is %v", next, v)
			}
			next++
		}
		if _, err := r.Producer(); err == nil {
			t.Fatal("the producer's end of a live process was taken")
		}
		p.Kill()
		for { // what it has published stays
			v, err := c.TryGet()
			if err == ringbuf.ErrEmpty {
				break
			}
			must(t, err)
			if v.Sum != makeItem(v.Seq).Sum {
				t.Fatalf("torn: %v", v)
			}
		}
		p, next = start(t, "put", text(t, r), "1000000"), 0
	}
	p.Kill()
	if s := r.Stats(); s.Takeovers != 2 {
		producer, err := r.Producer()
		must(t, err)
		producer.Close()
		if s = r.Stats(); s.Takeovers != 2 {
			t.Errorf("%d take-overs, want 2", s.Takeovers)
		}
	}
}
