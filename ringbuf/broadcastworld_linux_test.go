package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// audience is a process that hears all of a broadcast, and says how far it came and how many it has missed.
var _ = proctest.Register("audience of items", func(args []string) int { return audience(items, args) })
var _ = proctest.Register("audience of messages", func(args []string) int { return audience(messages, args) })

func audience[T any](f form[T], args []string) int {
	var b ringbuf.Broadcast[T]
	if err := b.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := b.Subscribe(ringbuf.Latest)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	proctest.Say("ready")
	next, missed := uint64(0), uint64(0)
	for v, err := range s.All(context.Background()) {
		if m, ok := err.(*ringbuf.MissedError); ok {
			next += m.N
			missed += m.N
			continue
		}
		n, torn := f.number(v)
		if err := errors.Join(err, torn); err != nil || n != next {
			proctest.Say(fmt.Sprintf("heard %d, want %d: %v", n, next, err))
			return 1
		}
		next++
	}
	proctest.Say(strconv.FormatUint(next, 10))
	proctest.Say(strconv.FormatUint(missed, 10))
	return 0
}

// Several processes hear one; one of them is killed in the middle, and another one comes.
func TestBroadcastProcesses(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		t.Run(fmt.Sprint("items/overrun=", overrun), func(t *testing.T) { castProcesses(t, items, 256, overrun) })
		t.Run(fmt.Sprint("messages/overrun=", overrun), func(t *testing.T) { castProcesses(t, messages, 4096, overrun) })
	}
}

func castProcesses[T any](t *testing.T, f form[T], capacity int, overrun bool) {
	a := newAir[T](t, capacity, overrun)
	text, err := a.b.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var procs []*proctest.Proc
	who := map[string]string{"items": "audience of items", "messages": "audience of messages"}[f.name]
	for range 3 {
		p := proctest.Start(t, who, string(text))
		p.Expect("ready")
		procs = append(procs, p)
	}
	total := uint64(100_000)
	if race.Enabled || testing.Short() {
		total /= 10
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for n := range total {
		if n == total/2 {
			procs[0].Kill()
		}
		if err := a.p.Put(ctx, f.make(n)); err != nil {
			t.Fatal(n, err, a.b.Stats())
		}
	}
	if err := a.b.Shutdown(); err != nil {
		t.Fatal(err)
	}
	for _, p := range procs[1:] {
		if got := p.Recv(); got != fmt.Sprint(total) {
			t.Errorf("ends at %s of %d", got, total)
		}
		if missed := p.Recv(); !overrun && missed != "0" {
			t.Errorf("%s missed", missed)
		}
		p.Wait()
	}
}

// A subscriber that is stopped holds a publisher up that waits for it, until it goes on, and is never taken for dead;
// where it is overrun it hears what it has missed, however much that is.
func TestBroadcastStopped(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		a := newAir[item](t, 64, overrun)
		text, _ := a.b.MarshalText()
		p := proctest.Start(t, "audience of items", string(text))
		p.Expect("ready")
		if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		total := uint64(10_000)
		for n := range total {
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			err := a.p.Put(ctx, items.make(n))
			cancel()
			if err != nil && !overrun && a.b.Stats().Behind == 64 && errors.Is(err, context.DeadlineExceeded) {
				total = n
				break
			} else if err != nil {
				t.Fatal(n, err)
			}
		}
		if !overrun && total == 10_000 {
			t.Errorf("%d were put past one that is stopped", total)
		}
		if err := syscall.Kill(p.PID(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		a.b.Shutdown()
		if got := p.Recv(); got != fmt.Sprint(total) {
			t.Errorf("ends at %s of %d", got, total)
		}
		if missed := p.Recv(); overrun == (missed == "0") {
			t.Errorf("%s missed", missed)
		}
		p.Wait()
	}
}

// Places of the dead are places: more processes than there are places come, one after the other, and die.
func TestBroadcastPlacesOfTheDead(t *testing.T) {
	a := newAir[item](t, 8, false)
	for range 64 {
		a.subscribe(t, ringbuf.Latest)
	}
	if _, err := a.b.Subscribe(ringbuf.Latest); !errors.Is(err, ringbuf.ErrTooManySubscribers) {
		t.Fatal(err)
	}
	mem := ringbuf.PayloadBroadcast(a.b)
	name(mem, 1280+256*17, nobody)
	mem[1280+256*17] |= abi.PlaceActive
	for n := range 8 {
		if err := a.p.TryPut(items.make(uint64(n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.p.TryPut(item{}); err != ringbuf.ErrFull {
		t.Fatal(err)
	}
	if n := a.b.Stats(); n.Buried != 1 || n.Subscribers != 63 {
		t.Errorf("%+v", n)
	}
}

// castHurt is what a call may say of a ring that is scribbled over.
func castHurt(err error) bool {
	var m *ringbuf.MissedError
	return err == nil || errors.As(err, &m) || errors.Is(err, abi.ErrCorrupt) || errors.Is(err, context.DeadlineExceeded) || err == ringbuf.ErrFull ||
		err == ringbuf.ErrEmpty || err == io.EOF || err == io.ErrClosedPipe || errors.Is(err, ringbuf.ErrClaimed) ||
		errors.Is(err, ringbuf.ErrTooManySubscribers) || err == os.ErrClosed
}

// Somebody scribbles over all of the memory at full speed: no call crashes, waits beyond its deadline, or says
// what it should not.
func TestBroadcastHostileScribbler(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		castScribble(t, items, overrun)
		castScribble(t, messages, overrun)
	}
}

func castScribble[T any](t *testing.T, f form[T], overrun bool) {
	var stop atomic.Bool
	end := time.Now().Add(400 * time.Millisecond)
	for time.Now().Before(end) {
		a := newAir[T](t, f.cap, overrun)
		mem := ringbuf.PayloadBroadcast(a.b)
		done := make(chan struct{})
		stop.Store(false)
		go func() {
			defer close(done)
			rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
			for !stop.Load() {
				at := 8 * rng.IntN(len(mem)/8)
				if rng.IntN(2) == 0 {
					at = 8 * []int{0, 1, 112, 128, 129, 130, 144, 145, 146, 147, 148, 149, 160, 161, 176, 177, 2208, 2209}[rng.IntN(18)]
				}
				v := rng.Uint64()
				if rng.IntN(2) == 0 {
					v = load(mem, 0) + uint64(rng.IntN(400)) - 200
				}
				store(mem, at, v)
			}
		}()
		for range 20 {
			start := time.Now()
			if err := castUse(f, a); !castHurt(err) {
				t.Errorf("%s, overrun %t: %v", f.name, overrun, err)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("%s, overrun %t: took %v", f.name, overrun, d)
			}
		}
		stop.Store(true)
		<-done
		a.b.Close()
	}
}

func castUse[T any](f form[T], a air[T]) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
	defer cancel()
	s, err := a.b.Subscribe(ringbuf.Oldest)
	if !castHurt(err) {
		return err
	}
	for n := range 30 {
		if err := a.p.Put(ctx, f.make(uint64(n))); !castHurt(err) {
			return err
		}
		if s == nil {
			continue
		}
		if _, err := s.Get(ctx); !castHurt(err) {
			return err
		}
		if _, err := s.GetBatch(ctx, make([]T, 5)); !castHurt(err) {
			return err
		}
	}
	if s != nil {
		s.Close()
	}
	a.b.Stats()
	a.b.Len()
	return nil
}
