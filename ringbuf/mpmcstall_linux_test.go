package ringbuf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// Slices heal whatever wake-up is lost, so a protocol that loses some looks well, only slower. Here a slice lasts
// for an hour. In each round every process puts or gets a few items, one call each or in batches, and then keeps away from the
// ring: what nobody else is woken for is never done. The wanted wake-ups of a round are all there is.

// stallBook is what the processes of a game of rounds share with the test: the round that is on, and for each process
// the last one that it has ended.
type stallBook [1 + stallers]struct {
	round atomic.Uint64
	_     [120]byte
}

const stallers = 5 // two that put, three that get

// stallDuty is how many items process i puts, or gets, in a round: as many as the others get, or put.
func stallDuty(i int, round uint64) int {
	r := rand.New(rand.NewPCG(round, 7))
	n := 1 + r.IntN(12)
	puts := r.IntN(n + 1)
	a, b := r.IntN(n+1), r.IntN(n+1)
	if a > b {
		a, b = b, a
	}
	return [stallers]int{puts, n - puts, a, b - a, n - b}[i]
}

var _ = proctest.Register("stall member", func(args []string) int {
	var r ringbuf.MPMC[uint64]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	park.SetSlice(time.Hour)
	var book shm.Var[stallBook]
	if err := book.UnmarshalText([]byte(args[1])); err != nil {
		fmt.Println(err)
		return 1
	}
	b := book.Ptr()
	var me int
	fmt.Sscan(args[2], &me)
	for n := uint64(1); ; n++ {
		for b[0].round.Load() < n {
			time.Sleep(20 * time.Microsecond)
		}
		if d := rand.IntN(300); d < 150 {
			time.Sleep(time.Duration(d) * time.Microsecond)
		}
		if err := stallRound(&r, stallDuty(me, n), me < 2); err != nil {
			fmt.Println(err)
			return 1
		}
		b[1+me].round.Store(n)
	}
})

// stallRound puts or gets that many items.
func stallRound(r *ringbuf.MPMC[uint64], left int, put bool) error {
	ctx := context.Background()
	buf := make([]uint64, 4)
	for left > 0 {
		n, err := 1, error(nil)
		some := buf[:min(len(buf), left)]
		switch how := rand.IntN(3); {
		case put && how == 0:
			n, err = r.PutBatch(ctx, some)
		case put && how == 1:
			var s ringbuf.Slot[uint64]
			s, err = r.Reserve(ctx)
			s.Commit()
		case put:
			err = r.Put(ctx, 1)
		case how == 0:
			n, err = r.GetBatch(ctx, some)
		case how == 1:
			var x ringbuf.Taken[uint64]
			x, err = r.Take(ctx)
			x.Release()
		default:
			_, err = r.Get(ctx)
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// No wake-up is lost, none is left to a slice: rounds of processes that put and get, two and three.
func TestMPMCNobodyIsForgotten(t *testing.T) {
	limit := time.Second
	if s := os.Getenv("SHMKIT_STALL"); s != "" {
		limit, _ = time.ParseDuration(s)
	} else if race.Enabled {
		limit /= 2
	}
	var rounds uint64
	for _, capacity := range []int{1, 3, 64} {
		rounds += stallGame(t, capacity, limit/3)
	}
	t.Logf("%d rounds", rounds)
}

func stallGame(t *testing.T, capacity int, limit time.Duration) uint64 {
	r := newMPMC[uint64](t, capacity)
	book, err := shm.New[stallBook]()
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	b := book.Ptr()
	text, _ := r.MarshalText()
	paper, _ := book.MarshalText()
	var procs []*proctest.Proc
	for i := range stallers {
		procs = append(procs, proctest.Start(t, "stall member", string(text), string(paper), fmt.Sprint(i)))
	}
	defer func() {
		for _, p := range procs {
			p.Kill()
			p.Wait()
		}
	}()
	n := uint64(0)
	for end := time.Now().Add(limit); time.Now().Before(end); {
		n++
		b[0].round.Store(n)
		for start := time.Now(); !stallOver(b, n); time.Sleep(20 * time.Microsecond) {
			if time.Since(start) > 20*time.Second {
				t.Fatalf("capacity %d, round %d: %s", capacity, n, stallState(r, b, n))
			}
		}
	}
	if s := r.Stats(); s.PutParks == 0 && s.GetParks == 0 {
		t.Errorf("capacity %d: nobody has slept in %d rounds: then nothing was tested", capacity, n)
	} else {
		t.Logf("capacity %d: %d sleeps to put, %d to get", capacity, s.PutParks, s.GetParks)
	}
	return n
}

func stallOver(b *stallBook, n uint64) bool {
	for i := range stallers {
		if b[1+i].round.Load() < n {
			return false
		}
	}
	return true
}

// stallState tells who hangs, and what the ring looks like.
func stallState(r *ringbuf.MPMC[uint64], b *stallBook, n uint64) string {
	var s strings.Builder
	for i := range stallers {
		fmt.Fprintf(&s, "\nprocess %d: duty %d, round %d", i, stallDuty(i, n), b[1+i].round.Load())
	}
	fmt.Fprintf(&s, "\n%+v\nnot empty %#x, not full %#x\n", r.Stats(), load(ringbuf.PayloadMPMC(r), 0), load(ringbuf.PayloadMPMC(r), 128))
	for _, w := range ringbuf.Words(r) {
		fmt.Fprintf(&s, "%#x ", *w)
	}
	return s.String()
}

// Who was woken alone hands on what there is, also if others have been where its own position is.
func TestMPMCHandsOnFromAnOldPosition(t *testing.T) {
	r := newMPMC[uint64](t, 4)
	if c, p := ringbuf.HandOn(r); c || !p {
		t.Errorf("empty: a consumer %v, a producer %v", c, p)
	}
	r = newMPMC[uint64](t, 4)
	other := r.Clone()
	defer other.Close()
	for i := range uint64(4) {
		if err := other.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.TryGet(); err != nil {
		t.Fatal(err)
	}
	if c, p := ringbuf.HandOn(r); !c || !p {
		t.Errorf("three items and one place: a consumer %v, a producer %v", c, p)
	}
}
