package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// A scene is one call of a victim that has one end of a ring, and the world that the call enters. Items
// 0 … warm-1 were put before, the first taken ones of them were taken; then the victim claims its end and
// puts or takes pre more, so that its call finds the private half warm, or not.
type scene struct {
	op               string
	warm, taken, pre int
	asleep           bool // this process waits in the far end
	whole            bool // every instruction also in the short form: the hot paths
	steps            int  // the region has no end: so many instructions of it
}

func (s scene) String() string {
	return fmt.Sprintf("%s warm=%d taken=%d pre=%d asleep=%v", s.op, s.warm, s.taken, s.pre, s.asleep)
}

// produces says whose end the call is of.
func (s scene) produces() bool { return !slices.Contains([]string{"get", "tryget", "next"}, s.op) }

// parts is how many items the call may have put or released when it is killed; the last is all.
func (s scene) parts(name string) []int {
	switch {
	case s.op == "shutdown" || s.steps != 0:
		return []int{0}
	case s.op == "reserve" && name == "items", s.op == "next":
		return []int{0, 1, 3}
	}
	return []int{0, 1}
}

// soon is what a recovery may take. A loaded machine may be late now and then: what is always late fails.
const soon = 100 * time.Millisecond

var _ = proctest.Register("end of items", func(args []string) int { return runVictim(items, args) })
var _ = proctest.Register("end of messages", func(args []string) int { return runVictim(messages, args) })

func runVictim[T any](f form[T], args []string) int {
	r, n := ringbuf.SPSC[T]{}, make([]int, 4)
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	for i := range n {
		n[i], _ = strconv.Atoi(args[2+i])
	}
	s := scene{op: args[1], warm: n[0], taken: n[1], pre: n[2], asleep: n[3] != 0}
	call, err := f.consumerCall(&r, s)
	if s.produces() {
		call, err = f.producerCall(&r, s)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for st := r.Stats(); s.asleep && st.GetParks+st.PutParks == 0; st = r.Stats() {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(time.Millisecond) // from "parks" to being asleep
	killstep.Begin()
	err = call()
	killstep.End()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// producerCall claims the end and returns the call that is stepped through.
func (f form[T]) producerCall(r *ringbuf.SPSC[T], s scene) (func() error, error) {
	p, err := r.Producer()
	if err != nil {
		return nil, err
	}
	next := s.warm
	for ; next < s.warm+s.pre; next++ {
		if err := p.TryPut(f.make(uint64(next))); err != nil {
			return nil, err
		}
	}
	ctx, v := context.Background(), f.make(uint64(next))
	more := []T{v, f.make(uint64(next + 1)), f.make(uint64(next + 2))}
	switch s.op {
	case "put":
		return func() error { return p.Put(ctx, v) }, nil
	case "tryput":
		return func() error { return p.TryPut(v) }, nil
	case "shutdown":
		return r.Shutdown, nil
	}
	if p, ok := any(p).(*ringbuf.Producer[[]byte]); ok {
		m := any(v).([]byte)
		return func() error {
			dst, err := ringbuf.ReserveBytes(ctx, p, len(m))
			copy(dst, m)
			p.Commit(1)
			return err
		}, nil
	}
	return func() error {
		run, err := p.Reserve(ctx, 3)
		if len(run) != 3 {
			return errors.Join(err, fmt.Errorf("%d slots", len(run)))
		}
		copy(run, more)
		p.Commit(1)
		p.Commit(2)
		return err
	}, nil
}

func (f form[T]) consumerCall(r *ringbuf.SPSC[T], s scene) (func() error, error) {
	if s.produces() {
		return nil, nil
	}
	c, err := r.Consumer()
	if err != nil {
		return nil, err
	}
	for range s.pre {
		if _, err := c.TryGet(); err != nil {
			return nil, err
		}
	}
	ctx := context.Background()
	switch s.op {
	case "get":
		return func() error { _, err := c.Get(ctx); return err }, nil
	case "tryget":
		return func() error { _, err := c.TryGet(); return err }, nil
	}
	return func() error {
		run, err := c.Next(ctx, 3)
		if len(run) != 3 {
			return errors.Join(err, fmt.Errorf("%d items", len(run)))
		}
		c.Release(1)
		c.Release(2)
		return nil
	}, nil
}

// A stage is one ring and this process's part on it.
type stage[T any] struct {
	f       form[T]
	s       scene
	r       *ringbuf.SPSC[T]
	p       *ringbuf.Producer[T]
	c       *ringbuf.Consumer[T]
	far     chan error // the end of the goroutine that waits in the far end
	got     []uint64   // what it got
	waiting sync.WaitGroup
}

// set makes a fresh ring, as the scene wants it, and gives up the end that the victim is to have.
func (st *stage[T]) set(t *testing.T) []string {
	st.strike(t)
	r, err := ringbuf.NewSPSC[T](st.f.cap)
	if err != nil {
		t.Fatal(err)
	}
	p, err1 := r.Producer()
	c, err2 := r.Consumer()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	st.r, st.p, st.c, st.got = r, p, c, nil
	for n := range st.s.warm {
		if err := p.TryPut(st.f.make(uint64(n))); err != nil {
			t.Fatal(n, err)
		}
	}
	for range st.s.taken {
		if _, err := c.TryGet(); err != nil {
			t.Fatal(err)
		}
	}
	if st.s.produces() {
		p.Close()
	} else {
		c.Close()
	}
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	st.far = make(chan error, 1)
	if st.s.asleep {
		st.waiting.Go(func() { st.far <- st.waitFar() })
	}
	asleep := 0
	if st.s.asleep {
		asleep = 1
	}
	return []string{string(text), st.s.op, strconv.Itoa(st.s.warm), strconv.Itoa(st.s.taken), strconv.Itoa(st.s.pre), strconv.Itoa(asleep)}
}

// strike closes the ring.
func (st *stage[T]) strike(t *testing.T) {
	if st.r != nil {
		st.p.Close()
		st.c.Close()
		st.waiting.Wait()
		if err := st.r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// waitFar is what this process does in the far end: it takes all up to the marker, or puts the marker
// into the full ring.
func (st *stage[T]) waitFar() error {
	ctx := context.Background()
	if !st.s.produces() {
		for { // when a consumer has closed and none has come yet there is nobody to put for
			if err := st.p.Put(ctx, st.f.make(marker)); err != io.ErrClosedPipe {
				return err
			}
		}
	}
	for {
		n, err := st.f.get(ctx, st.c)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if st.got = append(st.got, n); n == marker {
			return nil
		}
	}
}

// check takes the dead end over, and looks at what all have got in the end.
func (st *stage[T]) check(at killstep.Point) (err error) {
	if st.s.produces() {
		err = st.checkProducer()
	} else {
		err = st.checkConsumer()
	}
	if err != nil {
		return fmt.Errorf("%w; got %v; %+v", err, st.got, st.r.Stats())
	}
	return st.judge(at)
}

func (st *stage[T]) checkProducer() (err error) {
	if st.p, err = within100ms(st.r.Producer); err != nil {
		return err
	}
	if !st.s.asleep {
		if st.got, err = st.f.drain(st.c, marker); err != nil {
			return err
		}
	}
	err = st.p.TryPut(st.f.make(marker))
	if st.s.op == "shutdown" && (err == nil || err == io.ErrClosedPipe) {
		err = st.r.Shutdown()
	}
	if err != nil {
		return err
	}
	if st.s.asleep {
		return st.await()
	}
	more, err := st.f.drain(st.c, marker)
	st.got = append(st.got, more...)
	if _, e := st.c.TryGet(); st.s.op == "shutdown" && e != io.EOF {
		return errors.Join(err, fmt.Errorf("after the last item: %w", e))
	}
	return err
}

func (st *stage[T]) checkConsumer() (err error) {
	if st.c, err = within100ms(st.r.Consumer); err != nil {
		return err
	}
	if !st.s.asleep {
		if st.got, err = st.f.drain(st.c, marker); err != nil {
			return err
		}
		if err := st.p.TryPut(st.f.make(marker)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for !slices.Contains(st.got, marker) {
		n, err := st.f.get(ctx, st.c)
		if err != nil {
			return err
		}
		st.got = append(st.got, n)
	}
	if st.s.asleep {
		return st.await()
	}
	return nil
}

func (st *stage[T]) await() error {
	select {
	case err := <-st.far:
		return err
	case <-time.After(5 * time.Second):
		return errors.New("the far end sleeps on")
	}
}

// judge compares: nothing lost, nothing torn, order kept, and the call done as a whole or in its parts.
func (st *stage[T]) judge(at killstep.Point) error {
	s, parts := st.s, st.s.parts(st.f.name)
	if at.Ended {
		parts = parts[len(parts)-1:]
	}
	var allowed [][]uint64
	for _, part := range parts {
		from, to := s.taken, s.warm+s.pre+part
		if !s.produces() {
			from, to = s.taken+s.pre+part, s.warm
		}
		allowed = append(allowed, count(to, marker)[from:])
	}
	got := st.got
	if s.op == "shutdown" && !slices.Contains(got, marker) {
		got = append(got, marker) // shut down by the dead, before the survivor could put it
	}
	if !slices.ContainsFunc(allowed, func(a []uint64) bool { return slices.Equal(a, got) }) {
		return fmt.Errorf("got %v, want one of %v", st.got, allowed)
	}
	if n := st.r.Len(); n != 0 {
		return fmt.Errorf("Len %d of a drained ring", n)
	}
	x, over := st.r.Stats(), uint64(0)
	if st.f.name == "messages" && !at.Ended {
		over = uint64(parts[len(parts)-1]) // counted by the dead already
	}
	all := uint64(s.taken + len(st.got))
	if !s.produces() {
		all = uint64(s.warm + 1)
	}
	if x.Put-all > over || x.Got-all > over || x.Takeovers != 1 {
		return fmt.Errorf("after %v, %d in all: %+v", st.got, all, x)
	}
	return nil
}

func (s scene) run(t *testing.T, form string) {
	if form == "items" {
		play(t, items, s)
	} else {
		play(t, messages, s)
	}
}

func play[T any](t *testing.T, f form[T], s scene) {
	st := &stage[T]{f: f, s: s}
	defer st.strike(t)
	points, sample := []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(12), 1)}, 0
	switch {
	case s.steps != 0 && race.Enabled:
		t.Skip("the detector's instructions are most of a wait; the run without it does this")
	case s.steps != 0:
		points = []killstep.Points{waits(3)}
	case os.Getenv("SHMKIT_KILLS") != "":
		points, sample = []killstep.Points{killstep.All}, -1
	case race.Enabled: // ten times the instructions
		points = []killstep.Points{killstep.Random(2, uint64(time.Now().UnixNano()))}
	case s.whole && (f.name == "items" || s.asleep && s.op == "put"):
		points = []killstep.Points{killstep.All}
	}
	for _, p := range points {
		st.sweep(t, p, sample)
	}
}

func (st *stage[T]) sweep(t *testing.T, points killstep.Points, sample int) {
	sweepInTime(t, killstep.Config{
		Victim: st.f.end, Points: points, MaxSteps: st.s.steps, Sample: sample,
		Prepare: func() []string { return st.set(t) },
		Watch:   func() []byte { return ringbuf.Payload(st.r) },
		Check:   st.check,
	})
}

// sweepInTime runs c, and fails when too many of its checks, which are recoveries, take longer than soon.
func sweepInTime(t *testing.T, c killstep.Config) {
	t.Helper()
	late, check := 0, c.Check
	c.Check = func(at killstep.Point) error {
		start := time.Now()
		err := check(at)
		if time.Since(start) > soon {
			late++
		}
		return err
	}
	if r := killstep.Run(t, c); late > 1+r.Visited/10 {
		t.Errorf("%d of %d recoveries took longer than %v", late, r.Visited, soon)
	}
}

// A usual run does a third of the scenes, by turns.
func TestKillAnywhere(t *testing.T) {
	every, turn := 3, int(time.Now().UnixNano()>>10)
	if all() {
		every = 1
	}
	for _, form := range []string{"items", "messages"} {
		fits := map[string]int{"items": items.fits, "messages": messages.fits}[form]
		for _, s := range []scene{
			{op: "put"},                                         // the slow path
			{op: "put", pre: 1, whole: true},                    // the fast path
			{op: "put", pre: 1, asleep: true, whole: true},      // and the wake-up
			{op: "put", warm: 4, taken: 3},                      // behind a record that skips
			{op: "tryput", warm: 1, pre: 1, whole: true},        //
			{op: "reserve"},                                     //
			{op: "reserve", warm: 4, taken: 4, asleep: true},    // in place, behind a skip
			{op: "shutdown", warm: 2},                           //
			{op: "shutdown", asleep: true},                      //
			{op: "get", warm: 4},                                // the slow path
			{op: "get", warm: 4, taken: 1, pre: 1, whole: true}, // the fast path
			{op: "get", warm: fits, asleep: true},               // and the wake-up
			{op: "tryget", warm: 3, pre: 1, whole: true},        //
			{op: "next", warm: 4},                               //
			{op: "next", warm: fits, asleep: true},              //
			{op: "put", warm: fits, steps: 20_000},              // waits
			{op: "get", warm: 2, taken: 2, steps: 20_000},       // waits
		} {
			if s.op == "reserve" && form == "items" && s.taken > 0 {
				s.warm, s.taken = 2, 2
			}
			if turn++; turn%every == 0 {
				t.Run(form+"/"+s.String(), func(t *testing.T) { s.run(t, form) })
			}
		}
	}
}
