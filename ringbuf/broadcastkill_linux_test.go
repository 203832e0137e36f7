package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// A report is one call of a victim on a broadcast, and the world that the call enters. The number of an item is how many
// were put before it. warm were put, and heard by the subscriber of this process; the victim puts or gets pre more before
// its call.
type report struct {
	op        string
	overrun   bool
	warm, pre int
	asleep    bool // this process waits: for an item, or for the victim to make room
	late      bool // the victim begins when it is two laps behind
	steps     int  // the region has no end: so many instructions of it
}

func (s report) String() string {
	name := fmt.Sprintf("%s/%d", s.op, s.warm)
	for _, x := range []struct {
		is   bool
		name string
	}{{s.overrun, "overrun"}, {s.pre > 0, "warm"}, {s.asleep, "asleep"}, {s.late, "late"}, {s.steps > 0, "waiting"}} {
		if x.is {
			name += " " + x.name
		}
	}
	return name
}

// publishes says whose the call is.
func (s report) publishes() bool {
	return strings.HasSuffix(s.op, "put") || s.op == "reserve" || s.op == "shutdown" || s.op == "publisher"
}

var _ = proctest.Register("reporter of items", func(args []string) int { return reporter(items, args) })
var _ = proctest.Register("reporter of messages", func(args []string) int { return reporter(messages, args) })

func reporter[T any](f form[T], args []string) int {
	var b ringbuf.Broadcast[T]
	err := b.UnmarshalText([]byte(args[0]))
	if err == nil {
		warm, _ := strconv.Atoi(args[2])
		pre, _ := strconv.Atoi(args[3])
		err = f.reporterCall(&b, args[1], uint64(warm), pre, args[4])
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func (f form[T]) reporterCall(b *ringbuf.Broadcast[T], op string, next uint64, pre int, wait string) error {
	call, err := f.publisherCall(b, op, &next)
	if call == nil && err == nil {
		call, err = f.subscriberCall(b, op)
	}
	for range pre {
		err = errors.Join(err, call())
	}
	if err != nil {
		return err
	}
	for { // until the world is as it is to be
		st := b.Stats()
		if wait == "park" && st.GetParks+st.PutParks > 0 || wait == "late" && st.Put > 100 || wait == "" {
			break
		}
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(time.Millisecond) // from "parks" to being asleep
	killstep.Begin()
	err = call()
	killstep.End()
	if _, missed := err.(*ringbuf.MissedError); missed || err == ringbuf.ErrEmpty {
		return nil
	}
	return err
}

func (f form[T]) publisherCall(b *ringbuf.Broadcast[T], op string, next *uint64) (func() error, error) {
	if !(report{op: op}).publishes() {
		return nil, nil
	}
	if op == "publisher" {
		return func() error { return second(b.Publisher()) }, nil
	}
	p, err := b.Publisher()
	ctx := context.Background()
	number := func() T { *next++; return f.make(*next - 1) }
	return map[string]func() error{
		"put":    func() error { return p.Put(ctx, number()) },
		"tryput": func() error { return p.TryPut(number()) },
		"reserve": func() error {
			if q, ok := any(p).(*ringbuf.Producer[[]byte]); ok {
				m := any(number()).([]byte)
				dst, err := ringbuf.ReserveBytes(ctx, q, len(m))
				copy(dst, m)
				q.Commit(1)
				return err
			}
			run, err := p.Reserve(ctx, 1)
			if err == nil {
				run[0] = number()
				p.Commit(1)
			}
			return err
		},
		"shutdown": b.Shutdown,
	}[op], err
}

func (f form[T]) subscriberCall(b *ringbuf.Broadcast[T], op string) (func() error, error) {
	switch op {
	case "latest":
		return func() error { return second(b.Subscribe(ringbuf.Latest)) }, nil
	case "oldest":
		return func() error { return second(b.Subscribe(ringbuf.Oldest)) }, nil
	}
	s, err := b.Subscribe(ringbuf.Oldest)
	ctx := context.Background()
	return map[string]func() error{
		"get":      func() error { return second(s.Get(ctx)) },
		"tryget":   func() error { return second(s.TryGet()) },
		"getbatch": func() error { return second(s.GetBatch(ctx, make([]T, 3))) },
		"next": func() error {
			run, err := s.Next(ctx, 3)
			if err == nil {
				s.Release(1)
				s.Release(len(run) - 1)
			}
			return err
		},
		"close": s.Close,
	}[op], err
}

// A studio is one broadcast and this process's part in it.
type studio[T any] struct {
	report
	f    form[T]
	b    *ringbuf.Broadcast[T]
	p    *ringbuf.Producer[T]
	s    *ringbuf.Subscriber[T]
	next uint64     // what s has to hear next
	far  chan error // the end of the goroutine that waits
	stop context.CancelFunc
	wait sync.WaitGroup
}

func (st *studio[T]) set(t *testing.T) []string {
	st.strike()
	b, err := ringbuf.BroadcastConfig[T]{Cap: st.f.cap, Overrun: st.overrun}.New()
	if err != nil {
		t.Fatal(err)
	}
	p, err1 := b.Publisher()
	s, err2 := b.Subscribe(ringbuf.Latest)
	text, err3 := b.MarshalText()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	st.b, st.p, st.s, st.next, st.far = b, p, s, 0, make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	st.stop = stop
	for range st.warm {
		if err := st.put(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if st.publishes() {
		p.Close()
	}
	wait := ""
	switch {
	case st.asleep:
		wait = "park"
	case st.late:
		wait = "late"
	}
	if st.asleep || st.late {
		st.wait.Go(func() { st.far <- st.meanwhile(ctx) })
	}
	return []string{string(text), st.op, strconv.Itoa(st.warm), strconv.Itoa(st.pre), wait}
}

func (st *studio[T]) strike() {
	if st.b != nil {
		st.stop()
		st.wait.Wait()
		st.b.Close()
	}
}

// put puts one item and hears it.
func (st *studio[T]) put(ctx context.Context) error {
	if err := st.p.Put(ctx, st.f.make(st.b.Stats().Put)); err != nil {
		return err
	}
	return st.hear(ctx, st.b.Stats().Put)
}

// hear hears all up to, and not including, the number upTo, or the end.
func (st *studio[T]) hear(ctx context.Context, upTo uint64) error {
	for st.next < upTo {
		v, err := st.s.Get(ctx)
		if m, ok := err.(*ringbuf.MissedError); ok && st.overrun {
			st.next += m.N
			continue
		}
		if err != nil {
			return err
		}
		n, err := st.f.number(v)
		if err != nil || n != st.next {
			return fmt.Errorf("heard %d, want %d: %w", n, st.next, err)
		}
		st.next++
	}
	return nil
}

// meanwhile is what this process does as the victim runs: it waits for an item, or puts until nothing is to be done or
// the victim holds it up.
func (st *studio[T]) meanwhile(ctx context.Context) error {
	if st.publishes() {
		return st.hear(ctx, uint64(st.warm+st.pre+1))
	}
	for st.b.Stats().Subscribers < 2 {
		time.Sleep(50 * time.Microsecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for st.b.Stats().Put <= 100 {
		if err := st.put(ctx); err != nil {
			return err
		}
	}
	return nil
}

// check goes on: what is put now is heard, by one who was there and by one who comes, and the numbers add up.
func (st *studio[T]) check(at killstep.Point) error {
	if err := st.goOn(at); err != nil {
		return fmt.Errorf("%w; heard up to %d; %+v", err, st.next, st.b.Stats())
	}
	return nil
}

func (st *studio[T]) goOn(at killstep.Point) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	if st.publishes() {
		if st.p, err = within100ms(st.b.Publisher); err != nil {
			return err
		}
		low, high := uint64(st.warm+st.pre), uint64(st.warm+st.pre)
		if st.op != "shutdown" && st.op != "publisher" && st.steps == 0 {
			if high++; at.Ended {
				low++
			}
		}
		if n := st.b.Stats().Put; n < low || n > high {
			return fmt.Errorf("put %d, want %d to %d", n, low, high)
		}
		if st.asleep { // it waits for what the dead may have left out
			if err := st.p.Put(ctx, st.f.make(st.b.Stats().Put)); err != nil && err != io.ErrClosedPipe {
				return err
			}
		}
	}
	if st.asleep || st.late {
		select {
		case err = <-st.far:
			if st.op == "shutdown" && err == io.EOF {
				err = nil
			}
		case <-ctx.Done():
			err = errors.New("this process sleeps on")
		}
		if err != nil {
			return err
		}
	}
	return st.finish(ctx)
}

func (st *studio[T]) finish(ctx context.Context) error {
	if err := st.hear(ctx, st.b.Stats().Put); err != nil {
		return err
	}
	for range 40 {
		err := st.put(ctx)
		if err == io.ErrClosedPipe && st.op == "shutdown" {
			break
		}
		if err != nil {
			return err
		}
	}
	late, err := st.b.Subscribe(ringbuf.Oldest)
	if err != nil {
		return err
	}
	total, left := st.b.Stats().Put, uint64(st.b.Len())
	if err := st.b.Shutdown(); err != nil {
		return err
	}
	if _, err := st.s.Get(ctx); err != io.EOF || st.next != total {
		return fmt.Errorf("ends at %d of %d: %v", st.next, total, err)
	}
	st.s, st.next = late, total-left
	if err := st.hear(ctx, total); err != nil {
		return fmt.Errorf("one who comes late: %w", err)
	}
	if n := st.b.Stats().Subscribers; !st.overrun && n != 2 {
		return fmt.Errorf("%d subscribers are left, want 2", n)
	}
	return nil
}

func (s report) play(t *testing.T, form string) {
	if form == "items" {
		playReport(t, items, s)
	} else {
		playReport(t, messages, s)
	}
}

func playReport[T any](t *testing.T, f form[T], s report) {
	st := &studio[T]{report: s, f: f}
	defer st.strike()
	points, sample := []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(2), uint64(time.Now().UnixNano()))}, 4
	switch {
	case s.steps != 0 && race.Enabled:
		t.Skip("the detector's instructions are most of a wait; the run without it does this")
	case s.steps != 0:
		points = []killstep.Points{waits(2)}
	case os.Getenv("SHMKIT_KILLS") != "":
		points, sample = []killstep.Points{killstep.All}, -1
	case race.Enabled:
		points = []killstep.Points{killstep.Random(2, uint64(time.Now().UnixNano()))}
	}
	for _, p := range points {
		sweepInTime(t, killstep.Config{
			Victim: map[string]string{"items": "reporter of items", "messages": "reporter of messages"}[f.name], Points: p, MaxSteps: s.steps, Sample: sample,
			Prepare: func() []string { return st.set(t) },
			Watch:   func() []byte { return ringbuf.PayloadBroadcast(st.b) },
			Check:   st.check,
		})
	}
}

// Every operation of a broadcast, killed anywhere: at its first call and at a later one, on one that is empty, has wrapped
// around, waits for subscribers or overruns them; with somebody asleep.
func TestBroadcastKillAnywhere(t *testing.T) {
	reports := []report{}
	for _, overrun := range []bool{false, true} {
		for _, r := range []report{
			{op: "put"}, {op: "tryput", pre: 1}, {op: "put", warm: 20, pre: 1}, {op: "put", warm: 40, pre: 2}, {op: "put", warm: 3, asleep: true},
			{op: "reserve", warm: 21}, {op: "shutdown", warm: 2}, {op: "shutdown", asleep: true}, {op: "publisher", warm: 30},
			{op: "latest"}, {op: "latest", warm: 30}, {op: "oldest", warm: 30}, {op: "close", warm: 3},
			{op: "get", warm: 3}, {op: "tryget", warm: 30, pre: 1}, {op: "getbatch", warm: 30}, {op: "tryget"},
			{op: "get", warm: 2, pre: 2, steps: 20_000},
		} {
			r.overrun = overrun
			reports = append(reports, r)
		}
	}
	reports = append(reports, []report{
		{op: "next", warm: 30}, {op: "get", asleep: true}, {op: "close", asleep: true}, {op: "next", asleep: true},
		{op: "get", overrun: true, late: true}, {op: "getbatch", overrun: true, late: true},
	}...)
	every, turn := 12, int(time.Now().UnixNano()>>10) // a usual run does a twelfth of them, by turns
	if os.Getenv("SHMKIT_KILLS") != "" || os.Getenv("SHMKIT_TEST_EVERY") != "" {
		every = 1
	}
	for i, s := range reports {
		if (i+turn)%every == 0 {
			t.Run("items/"+s.String(), func(t *testing.T) { s.play(t, "items") })
		}
		if (i+turn)%every == 1%every {
			t.Run("messages/"+s.String(), func(t *testing.T) { s.play(t, "messages") })
		}
	}
}
