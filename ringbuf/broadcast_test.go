package ringbuf_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// air is a broadcast of its own with its publisher.
type air[T any] struct {
	b *ringbuf.Broadcast[T]
	p *ringbuf.Producer[T]
}

func newAir[T any](t testing.TB, capacity int, overrun bool) air[T] {
	t.Helper()
	b, err := ringbuf.BroadcastConfig[T]{Cap: capacity, Overrun: overrun}.New()
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return air[T]{b, p}
}

func (a air[T]) subscribe(t testing.TB, from ringbuf.From) *ringbuf.Subscriber[T] {
	t.Helper()
	s, err := a.b.Subscribe(from)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An ear is what a subscriber must hear: each number from next on, but for those that it is told it has missed.
type ear[T any] struct {
	s            *ringbuf.Subscriber[T]
	next, missed uint64
}

// hear judges one result of a Get. It reports false when there was nothing to take.
func (f form[T]) hear(t testing.TB, e *ear[T], v T, err error) bool {
	t.Helper()
	var m *ringbuf.MissedError
	switch {
	case errors.As(err, &m):
		if m.N == 0 {
			t.Fatal("missed nothing")
		}
		e.next += m.N
		e.missed += m.N
		return true
	case err == ringbuf.ErrEmpty || err == io.EOF:
		return false
	}
	n, torn := f.number(v)
	if err = errors.Join(err, torn); err != nil || n != e.next {
		t.Fatalf("heard %d, want %d: %v", n, e.next, err)
	}
	e.next++
	return true
}

func TestBroadcastOrder(t *testing.T) {
	t.Run("items", func(t *testing.T) { castOrder(t, items) })
	t.Run("messages", func(t *testing.T) { castOrder(t, messages) })
}

// Several subscribers that read at random, one of them hardly ever, one that comes and goes: in both modes each hears all
// from where it has begun, but for what it is told.
func castOrder[T any](t *testing.T, f form[T]) {
	for _, overrun := range []bool{false, true} {
		for _, capacity := range []int{1, 3, 7, 64, 100} {
			if f.name == "messages" {
				capacity *= 40
			}
			a := newAir[T](t, capacity, overrun)
			rng := rand.New(rand.NewPCG(uint64(capacity), 7))
			ears := []*ear[T]{{s: a.subscribe(t, ringbuf.Latest)}, {s: a.subscribe(t, ringbuf.Oldest)}, {s: a.subscribe(t, ringbuf.Oldest)}}
			put, full := uint64(0), 0
			for round := range 4000 {
				for range rng.IntN(2*capacity/40 + 3) {
					err := a.p.TryPut(f.make(put))
					if err == ringbuf.ErrFull && !overrun {
						full++
						break
					} else if err != nil {
						t.Fatal(err)
					}
					put++
				}
				for i, e := range ears {
					for range rng.IntN(capacity/40 + 3) {
						if i == 0 && overrun && round%50 != 0 {
							break
						}
						v, err := e.s.TryGet()
						if !f.hear(t, e, v, err) && e.next != put {
							t.Fatalf("subscriber %d: nothing at %d of %d: %v", i, e.next, put, err)
						}
					}
				}
				if round%100 == 99 {
					ears[2].s.Close()
					ears[2] = &ear[T]{s: a.subscribe(t, ringbuf.Latest), next: put}
					if round%200 == 199 {
						ears[2].s.Close()
						ears[2] = &ear[T]{s: a.subscribe(t, ringbuf.Oldest), next: put - uint64(a.b.Len())}
						if n := a.b.Len(); n < 1 && capacity > 1 {
							t.Fatalf("Len %d of a ring that %d were put into", n, put)
						}
					}
				}
			}
			if err := a.b.Shutdown(); err != nil {
				t.Fatal(err)
			}
			missed := uint64(0)
			for i, e := range ears {
				for {
					v, err := e.s.Get(within(t))
					if err == io.EOF {
						break
					}
					f.hear(t, e, v, err)
				}
				if e.next != put {
					t.Errorf("subscriber %d ends at %d of %d", i, e.next, put)
				}
				missed += e.missed
			}
			st := a.b.Stats()
			if overrun != (missed > 0) || overrun != (full == 0) || st.Put != put || st.Subscribers != 3 || st.Behind != 0 {
				t.Errorf("capacity %d, overrun %t: missed %d, full %d times; %+v", capacity, overrun, missed, full, st)
			}
		}
	}
}

// A subscriber that is never more than the stated part of the capacity behind misses nothing.
func TestBroadcastKeepsWhatItSays(t *testing.T) {
	for _, capacity := range []int{8, 64, 1000, 1024} {
		a := newAir[item](t, capacity, true)
		s := a.subscribe(t, ringbuf.Latest)
		next := uint64(0)
		for put := range uint64(20 * capacity) {
			if put-next == uint64(capacity-capacity/8) {
				v, err := s.TryGet()
				if n, torn := items.number(v); err != nil || torn != nil || n != next {
					t.Fatalf("capacity %d: %d, %v, want %d of %d", capacity, n, err, next, put)
				}
				next++
			}
			if err := a.p.TryPut(items.make(put)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A publisher at full speed and subscribers of different speeds: nothing torn, every item heard or missed.
func TestBroadcastGoroutines(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		t.Run("items", func(t *testing.T) { castGoroutines(t, items, 64, overrun) })
		t.Run("messages", func(t *testing.T) { castGoroutines(t, messages, 2048, overrun) })
	}
}

func castGoroutines[T any](t *testing.T, f form[T], capacity int, overrun bool) {
	a := newAir[T](t, capacity, overrun)
	total := uint64(100_000)
	if testing.Short() {
		total /= 10
	}
	ctx := within(t)
	var wg sync.WaitGroup
	for i := range 4 {
		e := &ear[T]{s: a.subscribe(t, ringbuf.Oldest)}
		wg.Go(func() {
			for {
				if i == 1 && e.next%1000 == 0 {
					time.Sleep(50 * time.Microsecond)
				}
				v, err := e.s.Get(ctx)
				if err == io.EOF {
					break
				}
				if err != nil && errors.Is(err, context.DeadlineExceeded) {
					t.Error(i, err)
					return
				}
				f.hear(t, e, v, err)
			}
			if e.next != total || !overrun && e.missed != 0 {
				t.Errorf("subscriber %d ends at %d of %d, %d missed", i, e.next, total, e.missed)
			}
		})
	}
	// One that comes late, from both ends, again and again.
	stop := make(chan struct{})
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			s, err := a.b.Subscribe(ringbuf.From(n % 2))
			if err != nil {
				t.Error(err)
				return
			}
			e := &ear[T]{s: s}
			for k := range 20 {
				v, err := s.Get(ctx)
				if k == 0 && err == nil {
					e.next, _ = f.number(v)
				}
				if _, missed := err.(*ringbuf.MissedError); missed && k == 0 || err == io.EOF {
					break
				}
				f.hear(t, e, v, err)
			}
			s.Close()
		}
	})
	for n := range total {
		if err := a.p.Put(ctx, f.make(n)); err != nil {
			t.Fatal(n, err)
		}
	}
	if err := a.b.Shutdown(); err != nil {
		t.Fatal(err)
	}
	close(stop)
	wg.Wait()
}

func TestBroadcastBatchAndInPlace(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		a := newAir[uint64](t, 100, overrun)
		s := a.subscribe(t, ringbuf.Latest)
		ctx := within(t)
		dst := make([]uint64, 90)
		put, got := uint64(0), uint64(0)
		for round := range 2000 {
			for left := 1 + round%90; left > 0; {
				run, err := a.p.Reserve(ctx, left)
				if err != nil || len(run) < 1 || len(run) > left {
					t.Fatal(len(run), err)
				}
				for k := range run {
					run[k] = put + uint64(k)
				}
				n := 1 + len(run)/2
				a.p.Commit(min(n, len(run)))
				put += uint64(min(n, len(run)))
				left -= min(n, len(run))
				for round%3 == 0 && got < put || !overrun && round%3 == 1 && got < put || put-got > 60 {
					if !overrun && round%3 == 1 {
						run, err := s.Next(ctx, 1+round%70)
						if err != nil || run[0] != got || run[len(run)-1] != got+uint64(len(run))-1 {
							t.Fatal(run, got, err)
						}
						s.Release(len(run) / 2)
						s.Release(len(run) - len(run)/2)
						got += uint64(len(run))
						continue
					}
					n, err := s.GetBatch(ctx, dst)
					if err != nil || n == 0 {
						t.Fatal(n, err)
					}
					for _, v := range dst[:n] {
						if v != got {
							t.Fatalf("got %d, want %d", v, got)
						}
						got++
					}
				}
			}
		}
		if _, err := s.Next(ended(), 1); overrun != errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Next: %v", err)
		}
	}
}

func TestBroadcastMessagesInPlace(t *testing.T) {
	a := newAir[[]byte](t, 1000, false)
	s := a.subscribe(t, ringbuf.Latest)
	ctx := within(t)
	put, got := 0, 0
	for range 3000 {
		for a.p.TryPut(message(put, put%200)) == nil {
			put++
		}
		run, err := s.Next(ctx, 3)
		if err != nil {
			t.Fatal(err)
		}
		for k, m := range run {
			if string(m) != string(message(got+k, (got+k)%200)) {
				t.Fatalf("message %d is wrong", got+k)
			}
		}
		s.Release(len(run))
		got += len(run)
	}
}

func TestBroadcastContextAndClose(t *testing.T) {
	a := newAir[int](t, 4, false)
	s := a.subscribe(t, ringbuf.Latest)
	if _, err := s.Get(ended()); err != context.Canceled {
		t.Error(err)
	}
	if _, err := s.TryGet(); err != ringbuf.ErrEmpty {
		t.Error(err)
	}
	for i := range 4 {
		if err := a.p.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.p.TryPut(4); err != ringbuf.ErrFull {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := a.p.Put(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := a.b.Publisher(); !errors.Is(err, ringbuf.ErrClaimed) {
		t.Error(err)
	}
	// A subscriber that is closed holds nobody up, asleep or not.
	done := make(chan error, 1)
	go func() { done <- a.p.Put(within(t), 4) }()
	for a.b.Stats().PutParks < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != os.ErrClosed {
		t.Error(err)
	}
	for _, err := range []error{second(s.Get(within(t))), second(s.TryGet()), second(s.GetBatch(ctx, make([]int, 2))), second(s.Next(ctx, 1))} {
		if err != os.ErrClosed {
			t.Error(err)
		}
	}
	s.Release(1)
	// One that waits is woken by Close of its handle.
	s = a.subscribe(t, ringbuf.Latest)
	go func() { done <- second(s.Get(within(t))) }()
	for a.b.Stats().GetParks < 1 {
		time.Sleep(time.Millisecond)
	}
	a.b.Close()
	if err := <-done; err != os.ErrClosed {
		t.Error(err)
	}
	var zero ringbuf.Subscriber[int]
	if err := errors.Join(second(zero.Get(ctx)), second(zero.TryGet()), second(zero.Next(ctx, 1)), zero.Close()); err == nil ||
		strings.Count(err.Error(), os.ErrClosed.Error()) != 4 {
		t.Error(err)
	}
	var none ringbuf.Broadcast[int]
	if _, err := none.Subscribe(ringbuf.Latest); err != os.ErrClosed || none.Len()+none.Cap() != 0 || none.Stats() != (ringbuf.BroadcastStats{}) {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestBroadcastShutdown(t *testing.T) {
	a := newAir[int](t, 8, false)
	s := a.subscribe(t, ringbuf.Latest)
	a.p.TryPut(1)
	other, err := ringbuf.NewBroadcast[int](8)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := a.b.MarshalText()
	other.Close()
	if err := other.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Shutdown(); !errors.Is(err, ringbuf.ErrClaimed) {
		t.Error(err)
	}
	if err := a.b.Shutdown(); err != nil {
		t.Error(err)
	}
	if err := a.p.TryPut(2); err != io.ErrClosedPipe {
		t.Error(err)
	}
	n := 0
	for v, err := range s.All(within(t)) {
		if v != 1 || err != nil {
			t.Error(v, err)
		}
		n++
	}
	if n != 1 {
		t.Error(n)
	}
	late := a.subscribe(t, ringbuf.Oldest)
	if v, err := late.TryGet(); v != 1 || err != nil {
		t.Error(v, err)
	}
	if _, err := late.TryGet(); err != io.EOF {
		t.Error(err)
	}
}

func TestBroadcastNames(t *testing.T) {
	b, err := ringbuf.BroadcastConfig[item]{Cap: 10, Overrun: true}.Create("cast")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer b.Unlink()
	o, err := ringbuf.OpenBroadcast[item]("cast")
	if err != nil || o.Cap() != 10 || o.Name() != "cast" || !o.Stats().Overrun {
		t.Fatal(err, o.Cap(), o.Name())
	}
	o.Close()
	for what, open := range map[string]func() (*ringbuf.Broadcast[item], error){
		"capacity": func() (*ringbuf.Broadcast[item], error) { return ringbuf.OpenOrCreateBroadcast[item]("cast", 11) },
	} {
		var m *shm.MismatchError
		if _, err := open(); !errors.As(err, &m) || m.What != what {
			t.Error(what, err)
		}
	}
	var m *shm.MismatchError
	if _, err := ringbuf.OpenSPSC[item]("cast"); !errors.As(err, &m) {
		t.Error(err)
	}
	if _, err := ringbuf.OpenBroadcast[int]("cast"); !errors.As(err, &m) {
		t.Error(err)
	}
	w, err := ringbuf.OpenOrCreateBroadcast[item]("cast.w", 0)
	if err != nil || w.Cap() != 1024 {
		t.Fatal(err)
	}
	defer w.Close()
	defer w.Unlink()
	if _, err := (ringbuf.BroadcastConfig[item]{Overrun: true}).Open("cast.w"); !errors.As(err, &m) || !strings.HasPrefix(m.What, "mode") {
		t.Error(err)
	}
	if err := w.UnmarshalText(nil); err == nil {
		t.Error("unmarshal into an open handle")
	}
	for range 64 {
		if _, err := w.Subscribe(ringbuf.Latest); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Subscribe(ringbuf.Oldest); !errors.Is(err, ringbuf.ErrTooManySubscribers) {
		t.Error(err)
	}
	if _, err := w.Subscribe(7); err == nil {
		t.Error("from 7")
	}
}
