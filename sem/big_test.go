package sem_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// big is a semaphore of n permits, closed at the end of the test.
func big(t testing.TB, n int) *sem.Bounded {
	t.Helper()
	b, err := sem.NewBounded(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestBigCounts(t *testing.T) {
	for _, n := range []int{1, 2, sem.MaxPermits + 1, 1000, sem.MaxBounded} {
		b := big(t, n)
		for i := range n {
			if i%2 == 0 && !b.TryAcquire() || i%2 == 1 && b.Acquire(ended()) != nil {
				t.Fatalf("%d of %d: none", i, n)
			}
		}
		if b.Value() != 0 || b.Cap() != n || b.TryAcquire() || b.Acquire(ended()) != context.Canceled {
			t.Errorf("more than %d permits; Value %d, Cap %d", n, b.Value(), b.Cap())
		}
		for i := range n {
			if err := b.Release(); err != nil {
				t.Fatalf("%d of %d: %v", i, n, err)
			}
		}
		if err := b.Release(); err == nil || !strings.Contains(err.Error(), "Release") || b.Value() != n {
			t.Errorf("a Release too many: %v, Value %d", err, b.Value())
		}
	}
}

// A permit is the process's, not the handle's.
func TestBigHandlesOfOneProcess(t *testing.T) {
	a := big(t, 5000)
	var b sem.Bounded
	if err := b.UnmarshalText([]byte(text(t, a))); err != nil {
		t.Fatal(err)
	}
	for range 4000 {
		if !a.TryAcquire() {
			t.Fatal("no permit")
		}
	}
	for range 4000 {
		if err := b.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil || a.Value() != 5000 {
		t.Errorf("%v; %d are free", err, a.Value())
	}
}

func TestBigNames(t *testing.T) {
	b, err := sem.OpenOrCreateBounded("big", 100)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Name() != "big" || b.Cap() != 100 || b.Value() != 100 {
		t.Errorf("Name %q, Cap %d, Value %d", b.Name(), b.Cap(), b.Value())
	}
	var m *shm.MismatchError
	if _, err := sem.OpenOrCreateBounded("big", 101); !errors.As(err, &m) || m.What != "permits" {
		t.Errorf("another number: %v", err)
	}
	if _, err := shm.Open[sem.BoundedSemaphore]("big"); !errors.As(err, &m) || m.What != "kind" {
		t.Errorf("another kind: %v", err)
	}
	if _, err := (sem.BoundedConfig{N: 100}).Create("big"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create: %v", err)
	}
	if _, err := sem.OpenBounded("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such name: %v", err)
	}
	o, err := sem.OpenBounded("big")
	if err != nil || o.Cap() != 100 {
		t.Fatalf("OpenBounded: %v", err)
	}
	if err := errors.Join(o.Close(), b.Unlink()); err != nil {
		t.Error(err)
	}
	for _, n := range []int{-1, 0, sem.MaxBounded + 1, 1 << 30} {
		for _, open := range []func(int) (*sem.Bounded, error){
			sem.NewBounded,
			func(n int) (*sem.Bounded, error) { return sem.OpenOrCreateBounded("bad", n) },
		} {
			if _, err := open(n); !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "permits") {
				t.Errorf("%d permits: %v", n, err)
			}
		}
	}
}

// A handle travels as text; a closed one, and the zero one, say that they are closed.
func TestBigText(t *testing.T) {
	b := big(t, 70)
	sent, err := json.Marshal(struct{ Slots *sem.Bounded }{b})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Slots *sem.Bounded }
	if err := json.Unmarshal(sent, &got); err != nil {
		t.Fatal(err)
	}
	if !got.Slots.TryAcquire() || b.Value() != 69 || b.Release() != nil {
		t.Errorf("it is another one: %d are free", b.Value())
	}
	if err := got.Slots.UnmarshalText([]byte(text(t, b))); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("into an open handle: %v", err)
	}
	if err := got.Slots.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range []*sem.Bounded{got.Slots, new(sem.Bounded)} {
		_, err := c.MarshalText()
		for _, err := range []error{c.Acquire(context.Background()), c.Release(), c.Close(), c.Unlink(), err} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		}
		if c.TryAcquire() || c.Value() != 0 || c.Cap() != 0 || c.Name() != "" {
			t.Error("a closed handle has something")
		}
	}
	if err := new(sem.Bounded).UnmarshalText([]byte("nonsense")); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("nonsense: %v", err)
	}
}

func TestBigAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the detector's own")
	}
	b, full := big(t, 1000), big(t, 1000)
	for full.TryAcquire() {
	}
	ctx := context.Background()
	for what, f := range map[string]func(){
		"a pair": func() { _ = b.Acquire(ctx); _ = b.Release() },
		"a try":  func() { b.TryAcquire(); _ = b.Release() },
		"many": func() {
			for range 100 {
				_ = b.Acquire(ctx)
			}
			for range 100 {
				_ = b.Release()
			}
		},
		"a try in vain": func() { full.TryAcquire() },
		"Value":         func() { full.Value() },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}

// No more than n are inside, permits scarce and not.
func TestBigBounds(t *testing.T) {
	for _, n := range []int{3, 100} {
		b := big(t, n)
		const goroutines, rounds = 120, 200
		ctx := within(t)
		var inside atomic.Int32
		var all sync.WaitGroup
		for g := range goroutines {
			all.Go(func() {
				for i := range rounds {
					if g%4 == 0 && !b.TryAcquire() {
						continue
					}
					if g%4 != 0 {
						if err := b.Acquire(ctx); err != nil {
							t.Errorf("round %d: %v; %d are inside, %d free", i, err, inside.Load(), b.Value())
							return
						}
					}
					if is := inside.Add(1); is > int32(n) {
						t.Errorf("%d inside, of %d", is, n)
					}
					inside.Add(-1)
					if err := b.Release(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if b.Value() != n {
			t.Errorf("%d of %d permits are left", b.Value(), n)
		}
	}
}
