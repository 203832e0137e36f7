package sem_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/sem"
)

// A number of parties that no Init has written is refused by name, and not one place beyond the table is read.
func TestHostileParties(t *testing.T) {
	h, _ := newHall(t, 2)
	for _, n := range []uint32{sem.MaxParties + 1, 1 << 31, 1<<32 - 1} {
		h.parties(n)
		if _, err := h.B.Wait(context.Background(), nil); !errors.Is(err, abi.ErrCorrupt) || !strings.Contains(err.Error(), "Barrier") {
			t.Errorf("Wait with %d parties: %v", n, err)
		}
		if err := h.B.Join(); !errors.Is(err, abi.ErrCorrupt) {
			t.Errorf("Join with %d parties: %v", n, err)
		}
		if h.B.Waiting() != 0 {
			t.Error("somebody waits")
		}
		h.B.Reset()
	}
}

// wide are words of 64 bits that a broken or hostile peer may leave.
func wide() (ws []uint64) {
	me, dead := uint64(owner.ID()<<ownerAt), uint64(ghost())
	for _, low := range []uint64{0, 1, 2, 3, 7, 8, 1<<32 - 1, 1<<32 - 8, me, me | 7, dead, dead | 1} {
		for _, high := range []uint64{0, 1, 2, 3, me, dead, 1<<31 - 1, 1<<32 - 1} {
			ws = append(ws, high<<32|low)
		}
	}
	return ws
}

// scribble writes w over everything but the number of parties.
func (h *hall) scribble(w uint64) {
	atomic.StoreUint64(h.state(), w)
	atomic.StoreUint64(h.count(), w)
	for _, bell := range []*uint32{h.room(), h.over(), h.door()} {
		atomic.StoreUint32(bell, uint32(w))
	}
	for i := range 64 {
		if i < h.B.Parties() {
			atomic.StoreUint64(h.place(i), w)
		}
		atomic.StoreUint64(h.claim(i), w)
	}
}

// inTime calls f with a deadline and fails the test when f ends much later; what it says is its own affair.
func inTime(t *testing.T, what string, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	f(ctx)
	if d := time.Since(start); d > patience+2*time.Second {
		t.Errorf("%s ended %v after its deadline", what, d-patience)
	}
}

func (h *hall) disturb(t *testing.T) {
	inTime(t, "Barrier.Wait", func(ctx context.Context) error {
		_, err := h.B.Wait(ctx, func() error { return nil })
		return err
	})
	inTime(t, "WaitGroup.Wait", h.G.Wait)
	for _, f := range []func(){
		func() { h.B.Join() }, h.B.Abort, h.B.Reset, func() { h.B.Waiting() }, func() { h.G.Add(1) }, h.G.Done, h.G.Leave,
	} {
		panics(f) // of Add, Done and Leave, as documented
	}
}

func TestHostileHallWords(t *testing.T) {
	h, _ := newHall(t, 2)
	for i, w := range wide() {
		if i%3 != 0 && os.Getenv("SHMKIT_KILLS") == "" { // all of them in the long form

			continue
		}
		h.scribble(w)
		var all sync.WaitGroup
		all.Go(func() { h.disturb(t) })
		time.Sleep(patience / 8)
		h.scribble(^w)
		all.Wait()
	}
}

// A peer scribbles all the time, as fast as it can.
func TestHostileHallScribbler(t *testing.T) {
	h, _ := newHall(t, 2)
	var stop atomic.Bool
	var all, waits sync.WaitGroup
	ws := wide()
	all.Go(func() {
		for i := 0; !stop.Load(); i++ {
			h.scribble(ws[i%len(ws)])
		}
	})
	for range 3 {
		waits.Go(func() {
			for range 10 {
				h.disturb(t)
			}
		})
	}
	waits.Wait()
	stop.Store(true)
	all.Wait()
}
