package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/ringbuf"
)

// useCrowd does everything that can be done with a ring of many whose words a peer has spoilt.
func useCrowd(r *ringbuf.MPMC[item]) (err error) {
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
	batch := make([]item, 3)
	try("TryGet", func(context.Context) error { _, e := r.TryGet(); return e })
	try("Get", func(ctx context.Context) error { _, e := r.Get(ctx); return e })
	try("TryPut", func(context.Context) error { return r.TryPut(items.make(1)) })
	try("Put", func(ctx context.Context) error { return r.Put(ctx, items.make(1)) })
	try("PutBatch", func(ctx context.Context) error { _, e := r.PutBatch(ctx, batch); return e })
	try("GetBatch", func(ctx context.Context) error { _, e := r.GetBatch(ctx, batch); return e })
	try("Reserve", func(ctx context.Context) error {
		s, e := r.Reserve(ctx)
		if e == nil {
			*s.V = items.make(2)
		}
		s.Commit()
		return e
	})
	try("Take", func(ctx context.Context) error { x, e := r.Take(ctx); x.Release(); return e })
	if n := r.Len(); n < 0 || n > r.Cap() {
		err = errors.Join(err, fmt.Errorf("Len %d", n))
	}
	r.Stats()
	return err
}

// hostileSlots are words that a slot may be given.
func hostileSlots() (ws []uint64) {
	for _, lap := range []uint64{0, 1, 2, 3, 1 << 31, 1 << 32, 1<<60 - 1, 1 << 60, 1<<61 - 2, 1<<61 - 1} {
		for state := range uint64(8) {
			ws = append(ws, lap<<abi.SlotShift|state)
		}
	}
	for _, id := range []uint64{0, uint64(owner.ID()), nobodyAtAll} {
		for _, lap := range []uint64{0, 1, 1 << 31, 1<<32 - 1} {
			ws = append(ws, lap<<32|id<<3|abi.SlotWriting, lap<<32|id<<3|abi.SlotReading)
		}
	}
	return ws
}

func TestMPMCHostileSlots(t *testing.T) {
	for i, w := range hostileSlots() {
		if testing.Short() && i%5 != 0 {
			continue
		}
		for filled := range 3 {
			for _, all := range []bool{false, true} {
				r, err := ringbuf.NewMPMC[item](4)
				if err != nil {
					t.Fatal(err)
				}
				for n := range filled * 2 {
					r.TryPut(items.make(uint64(n)))
				}
				for k, at := range ringbuf.Words(r) {
					if all || k == 1 {
						atomic.StoreUint64(at, w)
					}
				}
				fresh := r.Clone()
				if err := errors.Join(useCrowd(r), useCrowd(fresh)); err != nil {
					t.Errorf("%#x, %d filled, all %v: %v", w, filled, all, err)
				}
				fresh.Close()
				r.Close()
			}
		}
	}
}

// Each word of the control block, too.
func TestMPMCHostileWords(t *testing.T) {
	for _, at := range []int{0, 4, 8, 128, 132, 256, 264, 384, 512} {
		for i, x := range bounds(16) {
			if testing.Short() && i%4 != 1 {
				continue
			}
			r, err := ringbuf.NewMPMC[item](5)
			if err != nil {
				t.Fatal(err)
			}
			r.TryPut(items.make(1))
			mem := ringbuf.PayloadMPMC(r)
			if at%8 == 4 || at == 8 || at < 256 {
				x &= 1<<32 - 1
			}
			store(mem, at&^7, x<<(at%8*8))
			fresh := r.Clone()
			if err := errors.Join(useCrowd(r), useCrowd(fresh)); err != nil {
				t.Errorf("word %d = %#x: %v", at, x, err)
			}
			fresh.Close()
			r.Close()
		}
	}
}

// A peer scribbles over all of it at full speed.
func TestMPMCHostileScribbler(t *testing.T) {
	r := newMPMC[item](t, 5)
	mem, words := ringbuf.PayloadMPMC(r), ringbuf.Words(r)
	values := hostileSlots()
	var stop atomic.Bool
	var peer sync.WaitGroup
	defer peer.Wait()
	defer stop.Store(true)
	peer.Go(func() {
		for x := uint64(88172645463325252); !stop.Load(); {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			at := words[x%uint64(len(words))]
			switch x >> 8 % 4 {
			case 0:
				atomic.StoreUint64(at, values[x>>16%uint64(len(values))])
			case 1:
				atomic.StoreUint64(at, atomic.LoadUint64(at)+1<<3)
			case 2:
				atomic.StoreUint64(at, atomic.LoadUint64(at)^x>>60)
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
		if err := errors.Join(useCrowd(r), useCrowd(fresh)); err != nil {
			t.Fatal(err)
		}
		fresh.Close()
	}
	t.Logf("%d rounds", rounds)
}
