package queue_test

import (
	"testing"

	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/queue"
)

// What is copied allocates nothing; encoding takes what the codec takes, and a get of bytes or a string the memory of its result.
func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the detector allocates")
	}
	check := func(what string, most float64, f func() error) {
		t.Helper()
		if n := testing.AllocsPerRun(200, func() {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}); n > most {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	ctx := t.Context()
	ints, err := queue.New[int64](0)
	if err != nil {
		t.Fatal(err)
	}
	defer ints.Close()
	check("int64", 0, func() error {
		if err := ints.Put(ctx, 1); err != nil {
			return err
		}
		_, err := ints.Get(ctx)
		return err
	})
	tasks, err := queue.NewJoinable[int64](0)
	if err != nil {
		t.Fatal(err)
	}
	defer tasks.Close()
	check("a task", 0, func() error {
		if err := tasks.Put(ctx, 1); err != nil {
			return err
		}
		x, err := tasks.Get(ctx)
		if err != nil {
			return err
		}
		defer x.Fail()
		return x.Done()
	})
	raw, err := queue.New[[]byte](0)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	buf := make([]byte, 100_000)
	for _, n := range []int{0, 100, 100_000} {
		check("bytes into a buffer", 0, func() error {
			if err := raw.Put(ctx, buf[:n]); err != nil {
				return err
			}
			_, err := queue.GetBytes(ctx, raw, buf)
			return err
		})
	}
	check("bytes", 1, func() error {
		if err := raw.Put(ctx, buf[:100]); err != nil {
			return err
		}
		_, err := raw.Get(ctx)
		return err
	})
	orders, err := queue.New[order](0)
	if err != nil {
		t.Fatal(err)
	}
	defer orders.Close()
	v := order{1, "x", []string{"a"}, nil}
	check("a struct in CBOR", 12, func() error {
		if err := orders.Put(ctx, v); err != nil {
			return err
		}
		_, err := orders.Get(ctx)
		return err
	})
}
