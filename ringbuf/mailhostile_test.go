package ringbuf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// The ring of these tests has two blocks and six slots. A message is its number and what follows from it: an even one needs a
// block, an odd one does not.
const mailCap, mailLimit, mailBlocks = 600, 300, 2

// useMail does everything that can be done with a ring of messages whose words a peer has spoilt.
func useMail(r *ringbuf.MPMC[[]byte]) (err error) {
	try := func(what string, call func(ctx context.Context) error) {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		start := time.Now()
		if e := mayPanic(func() error { return call(ctx) }); !named(e) {
			err = errors.Join(err, fmt.Errorf("%s: %w", what, e))
		}
		if took := time.Since(start); took > 2*time.Second { // far more than any load explains
			err = errors.Join(err, fmt.Errorf("%s took %v", what, took))
		}
	}
	fits := func(b []byte) error {
		if len(b) > r.MaxMessage() {
			return fmt.Errorf("a message of %d bytes", len(b))
		}
		sum := byte(0)
		for _, x := range b { // it is all there
			sum += x
		}
		_ = sum
		return nil
	}
	buf := make([]byte, r.MaxMessage())
	batch := make([][]byte, 3)
	large, small := make([]byte, r.MaxMessage()), make([]byte, 50)
	try("TryGet", func(context.Context) error { b, e := r.TryGet(); return errors.Join(e, fits(b)) })
	try("GetBytes", func(ctx context.Context) error { b, e := ringbuf.GetBytes(ctx, r, buf); return errors.Join(e, fits(b)) })
	try("TryPut", func(context.Context) error { return r.TryPut(small) })
	try("TryPut large", func(context.Context) error { return r.TryPut(large) })
	try("Put", func(ctx context.Context) error { return r.Put(ctx, large) })
	try("PutBatch", func(ctx context.Context) error { _, e := r.PutBatch(ctx, [][]byte{small, large}); return e })
	try("GetBatch", func(ctx context.Context) error { _, e := r.GetBatch(ctx, batch); return e })
	try("ReserveSlot", func(ctx context.Context) error {
		s, e := ringbuf.ReserveSlot(ctx, r, len(large))
		clear(s.B)
		s.Commit()
		return e
	})
	try("TakeBytes", func(ctx context.Context) error {
		x, e := ringbuf.TakeBytes(ctx, r)
		e = errors.Join(e, fits(x.B))
		x.Release()
		return e
	})
	if n := r.Len(); n < 0 || n > ringbuf.SlotsOf(r) {
		err = errors.Join(err, fmt.Errorf("Len %d", n))
	}
	r.Stats()
	return err
}

// hostileHeads are lengths and blocks that a slot may be given, in a ring of so many blocks and that limit.
func hostileHeads(blocks, limit uint64) (ws []uint64) {
	for _, n := range []uint64{0, 1, 112, 113, limit - 1, limit, limit + 1, 1 << 31, 1<<32 - 1} {
		for _, k := range []uint64{0, 1, 2, blocks, blocks + 1, 1 << 31, 1<<32 - 1} {
			ws = append(ws, n|k<<abi.BlockShift)
		}
	}
	return ws
}

func hostileBlockWords() (ws []uint64) {
	for _, x := range []uint64{0, 1, 5, 1 << 31, 1<<61 - 1, 1<<61 - 8, 1 << 60} {
		for state := range uint64(8) {
			ws = append(ws, x<<3|state)
		}
	}
	return append(ws, uint64(owner.ID())<<3|abi.BlockHeld, nobodyAtAll<<3|abi.BlockHeld, ^uint64(0))
}

func TestMailHostileWords(t *testing.T) {
	turn := 0
	try := func(what string, spoil func(r *ringbuf.MPMC[[]byte])) {
		if turn++; testing.Short() && turn%5 != 0 {
			return
		}
		for filled := range 3 {
			r, err := ringbuf.MPMCConfig[[]byte]{Cap: mailCap, MaxMessage: mailLimit}.New()
			if err != nil {
				t.Fatal(err)
			}
			for n := range filled {
				r.TryPut(make([]byte, 40+n*200))
			}
			spoil(r)
			if err := errors.Join(useMail(r), useMail(r)); err != nil {
				t.Errorf("%s, %d filled: %v", what, filled, err)
			}
			r.Close()
		}
	}
	for _, h := range hostileHeads(mailBlocks, mailLimit) {
		try(fmt.Sprintf("head %#x", h), func(r *ringbuf.MPMC[[]byte]) {
			for _, at := range ringbuf.Heads(r) {
				atomic.StoreUint64(at, h)
			}
		})
	}
	for _, w := range hostileBlockWords() {
		try(fmt.Sprintf("block %#x", w), func(r *ringbuf.MPMC[[]byte]) {
			for i, at := range ringbuf.BlockWords(r) {
				if w%2 == 0 || i == 0 {
					atomic.StoreUint64(at, w)
				}
			}
		})
	}
	for _, w := range hostileSlots() {
		try(fmt.Sprintf("slot %#x", w), func(r *ringbuf.MPMC[[]byte]) {
			for i, at := range ringbuf.Words(r) {
				if w%2 == 0 || i == 2 {
					atomic.StoreUint64(at, w)
				}
			}
		})
	}
	for at := 128; at < 256; at += 8 { // the event words
		try(fmt.Sprintf("word %d", at), func(r *ringbuf.MPMC[[]byte]) { store(ringbuf.PayloadMPMC(r), at, ^uint64(0)) })
	}
}

// A message whose length or block is nonsense is an error, once: nothing is allocated by its word, and what is behind it comes.
func TestMailHostileHeadIsDropped(t *testing.T) {
	for _, h := range []uint64{mailLimit + 1, 1<<32 - 1, 113, 200 | 3<<abi.BlockShift, 301 | 1<<abi.BlockShift, 1<<31 | 1<<abi.BlockShift} {
		r := newMail(t, mailCap, mailLimit)
		r.TryPut(make([]byte, 10))
		r.TryPut(letter(7, 250))
		r.TryPut(letter(8, 20))
		atomic.StoreUint64(ringbuf.Heads(r)[0], h)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.TryGet()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("%#x: %v", h, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%#x: %d bytes allocated", h, n)
		}
		for i, n := range []int{250, 20} {
			if b, err := r.TryGet(); err != nil || !bytes.Equal(b, letter(uint64(7+i), n)) {
				t.Errorf("%#x: behind it: %d bytes, %v", h, len(b), err)
			}
		}
		if n := ringbuf.BlocksInUse(r); n != 0 {
			t.Errorf("%#x: %d blocks in use", h, n)
		}
	}
}

// A peer scribbles over all of it at full speed.
func TestMailHostileScribbler(t *testing.T) {
	r := newMail(t, mailCap, mailLimit)
	mem := ringbuf.SlotsAndWords(r)
	slots, heads, blocks := ringbuf.Words(r), ringbuf.Heads(r), ringbuf.BlockWords(r)
	slotWords, headWords, blockWords := hostileSlots(), hostileHeads(mailBlocks, mailLimit), hostileBlockWords()
	var stop atomic.Bool
	var peer sync.WaitGroup
	defer peer.Wait()
	defer stop.Store(true)
	peer.Go(func() {
		for x := uint64(88172645463325252); !stop.Load(); {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			pick := func(ws []uint64) uint64 { return ws[x>>16%uint64(len(ws))] }
			switch x >> 8 % 8 {
			case 0:
				atomic.StoreUint64(slots[x%uint64(len(slots))], pick(slotWords))
			case 1, 2:
				atomic.StoreUint64(heads[x%uint64(len(heads))], pick(headWords))
			case 3, 4:
				atomic.StoreUint64(blocks[x%uint64(len(blocks))], pick(blockWords))
			case 5:
				at := blocks[x%uint64(len(blocks))]
				atomic.StoreUint64(at, atomic.LoadUint64(at)^x>>58)
			case 6:
				at := slots[x%uint64(len(slots))]
				atomic.StoreUint64(at, atomic.LoadUint64(at)+1<<3)
			default:
				if k := int(x >> 20 % uint64(len(mem)/8) * 8); k != 8 || x>>30%8 == 0 {
					store(mem, k, x>>x%64)
				}
			}
		}
	})
	rounds := 0
	for end := time.Now().Add(lasting(time.Second, time.Minute)); time.Now().Before(end); rounds++ {
		fresh := r.Clone()
		if err := errors.Join(useMail(r), useMail(fresh)); err != nil {
			t.Fatal(err)
		}
		fresh.Close()
	}
	t.Logf("%d rounds", rounds)
}
