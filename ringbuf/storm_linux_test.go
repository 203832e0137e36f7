package ringbuf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edsrzf/mmap-go"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
)

// The books of a storm are a small file that both sides map: who is killed leaves there what it was about
// to do, so that its successor knows.
const (
	bookPut   = iota * 8 // the number that the producer is about to put, and where the tail stands
	bookTaken            // the number that the consumer expects next, and where the head stood when it was written
	bookGot              // how many items were taken
	bookAgain            // how many of them for the second time
	bookTook             // the slowest first call after a take-over, in µs
	bookSize
)

// entry is a number and a position as one word, so that nobody dies between the two.
func entry(n, position uint64) uint64 { return n<<16 | position&0xffff }

func openBook(path string) mmap.MMap {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if err := f.Truncate(bookSize); err != nil {
		panic(err)
	}
	m, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		panic(err)
	}
	return m
}

var _ = proctest.Register("storm of items", func(args []string) int { return stormSide(items, args) })
var _ = proctest.Register("storm of messages", func(args []string) int { return stormSide(messages, args) })

func stormSide[T any](f form[T], args []string) int {
	r, err := ringbuf.OpenSPSC[T](args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	book, ctl := openBook(args[1]), ringbuf.Payload(r)
	if args[2] == "producer" {
		err = f.stormPut(r, book, ctl)
	} else {
		err = f.stormGet(r, book, ctl)
	}
	fmt.Println(err)
	return 1
}

// stormPut puts one number after the other for ever. Whether the last one of its predecessor is in the
// ring it sees by the tail.
func (f form[T]) stormPut(r *ringbuf.SPSC[T], book, ctl []byte) error {
	p, err := within100ms(r.Producer)
	if err != nil {
		return err
	}
	next := load(book, bookPut) >> 16
	if entry(next, load(ctl, atTail)) != load(book, bookPut) {
		next++
	}
	for ctx := context.Background(); ; next++ {
		store(book, bookPut, entry(next, load(ctl, atTail)))
		if err := p.Put(ctx, f.make(next)); err != nil {
			return err
		}
	}
}

// stormGet takes numbers for ever, and writes down what it has taken. In place the book is written before
// the release, so nothing is missed and one item at most is seen twice; of a Get one item at most, taken
// and not written down, is missing in the book.
func (f form[T]) stormGet(r *ringbuf.SPSC[T], book, ctl []byte) error {
	c, err := within100ms(r.Consumer)
	if err != nil {
		return err
	}
	inPlace := rand.IntN(2) == 0
	for ctx, first := context.Background(), true; ; first = false {
		want := load(book, bookTaken) >> 16
		taken := entry(want, load(ctl, atHead)) != load(book, bookTaken) // since the book was written
		start := time.Now()
		run, err := []T(nil), error(nil)
		if inPlace {
			run, err = c.Next(ctx, 1)
		} else {
			var v T
			v, err = c.Get(ctx)
			run = []T{v}
		}
		if err != nil {
			return err
		}
		n, err := f.number(run[0])
		switch {
		case err != nil:
			return err
		case n == want:
		case first && n == want-1 && !taken:
			store(book, bookAgain, load(book, bookAgain)+1)
		case first && n == want+1 && taken: // the dead had it in hand
		default:
			return fmt.Errorf("got %d, want %d; first %v, taken %v", n, want, first, taken)
		}
		if us := uint64(time.Since(start).Microseconds()); first && us > load(book, bookTook) {
			store(book, bookTook, us)
		}
		store(book, bookTaken, entry(n+1, load(ctl, atHead)))
		store(book, bookGot, load(book, bookGot)+1)
		if inPlace {
			c.Release(1)
			store(book, bookTaken, entry(n+1, load(ctl, atHead)))
		}
	}
}

// A producer and a consumer are killed at random, and started again, while a stream flows. What arrives is
// numbered without a gap; only what a dead consumer had in hand comes again.
func TestStorm(t *testing.T) {
	kills := killstep.Budget(100) / 2
	t.Run("items", func(t *testing.T) { inRounds(t, kills, func(t *testing.T, n int) int { return storm(t, items, n) }) })
	t.Run("messages", func(t *testing.T) { inRounds(t, kills, func(t *testing.T, n int) int { return storm(t, messages, n) }) })
}

func storm[T any](t *testing.T, f form[T], kills int) int {
	r, err := ringbuf.SPSCConfig[T]{Cap: f.cap}.Create("storm")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink()
	path := filepath.Join(t.TempDir(), "book")
	book := openBook(path)
	defer book.Unmap()
	store(book, bookPut, entry(0, load(ringbuf.Payload(r), atTail)))
	store(book, bookTaken, entry(0, load(ringbuf.Payload(r), atHead)))
	sides := []string{"producer", "consumer"}
	var procs [2]*proctest.Proc
	for i, side := range sides {
		procs[i] = proctest.Start(t, f.storm, "storm", path, side)
	}
	rng, slowest := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)), time.Duration(0)
	for k := range kills {
		i := rng.IntN(2)
		time.Sleep(time.Duration(rng.Int64N(int64(4 * time.Millisecond))))
		procs[i].Kill()
		procs[i] = proctest.Start(t, f.storm, "storm", path, sides[i])
		start, got := time.Now(), load(book, bookGot)
		for load(book, bookGot) < got+10 {
			if time.Since(start) > 10*time.Second {
				t.Fatalf("after kill %d nothing flows: %+v", k, r.Stats())
			}
			time.Sleep(200 * time.Microsecond)
		}
		slowest = max(slowest, time.Since(start))
	}
	for i := range procs {
		procs[i].Kill()
	}
	st := r.Stats()
	if st.Takeovers < uint64(kills/2) || load(book, bookGot) < uint64(10*kills) {
		t.Errorf("after %d kills: %+v", kills, st)
	}
	t.Logf("%d kills, %d items, %d seen twice; flowing again %v after the start of a process at the latest, its first item after %d µs",
		kills, load(book, bookGot), load(book, bookAgain), slowest, load(book, bookTook))
	return kills
}
