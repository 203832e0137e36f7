package ringbuf_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

// Where the words of a broadcast's control block lie that a producer's does not have.
const (
	castOldest          = 896
	castLast, castFirst = 1152, 1184 // two marks each: of tail, of oldest
)

// castAt moves a broadcast that nobody has used yet, as if count messages had gone by, or as many items as there are places.
func castAt(mem []byte, at, count uint64) {
	for _, word := range []int{atTail, castOldest} {
		store(mem, word, at)
	}
	store(mem, atPuts, count)
	for _, mark := range []int{castLast, castLast + 16, castFirst, castFirst + 16} {
		store(mem, mark, at)
		store(mem, mark+8, count)
	}
}

// Positions, and counts of messages, pass every limit that a counter of some width would have, in both modes: with a
// subscriber that keeps up, one that is slow, and one that comes right there.
func TestBroadcastLimits(t *testing.T) {
	for name, limit := range map[string]uint64{"2^31": 1 << 31, "2^32": 1 << 32, "2^61": 1 << 61, "2^63": 1 << 63, "2^64": 0} {
		for _, overrun := range []bool{false, true} {
			t.Run(fmt.Sprintf("items/%s/overrun=%t", name, overrun), func(t *testing.T) {
				for _, capacity := range []int{1, 2, 5, 64} {
					passCastLimit(t, items, capacity, overrun, limit-uint64(2*capacity), 0)
				}
			})
			t.Run(fmt.Sprintf("messages/%s/overrun=%t", name, overrun), func(t *testing.T) {
				for _, capacity := range []int{64, 500} {
					passCastLimit(t, messages, capacity, overrun, limit-uint64(2*capacity)&^63, limit-20)
				}
			})
		}
	}
}

func passCastLimit[T any](t *testing.T, f form[T], capacity int, overrun bool, at, count uint64) {
	t.Helper()
	b, err := ringbuf.BroadcastConfig[T]{Cap: capacity, Overrun: overrun}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	mem := ringbuf.PayloadBroadcast(b)
	castAt(mem, at, count)
	p, err := b.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	a := air[T]{b, p}
	rng := rand.New(rand.NewPCG(at, uint64(capacity)))
	ears := []*ear[T]{{s: a.subscribe(t, ringbuf.Latest)}, {s: a.subscribe(t, ringbuf.Oldest)}, {s: a.subscribe(t, ringbuf.Oldest)}}
	before, put := b.Stats().Put, uint64(0)
	for round := range 20 * capacity {
		for range 1 + rng.IntN(3) {
			if err := p.TryPut(f.make(put)); err == ringbuf.ErrFull && !overrun {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			put++
		}
		for i, e := range ears {
			for i != 1 || round%7 == 0 { // the second is slow
				v, err := e.s.TryGet()
				if !f.hear(t, e, v, err) {
					break
				}
			}
		}
		if round%5 == 0 { // the third comes anew
			ears[2].s.Close()
			ears[2] = &ear[T]{s: a.subscribe(t, ringbuf.Oldest), next: put - uint64(b.Len())}
		}
	}
	b.Shutdown()
	for i, e := range ears {
		for v, err := range e.s.All(within(t)) {
			f.hear(t, e, v, err)
		}
		if e.next != put {
			t.Errorf("subscriber %d ends at %d of %d", i, e.next, put)
		}
	}
	if n := b.Stats().Put - before; n != put {
		t.Errorf("Stats say that %d were put, it was %d", n, put)
	}
	if tail := load(mem, atTail); f.name == "items" && tail != at+put || int64(tail-at) < int64(2*capacity) {
		t.Errorf("from %#x to %#x: it did not pass the limit", at, tail)
	}
}

// A subscriber that sleeps while the publisher overruns it by one lap, or by 2^k laps, to the place, takes nothing that it finds for
// what it was waiting for: it hears exactly how many items it has missed, and goes on with what is there.
func TestBroadcastSleepsForLaps(t *testing.T) {
	const slots = 8
	for _, laps := range []uint64{1, 2, 1 << 16, 1 << 29, 1<<31 - 1, 1 << 31, 1 << 32, 1<<32 + 1, 1 << 40, 1 << 59} {
		for heard := range uint64(3) { // before it fell asleep
			a := newAir[item](t, slots, true)
			s := a.subscribe(t, ringbuf.Latest)
			for n := range uint64(slots) {
				if err := a.p.TryPut(items.make(n)); err != nil {
					t.Fatal(err)
				}
				if n < heard {
					if v, err := s.TryGet(); err != nil || v[0] != n {
						t.Fatal(v, err)
					}
				}
			}
			// As if it had put the same items again in each lap.
			if err := a.p.Close(); err != nil {
				t.Fatal(err)
			}
			mem := ringbuf.PayloadBroadcast(a.b)
			store(mem, atTail, load(mem, atTail)+laps*slots)
			store(mem, castOldest, load(mem, castOldest)+laps*slots)
			oldest := load(mem, castOldest) - (load(mem, atTail) - slots*(1+laps)) // as a number of an item
			p, err := a.b.Publisher()
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.TryGet()
			if m := new(ringbuf.MissedError); !errors.As(err, &m) || m.N != oldest-heard {
				t.Fatalf("%d laps behind, %d heard: %v, want %d missed", laps, heard, err, oldest-heard)
			}
			for n := oldest; n < slots*(1+laps); n++ {
				if v, err := items.number2(s.TryGet()); err != nil || v != n-laps*slots {
					t.Fatalf("%d laps behind: %d, %v, want %d", laps, v, err, n-laps*slots)
				}
			}
			if _, err := s.TryGet(); err != ringbuf.ErrEmpty {
				t.Fatalf("%d laps behind: at the end: %v", laps, err)
			}
			if err := p.TryPut(items.make(77)); err != nil {
				t.Fatal(err)
			}
			if v, err := items.number2(s.TryGet()); err != nil || v != 77 {
				t.Fatalf("%d laps behind: then %d, %v", laps, v, err)
			}
		}
	}
}

// verdict is hear's, as an error: what is wrong with a subscriber's history, if anything is.
func (f form[T]) verdict(s *ringbuf.Subscriber[T], next, upTo uint64) error {
	for next < upTo {
		v, err := s.TryGet()
		if m, missed := err.(*ringbuf.MissedError); missed {
			next += m.N
			continue
		}
		if err != nil {
			return err
		}
		if n, err := f.number(v); err != nil || n != next {
			return errors.Join(err, fmt.Errorf("heard %d, want %d", n, next))
		}
		next++
	}
	if next != upTo {
		return fmt.Errorf("it ends at %d of %d", next, upTo)
	}
	return nil
}

// Faults that are sown: the checks of these tests find each. So their silence says something.
func TestBroadcastChecksFindFaults(t *testing.T) {
	for name, fault := range map[string]func(mem []byte){
		"none": func([]byte) {},
		"oldest not announced": func(mem []byte) { // what was overwritten passes for whole
			store(mem, castOldest, load(mem, castOldest)-6)
		},
		"oldest beyond":       func(mem []byte) { store(mem, castOldest, load(mem, castOldest)+2) },
		"an item dropped":     func(mem []byte) { store(mem, atTail, load(mem, atTail)-1) },
		"an item twice":       func(mem []byte) { copy(mem[17664+24*3:][:24], mem[17664+24*2:][:24]) },
		"an item half":        func(mem []byte) { mem[17664+24*3+8] ^= 1 },
		"a place not its own": func(mem []byte) { store(mem, 1280+128, load(mem, 1280+128)+3) },
	} {
		a := newAir[item](t, 8, true)
		s := a.subscribe(t, ringbuf.Latest)
		for n := range uint64(30) {
			if err := a.p.TryPut(items.make(n)); err != nil {
				t.Fatal(err)
			}
		}
		fault(ringbuf.PayloadBroadcast(a.b))
		err := items.verdict(s, 0, 30)
		switch name {
		case "none", "oldest beyond", "a place not its own": // within its right: it may miss more, as long as it says how many; and its own position it knows by itself
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if err == nil {
				t.Errorf("%s: nobody has noticed", name)
			}
		}
	}
	// One who does not wait for a subscriber that is to be waited for.
	a := newAir[item](t, 8, false)
	s := a.subscribe(t, ringbuf.Latest)
	clear(ringbuf.PayloadBroadcast(a.b)[1280:1284])
	for n := range uint64(11) {
		if err := a.p.TryPut(items.make(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := items.verdict(s, 0, 11); err == nil {
		t.Error("a publisher that does not wait: nobody has noticed")
	}
	// A count of messages that is not true.
	m := newAir[[]byte](t, 64, true)
	u := m.subscribe(t, ringbuf.Latest)
	for n := range uint64(30) {
		if err := m.p.TryPut(messages.make(n)); err != nil {
			t.Fatal(err)
		}
	}
	mem := ringbuf.PayloadBroadcast(m.b)
	for _, at := range []int{castFirst, castFirst + 16} {
		store(mem, at+8, load(mem, at+8)+1)
	}
	if err := messages.verdict(u, 0, 30); err == nil {
		t.Error("a count that is not true: nobody has noticed")
	}
}
