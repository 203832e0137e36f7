package ringbuf_test

import (
	"testing"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/ringbuf"
)

// lapsOfInterest are where a ring begins that is about to pass a limit: of 31, 32 bits, of the reminder that keeps
// halves of laps readable, of all that a word or a position can count; and zeroed memory.
var lapsOfInterest = map[string]uint64{
	"0": 0, "2^16": 1<<16 - 2, "2^31": 1<<31 - 2, "2^32": 1<<32 - 2, "2^60": 1<<60 - 2, "wrap": ^uint64(1),
}

// A ring passes every limit by copy and in place, with a dead writer and a dead reader right there, and a handle that
// has slept since the lap before.
func TestMPMCLaps(t *testing.T) {
	for name, lap := range lapsOfInterest {
		for _, capacity := range []int{1, 2, 5, 8, 9} {
			t.Run(name, func(t *testing.T) {
				r := newMPMC[item](t, capacity)
				ringbuf.SetLap(r, lap, true)
				late := r.Clone()
				defer late.Close()
				passLimit(t, r, capacity)
				if err := late.TryPut(items.make(1)); err != nil {
					t.Errorf("a late handle: %v", err)
				}
				if v, err := late.TryGet(); err != nil || v[0] != 1 {
					t.Errorf("a late handle: %v, %v", v, err)
				}
			})
		}
	}
}

func passLimit(t *testing.T, r *ringbuf.MPMC[item], capacity int) {
	t.Helper()
	ctx, want := within(t), uint64(0)
	next := uint64(0)
	put := func() {
		t.Helper()
		if err := r.TryPut(items.make(next)); err != nil {
			t.Fatalf("put %d: %v", next, err)
		}
		next++
	}
	get := func() {
		t.Helper()
		if n, err := items.number2(r.TryGet()); n != want || err != nil {
			t.Fatalf("got %d, want %d: %v", n, want, err)
		}
		want++
	}
	for range 5 * capacity {
		put()
		get()
		s, err := r.Reserve(ctx)
		if err != nil {
			t.Fatal(err)
		}
		*s.V = items.make(next)
		next++
		s.Commit()
		x, err := r.Take(ctx)
		if n, torn := items.number(*x.V); err != nil || torn != nil || n != want {
			t.Fatal(n, want, err, torn)
		}
		want++
		if capacity > 1 { // before the release: a place behind it
			put()
			get()
		}
		ringbuf.Bury(r, abi.SlotReading, nobodyAtAll)
		if n, err := items.number2(r.TryGet()); n != want-1-uint64(min(capacity-1, 1)) || err != nil {
			t.Fatalf("a dead reader's: got %d: %v", n, err)
		}
		if _, err := r.Reserve(ctx); err != nil {
			t.Fatal(err)
		}
		ringbuf.Bury(r, abi.SlotWriting, nobodyAtAll)
		if capacity > 1 {
			put()
			get()
		} else if _, err := r.TryGet(); err != ringbuf.ErrEmpty {
			t.Fatal(err)
		}
	}
}

// nobodyAtAll is an id that no process has.
const nobodyAtAll = 0x155_5555

func (f form[T]) number2(v T, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return f.number(v)
}

// A handle that was idle for half of what half a lap can count, all of it, or more, goes on as if nothing had been. That
// is where it would misread who reads and who writes, and take the living's places from them.
func TestMPMCIdleForLaps(t *testing.T) {
	for _, laps := range []uint64{1, 2, 1 << 16, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1 << 40} {
		for _, state := range []uint64{abi.SlotFree, abi.SlotReady, abi.SlotWriting, abi.SlotReading} {
			r := newMPMC[item](t, 2)
			const from = 1 << 50
			ringbuf.SetLap(r, from, true)
			idle := r.Clone()
			ringbuf.SetLap(r, from+laps, true)
			ctx := within(t)
			switch state {
			case abi.SlotReady:
				r.TryPut(items.make(7))
			case abi.SlotWriting:
				if _, err := r.Reserve(ctx); err != nil {
					t.Fatal(err)
				}
				r.TryPut(items.make(7))
			case abi.SlotReading:
				r.TryPut(items.make(6))
				if _, err := r.Take(ctx); err != nil {
					t.Fatal(err)
				}
				r.TryPut(items.make(7))
			}
			_, err := idle.TryGet()
			switch want := map[uint64]error{abi.SlotFree: ringbuf.ErrEmpty, abi.SlotWriting: ringbuf.ErrEmpty}[state]; {
			case err != want:
				t.Errorf("after %d laps, a place in state %d: %v", laps, state, err)
			}
			if s := r.Stats(); s.Skipped != 0 || s.Redelivered != 0 {
				t.Errorf("after %d laps, state %d: a living one was robbed: %+v", laps, state, s)
			}
			idle.Close()
			r.Close()
		}
	}
}
