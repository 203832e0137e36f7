package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// As the cuts of a ring of two.
var _ = proctest.Register("cast.cut", func(args []string) int {
	guard, overrun := args[1] == "guarded", args[3] == "true"
	var err error
	if args[0] == "items" {
		err = cutCast(func(uint64) (v [16]uint64) { return v }, 1024, args[2], guard, overrun)
	} else {
		err = cutCast(func(n uint64) []byte { return make([]byte, n) }, 64<<10, args[2], guard, overrun)
	}
	fmt.Println(errors.Is(err, shm.ErrTruncated), err)
	b, err := ringbuf.NewBroadcast[int](4)
	if err != nil || b.Close() != nil {
		return 1
	}
	return 0
})

func cutCast[T any](make func(size uint64) T, capacity int, call string, guard, overrun bool) error {
	b, err := ringbuf.BroadcastConfig[T]{Cap: capacity, Overrun: overrun, Mem: shm.Mem{Guard: guard}}.Create(cutName)
	if err != nil {
		return err
	}
	p, err1 := b.Publisher()
	s, err2 := b.Subscribe(ringbuf.Latest)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	defer func() { b.Len(); b.Stats(); s.Close(); p.Close(); b.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cut := func() { _ = os.Truncate(cutPath(), 0) }
	later := func() { time.AfterFunc(50*time.Millisecond, cut) }
	small := make(9)
	switch call {
	case "waiting Get":
		later()
		_, err = s.Get(ctx)
	case "waiting GetBatch":
		later()
		_, err = s.GetBatch(ctx, []T{small, small})
	case "waiting Next":
		later()
		_, err = s.Next(ctx, 3)
	case "waiting Put":
		for p.TryPut(make(8000)) == nil {
		}
		later()
		err = p.Put(ctx, make(8000))
	case "Subscribe":
		cut()
		_, err = b.Subscribe(ringbuf.Oldest)
	case "Shutdown":
		cut()
		err = b.Shutdown()
	case "TryPut":
		_ = p.TryPut(small)
		cut()
		err = p.TryPut(small)
	case "TryGet":
		_, _ = p.TryPut(small), p.TryPut(small)
		_, _ = s.TryGet()
		cut()
		_, err = s.TryGet()
	case "GetBatch":
		_, _ = p.TryPut(small), p.TryPut(small)
		cut()
		_, err = s.GetBatch(ctx, []T{small, small})
	case "Release": // it cannot say it, the next call does
		_, _ = p.TryPut(small), p.TryPut(small)
		var run []T
		if run, err = s.Next(ctx, 2); err == nil {
			cut()
			s.Release(len(run))
			_, err = s.TryGet()
		}
	case "Close":
		cut()
		s.Close()
		p.Close()
		b.Close()
		err = shm.ErrTruncated // there is nothing to say
	}
	return err
}

// A file that is cut short under a broadcast is an error where the toolkit has said so, and no SIGBUS.
func TestBroadcastTruncated(t *testing.T) {
	always := []string{"waiting Get", "waiting GetBatch", "Subscribe", "Shutdown", "Close"}
	for _, form := range []string{"items", "messages"} {
		for _, overrun := range []bool{false, true} {
			for _, how := range []string{"unguarded", "guarded"} {
				calls := always[:len(always):len(always)]
				if !overrun {
					calls = append(calls, "waiting Put", "waiting Next")
				}
				if how == "guarded" {
					calls = append(calls, "TryPut", "TryGet", "GetBatch")
					if !overrun {
						calls = append(calls, "Release")
					}
				}
				for _, call := range calls {
					t.Run(fmt.Sprintf("%s/%s/%s/overrun=%t", form, how, call, overrun), func(t *testing.T) {
						defer os.Remove(cutPath())
						p := proctest.Start(t, "cast.cut", form, how, call, fmt.Sprint(overrun))
						if said := p.Recv(); len(said) < 5 || said[:5] != "true " {
							t.Errorf("it says %q", said)
						}
						if code := p.Wait(); code != 0 {
							t.Errorf("exit code %d", code)
						}
					})
				}
			}
		}
	}
}

// A guarded broadcast does what any other does.
func TestBroadcastGuarded(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		guardedCast(t, items, overrun)
		guardedCast(t, messages, overrun)
	}
}

func guardedCast[T any](t *testing.T, f form[T], overrun bool) {
	b, err := ringbuf.BroadcastConfig[T]{Cap: f.cap, Overrun: overrun, Mem: shm.Mem{Guard: true}}.Create("cast.guard")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer b.Unlink()
	p, err := b.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	a := air[T]{b, p}
	ears := []*ear[T]{{s: a.subscribe(t, ringbuf.Latest)}, {s: a.subscribe(t, ringbuf.Oldest)}}
	put := uint64(0)
	for round := range 500 {
		for range 1 + round%5 {
			if err := p.TryPut(f.make(put)); err == ringbuf.ErrFull && !overrun {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			put++
		}
		for i, e := range ears {
			for i == 0 || round%9 == 0 {
				v, err := e.s.TryGet()
				if !f.hear(t, e, v, err) {
					break
				}
			}
		}
		if run := make([]T, 3); round%9 == 1 && !overrun {
			n, err := ears[1].s.GetBatch(within(t), run)
			for _, v := range run[:n] {
				f.hear(t, ears[1], v, err)
			}
		}
	}
	b.Shutdown()
	for i, e := range ears {
		for v, err := range e.s.All(within(t)) {
			f.hear(t, e, v, err)
		}
		if e.next != put {
			t.Errorf("%s, overrun %t: subscriber %d ends at %d of %d", f.name, overrun, i, e.next, put)
		}
	}
}
