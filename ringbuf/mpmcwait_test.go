package ringbuf_test

import (
	"context"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/ringbuf"
)

// parked waits until so many calls have gone to sleep.
func parked[T any](t *testing.T, r *ringbuf.MPMC[T], n uint64) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(100 * time.Microsecond) {
		if s := r.Stats(); s.PutParks+s.GetParks >= n {
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("nobody sleeps: %+v", r.Stats())
		}
	}
}

// noSlices makes a wake-up that is lost stay lost.
func noSlices(t *testing.T) {
	old := park.Slice()
	park.SetSlice(time.Hour)
	t.Cleanup(func() { park.SetSlice(old) })
}

// Sleepers are woken by items and by room, one by one, none is forgotten; and by Shutdown, all.
func TestMPMCWaiting(t *testing.T) {
	noSlices(t)
	r := newMPMC[int](t, 2)
	ctx := within(t)
	var gets sync.WaitGroup
	got := make(chan int, 100)
	for range 5 {
		gets.Go(func() {
			for v, err := range r.All(ctx) {
				if err != nil {
					t.Error(err)
				}
				got <- v
			}
		})
	}
	parked(t, r, 5)
	for n := range 50 {
		if err := r.Put(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	sum := 0
	for range 50 {
		sum += <-got
	}
	if sum != 50*49/2 {
		t.Error(sum)
	}
	r.Shutdown()
	gets.Wait()
}

func TestMPMCContext(t *testing.T) {
	r := newMPMC[int](t, 1)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Put(done, 1); err != nil { // it need not wait
		t.Error(err)
	}
	if err := r.Put(done, 2); err != context.Canceled {
		t.Error(err)
	}
	if v, err := r.Get(done); v != 1 || err != nil {
		t.Error(v, err)
	}
	if v, err := r.Get(done); v != 0 || err != context.Canceled {
		t.Error(v, err)
	}
	later, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { _, err := r.Get(later); ended <- err }()
	parked(t, r, 1)
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Error(err)
	}
	if s := r.Stats(); s.Put != 1 || s.Got != 1 {
		t.Errorf("%+v", s)
	}
}

// Close ends what waits, of this handle and not of its clones.
func TestMPMCCloseEndsWaiting(t *testing.T) {
	r := newMPMC[int](t, 1)
	c := r.Clone()
	defer c.Close()
	mine, others := make(chan error, 1), make(chan error, 1)
	go func() { _, err := r.Get(context.Background()); mine <- err }()
	go func() { _, err := c.Get(context.Background()); others <- err }()
	parked(t, r, 2)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-mine; err != os.ErrClosed {
		t.Error(err)
	}
	if err := c.TryPut(1); err != nil {
		t.Error(err)
	}
	if err := <-others; err != nil {
		t.Error(err)
	}
}

// Goroutines that are inside of calls when the handle is closed get out unharmed.
func TestMPMCCloseUnderLoad(t *testing.T) {
	for range 20 {
		r := newMPMC[int](t, 4)
		var all sync.WaitGroup
		for k := range 4 {
			all.Go(func() {
				for err := error(nil); err != os.ErrClosed; {
					if k%2 == 0 {
						err = r.TryPut(1)
					} else {
						_, err = r.TryGet()
					}
				}
			})
		}
		time.Sleep(time.Millisecond)
		r.Close()
		all.Wait()
	}
}

func TestMPMCNotify(t *testing.T) {
	r := newMPMC[int](t, 8)
	ch := make(chan struct{}, 1)
	stop := r.Notify(ch)
	for n := range 20 {
		r.TryPut(n)
		for v, err := -1, error(nil); v != n; {
			select {
			case <-ch:
			case <-time.After(20 * time.Second):
				t.Fatal("no token")
			}
			for err = nil; err == nil; {
				var x int
				if x, err = r.TryGet(); err == nil {
					v = x
				}
			}
		}
	}
	stop()
	r.Notify(ch)
	r.Shutdown()
	select {
	case <-ch:
	case <-time.After(20 * time.Second):
		t.Fatal("no token at the end")
	}
}

// The whole algorithm on memory of Go's, where the race detector sees it all; and heap data behind it, that only the
// ring orders.
func TestMPMCOnTheHeap(t *testing.T) {
	r := ringbuf.HeapMPMC[[2]int](3)
	ctx := within(t)
	const each = 2000
	var heap [3][each]int
	var puts, gets sync.WaitGroup
	for p := range heap {
		puts.Go(func() {
			for n := range each {
				heap[p][n] = n + 1
				if n%2 == 0 {
					if err := r.Put(ctx, [2]int{p, n}); err != nil {
						t.Error(err)
					}
					continue
				}
				s, err := r.Reserve(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if *s.V = [2]int{p, n}; n%11 == 0 {
					s.Abort()
				} else {
					s.Commit()
				}
			}
		})
	}
	for k := range 3 {
		gets.Go(func() {
			for n := 0; ; n++ {
				if (n+k)%2 == 0 {
					v, err := r.Get(ctx)
					if err != nil {
						return
					}
					heap[v[0]][v[1]]++
					continue
				}
				x, err := r.Take(ctx)
				if err != nil {
					return
				}
				heap[x.V[0]][x.V[1]]++
				x.Release()
			}
		})
	}
	puts.Wait()
	r.Shutdown()
	gets.Wait()
	for p := range heap {
		for n, v := range heap[p] {
			if v != n+2 && n%11 != 0 {
				t.Fatalf("producer %d, item %d: %d", p, n, v-n-1)
			}
		}
	}
	r.Close()
}

// Before the end is told, what a dead reader had in hand is delivered; and an item that somebody still has in hand at
// the end comes when he dies.
func TestMPMCEndLooksBehind(t *testing.T) {
	r := newMPMC[int](t, 4)
	ctx := within(t)
	for n := range 2 {
		r.TryPut(n)
	}
	_, err1 := r.Take(ctx)
	ringbuf.Bury(r, abi.SlotReading, nobodyAtAll)
	_, err2 := r.Take(ctx)
	r.Shutdown()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if x, err := r.Take(ctx); err != nil || *x.V != 0 || !x.Redelivered() {
		t.Fatal(x, err)
	} else {
		x.Release()
	}
	if _, err := r.Get(ctx); err != io.EOF {
		t.Error(err)
	}
	ringbuf.Bury(r, abi.SlotReading, nobodyAtAll)
	if v, err := r.Get(ctx); v != 1 || err != nil {
		t.Error(v, err)
	}
	if _, err := r.Get(ctx); err != io.EOF {
		t.Error(err)
	}
}

// Behind a shutdown a consumer may wait for a slot that another one still reads: the release tells it.
func TestMPMCEndBehindAReader(t *testing.T) {
	noSlices(t)
	r := newMPMC[int](t, 1)
	r.TryPut(0)
	x, err := r.Take(within(t))
	if err != nil {
		t.Fatal(err)
	}
	r.Shutdown()
	ended := make(chan error)
	go func() { _, err := r.Get(within(t)); ended <- err }()
	parked(t, r, 1)
	x.Release()
	if err := <-ended; err != io.EOF {
		t.Error(err)
	}
}
