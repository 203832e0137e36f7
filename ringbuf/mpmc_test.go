package ringbuf_test

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

func newMPMC[T any](t testing.TB, capacity int) *ringbuf.MPMC[T] {
	t.Helper()
	r, err := ringbuf.NewMPMC[T](capacity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && err != os.ErrClosed {
			t.Error(err)
		}
	})
	return r
}

// Every capacity, exactly: powers of two and others; in order, over many laps; full and empty to the item.
func TestMPMCOrder(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 7, 8, 9, 16, 100} {
		r := newMPMC[uint64](t, capacity)
		next, want := uint64(0), uint64(0)
		for lap := range 20 {
			for range capacity - lap%capacity {
				if err := r.TryPut(next); err == ringbuf.ErrFull {
					break
				} else if err != nil {
					t.Fatal(capacity, next, err)
				}
				next++
			}
			for r.TryPut(next) == nil {
				next++
			}
			if n := int(next - want); n != capacity || r.Len() != capacity {
				t.Fatalf("capacity %d: full with %d, Len %d", capacity, n, r.Len())
			}
			for range 1 + lap%capacity {
				if v, err := r.TryGet(); v != want || err != nil {
					t.Fatalf("capacity %d: got %d, want %d: %v", capacity, v, want, err)
				}
				want++
			}
		}
		for want < next {
			if v, err := r.TryGet(); v != want || err != nil {
				t.Fatal(capacity, v, want, err)
			}
			want++
		}
		if v, err := r.TryGet(); err != ringbuf.ErrEmpty || v != 0 {
			t.Fatal(v, err)
		}
		if s := r.Stats(); s.Put != next || s.Got != next || s.Skipped != 0 || r.Len() != 0 || r.Cap() != capacity {
			t.Errorf("%+v, want %d; Len %d", s, next, r.Len())
		}
	}
}

// Clones walk from positions of their own, and find the others' items wherever those have come to.
func TestMPMCClones(t *testing.T) {
	r := newMPMC[int](t, 5)
	hands := []*ringbuf.MPMC[int]{r, r.Clone(), r.Clone(), r.Clone()}
	for n := range 1000 {
		if err := hands[n*7%4].TryPut(n); err != nil {
			t.Fatal(n, err)
		}
		if n%3 == 0 {
			continue
		}
		for m := range 1 + n%2 {
			if _, err := hands[(n*5+m)%4].TryGet(); err != nil && err != ringbuf.ErrEmpty {
				t.Fatal(n, err)
			}
		}
	}
	for _, h := range hands[1:] {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := h.TryPut(1); err != os.ErrClosed {
			t.Error(err)
		}
	}
}

func TestMPMCInPlace(t *testing.T) {
	r := newMPMC[[3]int](t, 3)
	ctx := within(t)
	a, err1 := r.Reserve(ctx)
	b, err2 := r.Reserve(ctx)
	c, err3 := r.Reserve(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if err := r.TryPut([3]int{}); err != ringbuf.ErrFull {
		t.Error(err)
	}
	*a.V, *c.V = [3]int{1, 2, 3}, [3]int{7, 8, 9}
	c.Commit()
	if _, err := r.TryGet(); err != ringbuf.ErrEmpty { // the oldest is under way
		t.Error(err)
	}
	if s := r.Stats(); s.Writing != 2 || s.Writer == 0 || r.Len() != 1 {
		t.Errorf("%+v, Len %d", s, r.Len())
	}
	a.Commit()
	a.Abort() // too late
	b.Abort()
	b.Commit() // too late
	x, err := r.Take(ctx)
	if err != nil || *x.V != [3]int{1, 2, 3} || x.Redelivered() {
		t.Fatal(x, err)
	}
	if err := r.TryPut([3]int{}); err != ringbuf.ErrFull { // it is still in its place
		t.Error(err)
	}
	y, err := r.Take(ctx)
	if err != nil || *y.V != [3]int{7, 8, 9} {
		t.Fatal(y, err)
	}
	if s := r.Stats(); s.Reading != 2 || s.Reader == 0 || s.Skipped != 1 {
		t.Errorf("%+v", s)
	}
	y.Release()
	y.Release()
	x.Release()
	for range 3 {
		if err := r.TryPut([3]int{}); err != nil {
			t.Error(err)
		}
	}
	ringbuf.Slot[int]{}.Commit()
	ringbuf.Slot[int]{}.Abort()
	ringbuf.Taken[int]{}.Release()
}

func TestMPMCBatch(t *testing.T) {
	r := newMPMC[int](t, 10)
	ctx := within(t)
	vs, dst := make([]int, 25), make([]int, 7)
	for i := range vs {
		vs[i] = i
	}
	n, err := r.PutBatch(ctx, vs)
	if n != 10 || err != nil {
		t.Fatal(n, err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if n, err := r.PutBatch(done, vs); n != 0 || err != context.Canceled {
		t.Error(n, err)
	}
	var got []int
	for _, want := range []int{7, 3} {
		n, err := r.GetBatch(ctx, dst)
		if n != want || err != nil {
			t.Fatal(n, err)
		}
		got = append(got, dst[:n]...)
	}
	for i, v := range got {
		if i != v {
			t.Fatal(got)
		}
	}
	if n, err := r.GetBatch(done, dst); n != 0 || err != context.Canceled {
		t.Error(n, err)
	}
	if n, err := r.GetBatch(done, nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	r.Shutdown()
	if n, err := r.GetBatch(ctx, dst); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	if n, err := r.PutBatch(ctx, vs); n != 0 || err != io.ErrClosedPipe {
		t.Error(n, err)
	}
}

// After Shutdown all that was put is drained, in order, and then everybody is told, again and again.
func TestMPMCShutdown(t *testing.T) {
	r := newMPMC[int](t, 8)
	for n := range 5 {
		r.TryPut(n)
	}
	s, err := r.Reserve(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := r.TryPut(9); err != io.ErrClosedPipe {
		t.Error(err)
	}
	for n := range 5 {
		if v, err := r.TryGet(); v != n || err != nil {
			t.Fatal(v, err)
		}
	}
	if _, err := r.TryGet(); err != ringbuf.ErrEmpty {
		t.Errorf("with a put under way: %v", err)
	}
	*s.V = 5
	s.Commit()
	for v, err := range r.All(within(t)) {
		if v != 5 || err != nil {
			t.Error(v, err)
		}
	}
	for range 3 {
		_, e1 := r.TryGet()
		_, e2 := r.Get(within(t))
		_, e3 := r.Take(within(t))
		if e1 != io.EOF || e2 != io.EOF || e3 != io.EOF {
			t.Error(e1, e2, e3)
		}
	}
	late := r.Clone()
	if _, err := late.TryGet(); err != io.EOF {
		t.Error(err)
	}
	if err := late.Close(); err != nil {
		t.Error(err)
	}
}

func TestMPMCRefuses(t *testing.T) {
	for _, capacity := range []int{-1, 1<<31 + 1} {
		if _, err := ringbuf.NewMPMC[uint64](capacity); err == nil {
			t.Error(capacity)
		}
	}
	if _, err := ringbuf.NewMPMC[*int](4); err == nil {
		t.Error("pointers are refused")
	}
	var z ringbuf.MPMC[int]
	_, e1 := z.TryGet()
	_, e2 := z.Reserve(within(t))
	_, e3 := z.Take(within(t))
	_, e4 := z.PutBatch(within(t), []int{1})
	_, e5 := z.GetBatch(within(t), make([]int, 1))
	_, e6 := z.MarshalText()
	for i, err := range []error{e1, e2, e3, e4, e5, e6, z.TryPut(1), z.Close(), z.Shutdown(), z.Unlink(), z.Clone().Close()} {
		if err != os.ErrClosed {
			t.Errorf("zero handle, call %d: %v", i, err)
		}
	}
	z.Notify(make(chan struct{}))()
	if z.Len() != 0 || z.Cap() != 0 || z.Name() != "" || z.Stats() != (ringbuf.MPMCStats{}) {
		t.Error("a zero handle has properties")
	}
}

// Goroutines that share one handle, or have clones: each item once, each producer's in order.
func TestMPMCGoroutines(t *testing.T) {
	for name, clone := range map[string]bool{"shared": false, "clones": true} {
		for _, capacity := range []int{1, 3, 64} {
			t.Run(name, func(t *testing.T) { crowdOf(t, capacity, 3, 3, 3000, clone) })
		}
	}
}

func crowdOf(t *testing.T, capacity, producers, consumers, each int, clone bool) {
	r := newMPMC[[2]int](t, capacity)
	hand := func() *ringbuf.MPMC[[2]int] {
		if !clone {
			return r
		}
		c := r.Clone()
		t.Cleanup(func() { c.Close() })
		return c
	}
	ctx := within(t)
	var puts, gets sync.WaitGroup
	for p := range producers {
		h := hand()
		puts.Go(func() {
			for n := range each {
				if err := h.Put(ctx, [2]int{p, n}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var mu sync.Mutex
	seen := make([]map[int]bool, producers)
	for p := range seen {
		seen[p] = map[int]bool{}
	}
	for range consumers {
		h := hand()
		gets.Go(func() {
			last := make([]int, producers)
			for v, err := range h.All(ctx) {
				if err != nil {
					t.Error(err)
					return
				}
				if v[1]+1 <= last[v[0]] {
					t.Errorf("producer %d: %d after %d", v[0], v[1], last[v[0]]-1)
				}
				last[v[0]] = v[1] + 1
				mu.Lock()
				if seen[v[0]][v[1]] {
					t.Errorf("producer %d: %d twice", v[0], v[1])
				}
				seen[v[0]][v[1]] = true
				mu.Unlock()
			}
		})
	}
	puts.Wait()
	r.Shutdown()
	gets.Wait()
	for p := range seen {
		if len(seen[p]) != each {
			t.Errorf("producer %d: %d of %d", p, len(seen[p]), each)
		}
	}
	if s := r.Stats(); s.Put != uint64(producers*each) || s.Got != s.Put || s.Reading+s.Writing != 0 {
		t.Errorf("%+v", s)
	}
}

func TestMPMCAllocations(t *testing.T) {
	r := newMPMC[[4]int64](t, 64)
	ctx := context.Background()
	vs := make([][4]int64, 32)
	for name, f := range map[string]func(){
		"Put, Get":       func() { r.Put(ctx, [4]int64{}); r.Get(ctx) },
		"TryPut, TryGet": func() { r.TryPut([4]int64{}); r.TryGet() },
		"batches":        func() { r.PutBatch(ctx, vs); r.GetBatch(ctx, vs) },
		"in place": func() {
			s, _ := r.Reserve(ctx)
			s.V[0] = 1
			s.Commit()
			x, _ := r.Take(ctx)
			x.Release()
		},
		"full, empty": func() {
			for r.TryPut([4]int64{}) == nil {
			}
			for {
				if _, err := r.TryGet(); err != nil {
					break
				}
			}
		},
		"Len": func() { r.Len(); r.Stats() },
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
