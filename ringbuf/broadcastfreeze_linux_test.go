package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// Who stands still between any two instructions, and lives, is robbed of nothing: a publisher keeps its end, and nothing of its item is
// heard before it is whole; a subscriber keeps its place, and holds back a publisher that waits, or is overrun
// for some laps. Then it goes on, and its call ends well.
func TestBroadcastFrozenAnywhere(t *testing.T) {
	reports := []report{
		{op: "put", warm: 20, pre: 1}, {op: "put", warm: 40, pre: 1, overrun: true}, {op: "reserve", warm: 21},
		{op: "get", warm: 30, pre: 1}, {op: "get", warm: 30, overrun: true}, {op: "getbatch", warm: 30, overrun: true},
		{op: "oldest", warm: 30}, {op: "oldest", warm: 30, overrun: true}, {op: "latest", warm: 3}, {op: "next", warm: 30},
	}
	usual := 3
	if race.Enabled {
		usual = 10 // a tenth of it
	}
	turn := int(time.Now().UnixNano() >> 10)
	for i, s := range reports {
		if !lengthy() && (i+turn)%3 != 0 {
			continue
		}
		t.Run("items/"+s.String(), func(t *testing.T) { freezeCast(t, items, s, usual) })
		t.Run("messages/"+s.String(), func(t *testing.T) { freezeCast(t, messages, s, usual) })
	}
}

func freezeCast[T any](t *testing.T, f form[T], s report, usual int) {
	st := &studio[T]{report: s, f: f}
	defer st.strike()
	killstep.Run(t, killstep.Config{
		Victim: map[string]string{"items": "reporter of items", "messages": "reporter of messages"}[f.name], Action: killstep.Freeze,
		Points:  killstep.Random(killstep.Budget(usual), uint64(time.Now().UnixNano())),
		Prepare: func() []string { return st.set(t) },
		Check: func(at killstep.Point) error {
			if !at.Frozen {
				return nil
			}
			ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
			defer cancel()
			if s.publishes() {
				if _, err := st.b.Publisher(); !errors.Is(err, ringbuf.ErrClaimed) {
					return fmt.Errorf("the end of a stopped publisher: %v", err)
				}
				return st.hear(ctx, st.b.Stats().Put)
			}
			for range 3 * f.cap {
				err := st.p.TryPut(f.make(st.b.Stats().Put))
				if err == ringbuf.ErrFull && !s.overrun {
					break
				}
				if err = errors.Join(err, st.hear(ctx, st.b.Stats().Put)); err != nil {
					return err
				}
			}
			if n := st.b.Stats().Buried; n != 0 {
				return fmt.Errorf("%d of the living were buried", n)
			}
			return nil
		},
		After: func(at killstep.Point) error {
			at.Ended = true
			return st.check(at)
		},
	})
}

// broadcaster puts all that is still to be put, and says so now and then.
var _ = proctest.Register("broadcaster of items", func(args []string) int { return broadcaster(items, args) })
var _ = proctest.Register("broadcaster of messages", func(args []string) int { return broadcaster(messages, args) })

func broadcaster[T any](f form[T], args []string) int {
	var b ringbuf.Broadcast[T]
	err := b.UnmarshalText([]byte(args[0]))
	if err == nil {
		var p *ringbuf.Producer[T]
		if p, err = within100ms(b.Publisher); err == nil {
			proctest.Say("on the air")
			pause, _ := time.ParseDuration(args[1])
			for n := b.Stats().Put; err == nil; n++ {
				if err = p.Put(context.Background(), f.make(n)); pause != 0 && n%3 == 0 {
					time.Sleep(pause)
				}
			}
		}
	}
	if err != io.ErrClosedPipe {
		fmt.Println(err)
		return 1
	}
	return 0
}

// A publisher that is stopped keeps its end; killed as it stands, it gives it up, and the next one goes on behind its last item.
func TestBroadcastPublisherStopped(t *testing.T) {
	t.Run("items", func(t *testing.T) { stopPublisher(t, items) })
	t.Run("messages", func(t *testing.T) { stopPublisher(t, messages) })
}

func stopPublisher[T any](t *testing.T, f form[T]) {
	b, err := ringbuf.BroadcastConfig[T]{Cap: f.cap}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a := air[T]{b: b}
	e := &ear[T]{s: a.subscribe(t, ringbuf.Latest)}
	text, _ := b.MarshalText()
	listen := func(until func() bool) {
		for end := time.Now().Add(20 * time.Second); !until(); {
			v, err := e.s.TryGet()
			if !f.hear(t, e, v, err) && time.Now().After(end) {
				t.Fatalf("nothing more is heard: %+v", b.Stats())
			}
		}
	}
	for range 5 {
		p := proctest.Start(t, map[string]string{"items": "broadcaster of items", "messages": "broadcaster of messages"}[f.name], string(text), "0")
		p.Expect("on the air")
		for range 3 {
			from := e.next
			listen(func() bool { return e.next > from+100 })
			p.Stop()
			if _, err := b.Publisher(); !errors.Is(err, ringbuf.ErrClaimed) {
				t.Fatalf("the end of a stopped publisher: %v", err)
			}
			listen(func() bool { return e.next == b.Stats().Put })
			p.Cont()
		}
		p.Stop()
		p.Kill()
	}
	if n := b.Stats(); n.Takeovers < 4 || n.Missed != 0 {
		t.Errorf("%+v", n)
	}
}

// A publisher and its subscribers are killed at random and started again. Whoever lives hears all, from where it began, in order
// and whole; and what successors put goes on where the dead ones have stopped.
func TestBroadcastStorm(t *testing.T) {
	for _, overrun := range []bool{false, true} {
		kills := killstep.Budget(40) / 4
		t.Run(fmt.Sprint("items/overrun=", overrun), func(t *testing.T) {
			inRounds(t, max(kills, 1), func(t *testing.T, n int) int { return castStorm(t, items, overrun, n) })
		})
		t.Run(fmt.Sprint("messages/overrun=", overrun), func(t *testing.T) {
			inRounds(t, max(kills, 1), func(t *testing.T, n int) int { return castStorm(t, messages, overrun, n) })
		})
	}
}

func castStorm[T any](t *testing.T, f form[T], overrun bool, kills int) int {
	b, err := ringbuf.BroadcastConfig[T]{Cap: 4 * f.cap, Overrun: overrun}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a := air[T]{b: b}
	e := &ear[T]{s: a.subscribe(t, ringbuf.Latest)}
	text, _ := b.MarshalText()
	start := func(i int) *proctest.Proc {
		if i == 0 {
			return proctest.Start(t, map[string]string{"items": "broadcaster of items", "messages": "broadcaster of messages"}[f.name], string(text), "0")
		}
		return proctest.Start(t, map[string]string{"items": "late audience of items", "messages": "late audience of messages"}[f.name], string(text))
	}
	var procs [3]*proctest.Proc
	for i := range procs {
		procs[i] = start(i)
	}
	rng, slowest := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)), time.Duration(0)
	listen := func(d time.Duration, more uint64) {
		begin, from := time.Now(), e.next
		for e.next < from+more || time.Since(begin) < d {
			if v, err := e.s.TryGet(); !f.hear(t, e, v, err) && time.Since(begin) > 20*time.Second {
				t.Fatalf("nothing more is heard: %+v", b.Stats())
			}
		}
		slowest = max(slowest, time.Since(begin)-d)
	}
	for range kills {
		listen(time.Duration(rng.IntN(3000))*time.Microsecond, 20)
		i := rng.IntN(3)
		procs[i].Kill()
		procs[i] = start(i)
		listen(0, 20)
	}
	procs[0].Kill()
	if err := within100msErr(b.Shutdown); err != nil {
		t.Fatal(err)
	}
	for v, err := range e.s.All(within(t)) {
		f.hear(t, e, v, err)
	}
	total := b.Stats().Put
	if e.next != total || !overrun && e.missed != 0 {
		t.Errorf("ends at %d of %d, %d missed", e.next, total, e.missed)
	}
	for i, p := range procs[1:] {
		if got := p.Recv(); got != strconv.FormatUint(total, 10) {
			t.Errorf("subscriber %d ends at %s of %d", i, got, total)
		}
		p.Wait()
	}
	t.Logf("%d kills, %d items, %d missed; at most %v until 20 more came; %+v", kills, total, e.missed, slowest, b.Stats())
	return kills
}

func within100msErr(f func() error) error {
	_, err := within100ms(func() (int, error) { return 0, f() })
	return err
}

// late audience begins with whatever is there, and says where it ends.
var _ = proctest.Register("late audience of items", func(args []string) int { return lateAudience(items, args) })
var _ = proctest.Register("late audience of messages", func(args []string) int { return lateAudience(messages, args) })

func lateAudience[T any](f form[T], args []string) int {
	var b ringbuf.Broadcast[T]
	if err := b.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := b.Subscribe(ringbuf.Oldest)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	next, first := uint64(0), true
	for v, err := range s.All(context.Background()) {
		if m, ok := err.(*ringbuf.MissedError); ok {
			if !first { // before that it does not know where it stood
				next += m.N
			}
			continue
		}
		n, torn := f.number(v)
		if err := errors.Join(err, torn); err != nil || !first && n != next {
			proctest.Say(fmt.Sprintf("heard %d, want %d: %v", n, next, err))
			return 1
		}
		next, first = n+1, false
	}
	if first {
		next = b.Stats().Put
	}
	proctest.Say(strconv.FormatUint(next, 10))
	return 0
}

// One who may not call membarrier, on either side, beside those who may: with pauses, so that all have slept.
func TestBroadcastRefusedMembarrier(t *testing.T) {
	for _, who := range []string{"publisher", "subscriber", "both"} {
		t.Run(who, func(t *testing.T) {
			a := newAir[item](t, 64, false)
			text, _ := a.b.MarshalText()
			denied := func(is bool) proctest.Attr {
				if is {
					return proctest.Attr{Deny: []uintptr{unix.SYS_MEMBARRIER}}
				}
				return proctest.Attr{}
			}
			a.p.Close()
			var procs []*proctest.Proc
			for i := range 2 {
				p := proctest.StartWith(t, denied(who != "publisher" && i == 0), "audience of items", string(text))
				p.Expect("ready")
				procs = append(procs, p)
			}
			p := proctest.StartWith(t, denied(who != "subscriber"), "broadcaster of items", string(text), "300us")
			p.Expect("on the air")
			time.Sleep(150 * time.Millisecond)
			if err := a.b.Shutdown(); !errors.Is(err, ringbuf.ErrClaimed) {
				t.Fatal(err)
			}
			p.Kill()
			if err := within100msErr(a.b.Shutdown); err != nil {
				t.Fatal(err)
			}
			st := a.b.Stats()
			for i, p := range procs {
				if got, missed := p.Recv(), p.Recv(); got != strconv.FormatUint(st.Put, 10) || missed != "0" {
					t.Errorf("subscriber %d ends at %s of %d, %s missed", i, got, st.Put, missed)
				}
				p.Wait()
			}
			if st.Put < 10 || st.GetParks == 0 {
				t.Errorf("%+v: then nothing was tested", st)
			}
		})
	}
}
