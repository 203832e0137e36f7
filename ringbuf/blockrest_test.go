package ringbuf_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
)

// restRing is a ring of messages with n blocks of the largest size.
func restRing(t *testing.T, n, size int) *ringbuf.MPMC[[]byte] {
	t.Helper()
	m, err := ringbuf.MPMCConfig[[]byte]{Cap: n * size, MaxMessage: size}.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// restUsed is the number of the block that is in use, of which there is one.
func restUsed(t *testing.T, m *ringbuf.MPMC[[]byte]) int {
	t.Helper()
	used := -1
	for i, w := range ringbuf.BlockWords(m) {
		if atomic.LoadUint64(w) != 0 {
			if used >= 0 {
				t.Fatalf("blocks %d and %d are in use for one message", used, i)
			}
			used = i
		}
	}
	return used
}

// restOne sends one message there and back, and says which block it had.
func restOne(t *testing.T, m *ringbuf.MPMC[[]byte], b []byte) int {
	t.Helper()
	if err := m.TryPut(b); err != nil {
		t.Fatal(err)
	}
	used := restUsed(t, m)
	if _, err := m.TryGet(); err != nil {
		t.Fatal(err)
	}
	return used
}

// A block that was just freed is the last to be used again.
func TestBlocksRest(t *testing.T) {
	const n, size = 16, 4096
	m := restRing(t, n, size)
	b := make([]byte, size)
	for lap := range 3 {
		seen := map[int]bool{}
		for range n {
			seen[restOne(t, m, b)] = true
		}
		if len(seen) != n {
			t.Errorf("lap %d: %d messages had %d blocks, want each its own", lap, n, len(seen))
		}
	}
}

// A class that no cache holds goes round in a part of it; the rest is there when that is in use.
func TestBlocksRestNearby(t *testing.T) {
	const n, size = 12, 1 << 20
	m := restRing(t, n, size)
	b := make([]byte, size)
	seen := map[int]bool{}
	for range 2 * n {
		seen[restOne(t, m, b)] = true
	}
	if len(seen) != 8 {
		t.Errorf("one message at a time has gone through %d MiB, want 8", len(seen))
	}
	for i := range n {
		if err := m.TryPut(b); err != nil {
			t.Fatalf("message %d of %d: %v", i, n, err)
		}
	}
	if err := m.TryPut(b); err != ringbuf.ErrFull {
		t.Errorf("one more than there are blocks: %v, want ErrFull", err)
	}
}

// Who waits for a block looks at one of them while it spins, and gets whichever becomes free.
func TestBlocksRestAnyWillDo(t *testing.T) {
	const n, size = 8, 4096
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for free := range n {
		m := restRing(t, n, size)
		var slots []ringbuf.BytesSlot
		for range n {
			s, err := ringbuf.ReserveSlot(ctx, m, size)
			if err != nil {
				t.Fatal(err)
			}
			slots = append(slots, s)
		}
		done := make(chan error, 1)
		go func() { done <- m.Put(ctx, make([]byte, size)) }()
		for end := time.Now().Add(10 * time.Second); m.Stats().PutWaits == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		slots[free].Abort()
		if err := <-done; err != nil {
			t.Errorf("block %d was given back: Put: %v", free, err)
		}
		for _, s := range slots {
			s.Abort()
		}
	}
}

// A publisher that waits for a quarter of the ring goes on with less if there is no more.
func TestBroadcastRoomForOne(t *testing.T) {
	const n = 64
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	b, err := ringbuf.NewBroadcast[uint64](n)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := b.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Subscribe(ringbuf.Latest)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(n) {
		if err := p.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(n / 2) {
		done := make(chan error, 1)
		go func() { done <- p.Put(ctx, n+i) }()
		if i%8 == 0 { // it may sleep by now, or spin still
			time.Sleep(time.Millisecond)
		}
		if v, err := s.Get(ctx); v != i || err != nil {
			t.Fatalf("got %d, %v, want %d", v, err, i)
		}
		if err := <-done; err != nil {
			t.Fatalf("put with room for one: %v", err)
		}
	}
}
