package ringbuf_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
)

// Producers of all sizes sleep for want of blocks, in one process: each is woken when there is one for it, none is
// forgotten, and who needs less does not sleep behind who needs more.
func TestMailWaiting(t *testing.T) {
	noSlices(t)
	r := newMail(t, 8192, 4096)
	ctx := within(t)
	const each = 100
	sizes := []int{4096, 4000, 1000, 900, 200}
	var puts sync.WaitGroup
	hands := []*ringbuf.MPMC[[]byte]{r, r.Clone()}
	defer hands[1].Close()
	for i, n := range sizes {
		h := hands[i%2]
		puts.Go(func() {
			for k := range each {
				if err := h.Put(ctx, letter(uint64(k), n)); err != nil {
					t.Error(n, err)
					return
				}
			}
		})
	}
	parked(t, r, 3)
	got := map[int]int{}
	for range each * len(sizes) {
		x, err := ringbuf.TakeBytes(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		n := len(x.B)
		if !bytes.Equal(x.B, letter(uint64(got[n]), n)) {
			t.Fatalf("%d bytes, message %d", n, got[n])
		}
		got[n]++
		x.Release()
	}
	puts.Wait()
	if n := ringbuf.BlocksInUse(r); n != 0 {
		t.Errorf("%d blocks in use", n)
	}
}

// What ends a wait for a block: the context, Shutdown, Close of its handle; and an Abort, which frees one.
func TestMailWaitEnds(t *testing.T) {
	noSlices(t)
	large := make([]byte, 1000)
	for name, end := range map[string]struct {
		do   func(r, mine *ringbuf.MPMC[[]byte], s ringbuf.BytesSlot, cancel func())
		want error
	}{
		"context":  {func(_, _ *ringbuf.MPMC[[]byte], _ ringbuf.BytesSlot, cancel func()) { cancel() }, context.Canceled},
		"Shutdown": {func(r, _ *ringbuf.MPMC[[]byte], _ ringbuf.BytesSlot, _ func()) { r.Shutdown() }, io.ErrClosedPipe},
		"Close":    {func(_, mine *ringbuf.MPMC[[]byte], _ ringbuf.BytesSlot, _ func()) { mine.Close() }, os.ErrClosed},
		"Abort":    {func(_, _ *ringbuf.MPMC[[]byte], s ringbuf.BytesSlot, _ func()) { s.Abort() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newMail(t, 1000, 1000)
			mine, others := r.Clone(), r.Clone()
			defer mine.Close()
			defer others.Close()
			s, err := ringbuf.ReserveSlot(within(t), r, 1000)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- mine.Put(ctx, large) }()
			parked(t, r, 1)
			end.do(r, mine, s, cancel)
			if err := <-ended; err != end.want {
				t.Error(err)
			}
			s.Commit()
		})
	}
}

// The rule of the documentation, to the message: a put is refused when the slots are taken, or no block of its size or a larger one
// is free, and never else. Messages are taken in place and released in any order.
func TestMailRefusal(t *testing.T) {
	const limit = 4096
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	r := newMail(t, 4*limit, limit)
	classes := []int{4096, 1024, 256}
	free := []int{4, 8, 16}
	place := func(n int) int { // the class that holds n bytes, len(classes): a slot does; -1: none
		if n <= 112 {
			return len(classes)
		}
		for j := len(classes) - 1; j >= 0; j-- {
			if classes[j] >= n && free[j] > 0 {
				return j
			}
		}
		return -1
	}
	type put struct{ n, class, number int }
	var queue []put
	var held []ringbuf.BytesTaken
	var heldPut []put
	released, puts := map[int]bool{}, 0
	slots := ringbuf.SlotsOf(r)
	ctx := ended()
	refusals := 0
	for i := range 20_000 {
		switch dice := rng.IntN(10); {
		case dice < 5:
			n := int(float64(limit) * rng.Float64() * rng.Float64() * rng.Float64())
			class := place(n)
			err := r.TryPut(letter(uint64(n), n))
			room := puts < slots || released[puts-slots] // the slot of one lap before
			switch {
			case err == nil && class >= 0 && room:
				if queue = append(queue, put{n, class, puts}); class < len(classes) {
					free[class]--
				}
				puts++
			case err == ringbuf.ErrFull && (class < 0 || !room):
				refusals++
			default:
				t.Fatalf("step %d: %d bytes, class %d, free %v, %d queued, %d held: %v", i, n, class, free, len(queue), len(held), err)
			}
		case dice < 8 && len(held) < 8:
			x, err := ringbuf.TakeBytes(ctx, r)
			if len(queue) == 0 {
				if err != context.Canceled {
					t.Fatal(err)
				}
				continue
			}
			if p := queue[0]; err != nil || !bytes.Equal(x.B, letter(uint64(p.n), p.n)) {
				t.Fatal(len(x.B), p.n, err)
			}
			held, heldPut, queue = append(held, x), append(heldPut, queue[0]), queue[1:]
		case len(held) > 0:
			k := rng.IntN(len(held))
			held[k].Release()
			p := heldPut[k]
			if released[p.number] = true; p.class < len(classes) {
				free[p.class]++
			}
			held, heldPut = slices.Delete(held, k, k+1), slices.Delete(heldPut, k, k+1)
		}
	}
	if refusals == 0 {
		t.Error("nothing was ever refused")
	}
}

// A steady stream of mixed sizes, 1 B … 1 MiB: memory stays what it is, and nothing is refused for good.
func TestMailSteady(t *testing.T) {
	const limit = 1 << 20
	r := newMail(t, 4*limit, limit)
	long := lasting(500*time.Millisecond, 10*time.Minute)
	ctx, until := within(t), time.Now().Add(long)
	if long > time.Minute {
		ctx = context.Background()
	}
	text, _ := r.MarshalText()
	size := func(k uint64) int { // as many of each power of two
		k *= 0x9e3779b97f4a7c15
		most := uint64(1) << (k >> 59 % 21)
		return int(1 + (k>>20)%most)
	}
	var before, early, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stamp := func(b []byte, who, k uint64) { // both ends: what is torn differs
		b[0], b[len(b)-1] = byte(k)^byte(who), byte(k)^byte(who)
	}
	var all sync.WaitGroup
	var sent [2]uint64
	for who := range uint64(2) {
		all.Go(func() {
			var h ringbuf.MPMC[[]byte]
			if err := h.UnmarshalText(text); err != nil {
				t.Error(err)
				return
			}
			defer h.Close()
			for k := uint64(0); time.Now().Before(until); k++ {
				s, err := ringbuf.ReserveSlot(ctx, &h, size(k))
				if err != nil {
					t.Error(err)
					return
				}
				stamp(s.B, who, k)
				s.Commit()
				sent[who]++
			}
		})
	}
	done := make(chan error, 1)
	took, home := context.WithCancel(ctx)
	defer home()
	go func() {
		for {
			x, err := ringbuf.TakeBytes(took, r)
			if err != nil {
				done <- err
				return
			}
			if x.B[0] != x.B[len(x.B)-1] {
				done <- fmt.Errorf("torn: %d bytes", len(x.B))
				return
			}
			x.Release()
		}
	}()
	time.Sleep(time.Until(until.Add(-long * 3 / 4)))
	runtime.ReadMemStats(&early)
	all.Wait()
	home()
	if err := <-done; err != context.Canceled {
		t.Error(err)
	}
	for second(r.TryGet()) == nil { // its context ended as it slept, and something had come
	}
	runtime.ReadMemStats(&after)
	s := r.Stats()
	if s.Put != sent[0]+sent[1] || s.Got != s.Put || ringbuf.BlocksInUse(r) != 0 {
		t.Errorf("%+v; %d sent; %d blocks in use", s, sent, ringbuf.BlocksInUse(r))
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 && n > 64*s.Put {
		t.Errorf("%d bytes allocated for %d messages", n, s.Put)
	}
	if after.Sys > early.Sys+8<<20 { // that of all of the time, and of a quarter of it
		t.Errorf("the process has grown from %d to %d bytes", early.Sys, after.Sys)
	}
	t.Logf("%d messages; %d B allocated; %+v", s.Put, after.TotalAlloc-before.TotalAlloc, s)
	for range 2 { // what is free can be had: all of the largest, then of the others
		n := 0
		for _, size := range []int{limit, limit / 4, limit / 16} {
			for r.TryPut(make([]byte, size)) == nil {
				n++
			}
		}
		if n != 4+8+16 {
			t.Errorf("%d messages fit, want 28", n)
		}
		for second(r.TryGet()) == nil {
		}
	}
}

// The whole algorithm on memory of Go's, where the race detector sees it all.
func TestMailOnTheHeap(t *testing.T) {
	r := ringbuf.HeapMail(600, 300)
	ctx := within(t)
	const each = 1500
	var puts, gets sync.WaitGroup
	for p := range uint64(3) {
		puts.Go(func() {
			for k := range uint64(each) {
				b := mailMakeLike(2*k + p%2)
				if k%2 == 0 {
					if err := r.Put(ctx, b); err != nil {
						t.Error(err)
					}
					continue
				}
				s, err := ringbuf.ReserveSlot(ctx, r, len(b))
				if err != nil {
					t.Error(err)
					return
				}
				copy(s.B, b)
				if k%11 == 0 {
					s.Abort()
				}
				s.Commit()
			}
		})
	}
	for i := range 2 {
		gets.Go(func() {
			buf := make([]byte, 300)
			for k := 0; ; k++ {
				var err error
				if k%2 == i {
					buf, err = ringbuf.GetBytes(ctx, r, buf)
					if err == nil && !whole(buf) {
						t.Error("torn")
					}
				} else {
					var x ringbuf.BytesTaken
					if x, err = ringbuf.TakeBytes(ctx, r); err == nil && !whole(x.B) {
						t.Error("torn")
					}
					x.Release()
				}
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	puts.Wait()
	r.Shutdown()
	gets.Wait()
	if n := ringbuf.BlocksInUse(r); n != 0 {
		t.Errorf("%d blocks in use", n)
	}
}

// mailMakeLike is a message whose bytes are all the same: an even number's needs a block.
func mailMakeLike(n uint64) []byte {
	size := 20
	if n%2 == 0 {
		size = 150 + int(n%150)
	}
	return bytes.Repeat([]byte{byte(n)}, size)
}

func whole(b []byte) bool { return bytes.Count(b, b[:1]) == len(b) }
