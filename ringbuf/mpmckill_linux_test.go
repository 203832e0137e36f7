package ringbuf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// A plot is one call of a victim on a ring of many of four places, and the world that the call enters: items 0 …
// warm-1 were put, the first taken ones of them were taken; pre calls of its own go before.
type plot struct {
	op               string
	warm, taken, pre int
	writer, reader   bool     // a dead one's claim: with the item warm behind it; on the first item left
	shut             bool     // it was shut down
	asleep           bool     // this process waits: for items, or for room
	steps            int      // the region has no end: so many instructions of it
	whole            bool     // the hot paths: more points
	queue, held      []uint64 // what is in the ring; with a dead reader
}

func (s plot) String() string {
	name := fmt.Sprintf("%s/%d-%d", s.op, s.warm, s.taken)
	for _, x := range []struct {
		is   bool
		name string
	}{{s.pre > 0, "warm"}, {s.writer, "dead writer"}, {s.reader, "dead reader"}, {s.shut, "shut"}, {s.asleep, "asleep"}, {s.steps > 0, "waiting"}} {
		if x.is {
			name += " " + x.name
		}
	}
	return name
}

func (s plot) puts() bool {
	return strings.Contains(s.op, "put") || s.op == "reserve" || s.op == "abort"
}

const crowdCap, nobody = 4, 0x155_5555

var _ = proctest.Register("one of many", func(args []string) int {
	var r ringbuf.MPMC[item]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	var warm, pre, parks int
	fmt.Sscan(args[2], &warm)
	fmt.Sscan(args[3], &pre)
	fmt.Sscan(args[4], &parks)
	call := crowdCall(&r, args[1], &warm)
	for range pre {
		if err := call(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	for st := r.Stats(); st.PutParks+st.GetParks < uint64(parks); st = r.Stats() {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(time.Millisecond) // from "parks" to being asleep
	killstep.Begin()
	err := call()
	killstep.End()
	if err != nil && err != io.EOF && err != io.ErrClosedPipe {
		fmt.Println(err)
		return 1
	}
	return 0
})

// crowdCall is a call by its name. Those that put go on with the number *next.
func crowdCall(r *ringbuf.MPMC[item], op string, next *int) func() error {
	ctx := context.Background()
	number := func() item { *next++; return items.make(uint64(*next - 1)) }
	batch := make([]item, 3)
	return map[string]func() error{
		"put":    func() error { return r.Put(ctx, number()) },
		"tryput": func() error { return r.TryPut(number()) },
		"putbatch": func() error {
			_, err := r.PutBatch(ctx, []item{number(), number(), number()})
			return err
		},
		"reserve": func() error {
			s, err := r.Reserve(ctx)
			if err == nil {
				*s.V = number()
				s.Commit()
			}
			return err
		},
		"abort": func() error {
			s, err := r.Reserve(ctx)
			s.Abort()
			return err
		},
		"get":      func() error { _, err := r.Get(ctx); return err },
		"tryget":   func() error { _, err := r.TryGet(); return err },
		"getbatch": func() error { _, err := r.GetBatch(ctx, batch); return err },
		"take": func() error {
			x, err := r.Take(ctx)
			x.Release()
			return err
		},
		"shutdown": r.Shutdown,
	}[op]
}

// crowdScene is one ring and this process's part on it.
type crowdScene struct {
	plot
	r    *ringbuf.MPMC[item]
	far  chan error
	got  []uint64
	stop context.CancelFunc
}

func (c *crowdScene) set(t *testing.T) []string {
	c.strike()
	r, err := ringbuf.NewMPMC[item](crowdCap)
	if err != nil {
		t.Fatal(err)
	}
	c.r, c.got = r, nil
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	taken := 0
	for n := range c.warm {
		if n-taken == crowdCap {
			_, err := r.TryGet()
			must(err)
			taken++
		}
		must(r.TryPut(items.make(uint64(n))))
	}
	for ; taken < c.taken; taken++ {
		_, err := r.TryGet()
		must(err)
	}
	c.queue, c.held = count(c.warm)[c.taken:], nil
	next := c.warm
	if c.writer {
		_, err := r.Reserve(ctx)
		must(err)
		must(r.TryPut(items.make(uint64(next))))
		ringbuf.Bury(r, abi.SlotWriting, nobody)
		c.queue = append(c.queue, uint64(next))
		next++
	}
	if c.reader {
		_, err := r.Take(ctx)
		must(err)
		ringbuf.Bury(r, abi.SlotReading, nobody)
		c.held, c.queue = c.queue[:1], c.queue[1:]
	}
	if c.shut {
		must(r.Shutdown())
	}
	text, err := r.MarshalText()
	must(err)
	parks := 0
	if c.far = make(chan error, 1); c.asleep {
		parks = 1
		go func() { c.far <- c.wait(ctx) }()
	}
	return []string{string(text), c.op, fmt.Sprint(next), fmt.Sprint(c.pre), fmt.Sprint(parks)}
}

func (c *crowdScene) strike() {
	if c.r == nil {
		return
	}
	c.stop()
	c.r.Close()
	if c.asleep {
		<-c.far
	}
	c.r = nil
}

// wait is what this process does meanwhile: it takes all up to the marker, or puts the marker into the full ring.
func (c *crowdScene) wait(ctx context.Context) error {
	if !c.puts() && c.op != "shutdown" {
		return c.r.Put(ctx, items.make(marker))
	}
	for {
		v, err := c.r.Get(ctx)
		if err == io.EOF {
			return nil
		}
		n, torn := items.number(v)
		if err := errors.Join(err, torn); err != nil {
			return err
		}
		if c.got = append(c.got, n); n == marker {
			return nil
		}
	}
}

func (c *crowdScene) check(at killstep.Point) error {
	err := c.survive()
	if err == nil {
		err = c.judge(at)
	}
	if err != nil {
		return fmt.Errorf("%w; got %v; %+v", err, c.got, c.r.Stats())
	}
	return nil
}

// survive does what a survivor does: takes all, puts the marker, takes it.
func (c *crowdScene) survive() error {
	drain := func() error {
		for {
			v, err := c.r.TryGet()
			if err == ringbuf.ErrEmpty || err == io.EOF {
				return nil
			}
			n, torn := items.number(v)
			if err := errors.Join(err, torn); err != nil {
				return err
			}
			c.got = append(c.got, n)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	reader := c.asleep && (c.puts() || c.op == "shutdown")
	if !reader {
		if err := drain(); err != nil {
			return err
		}
	}
	if !c.asleep || reader {
		if err := c.r.Put(ctx, items.make(marker)); err != nil && (err != io.ErrClosedPipe || !c.shut && c.op != "shutdown") {
			return err
		}
	}
	if c.asleep {
		select {
		case err := <-c.far:
			c.far <- nil
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("this process sleeps on")
		}
	}
	if reader {
		return nil
	}
	return drain()
}

// outcomes are the queues that the victim may leave, in the order of its progress: what is in the ring, and what
// its death, or an earlier one, has left behind the consumers.
func (c *crowdScene) outcomes() (all [][]uint64) {
	q, held := c.queue, c.held
	add := func(queue, held []uint64) { all = append(all, slices.Concat(queue, held)) }
	add(q, held)
	next := uint64(c.warm)
	if c.writer {
		next++
	}
	each := 1
	if strings.HasSuffix(c.op, "batch") {
		each = 3
	}
	for range c.pre + 1 {
		for range each {
			switch {
			case c.steps != 0 || c.op == "shutdown" || c.op == "abort" || c.puts() && c.shut:
			case c.puts():
				q = append(slices.Clone(q), next)
				next++
			case len(q) > 0:
				if c.op == "take" {
					add(q[1:], append(slices.Clone(held), q[0]))
				}
				q = q[1:]
			case len(held) > 0:
				held = held[1:]
			}
			add(q, held)
		}
	}
	return all[c.pre*each*(len(all)-1)/((c.pre+1)*each):]
}

func (c *crowdScene) judge(at killstep.Point) error {
	allowed := c.outcomes()
	if at.Ended {
		allowed = allowed[len(allowed)-1:]
	}
	got := slices.DeleteFunc(slices.Clone(c.got), func(n uint64) bool { return n == marker })
	if !slices.ContainsFunc(allowed, func(a []uint64) bool { return slices.Equal(a, got) }) {
		return fmt.Errorf("want one of %v", allowed)
	}
	if marked := slices.Contains(c.got, marker); !marked && !c.shut && c.op != "shutdown" {
		return errors.New("the survivor's item is missing")
	}
	s := c.r.Stats()
	most := uint64(1)
	if c.op == "putbatch" {
		most = 3 // a row is claimed before it is written
	}
	if c.writer {
		most++
	}
	if s.Skipped > most || s.Writing+s.Reading != 0 || c.r.Len() != 0 || s.Redelivered > 2 {
		return errors.New("the ring is not as it should be")
	}
	if _, err := c.r.TryGet(); c.shut && err != io.EOF {
		return fmt.Errorf("at the end: %w", err)
	}
	return nil
}

func (s plot) play(t *testing.T) {
	c := &crowdScene{plot: s}
	defer c.strike()
	points, sample := []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(2), uint64(time.Now().UnixNano()))}, 6
	switch {
	case s.steps != 0 && race.Enabled:
		t.Skip("the detector's instructions are most of a wait; the run without it does this")
	case s.steps != 0:
		points = []killstep.Points{waits(2)}
	case os.Getenv("SHMKIT_KILLS") != "":
		points, sample = []killstep.Points{killstep.All}, -1
	case race.Enabled:
		points = []killstep.Points{killstep.Random(2, uint64(time.Now().UnixNano()))}
	case s.whole:
		points = []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(30), uint64(time.Now().UnixNano()))}
	}
	for _, p := range points {
		sweepInTime(t, killstep.Config{
			Victim: "one of many", Points: p, MaxSteps: s.steps, Sample: sample,
			Prepare: func() []string { return c.set(t) },
			Watch:   func() []byte { return ringbuf.PayloadMPMC(c.r) },
			Check:   c.check,
		})
	}
}

// Every operation of a ring of many, killed anywhere, on a ring that is empty, has one item, is full, has
// wrapped around, is shut down; with somebody asleep; and as it repairs what another death has left.
func TestMPMCKillAnywhere(t *testing.T) {
	plots := []plot{
		{op: "tryput", pre: 1, whole: true},
		{op: "tryget", warm: 3, pre: 1, whole: true},
		{op: "put"}, {op: "put", warm: 1}, {op: "put", warm: 7, taken: 5}, {op: "put", shut: true}, {op: "put", asleep: true},
		{op: "putbatch"}, {op: "putbatch", warm: 6, taken: 5, asleep: false}, {op: "putbatch", asleep: true},
		{op: "reserve"}, {op: "reserve", warm: 5, taken: 3}, {op: "reserve", asleep: true},
		{op: "abort"}, {op: "abort", warm: 3}, {op: "abort", asleep: true},
		{op: "get", warm: 1}, {op: "get", warm: 4}, {op: "get", warm: 9, taken: 6}, {op: "get", warm: 2, shut: true},
		{op: "get", warm: 4, asleep: true},
		{op: "getbatch", warm: 4}, {op: "getbatch", warm: 4, asleep: true}, {op: "getbatch", warm: 7, taken: 4, shut: true},
		{op: "take", warm: 1}, {op: "take", warm: 4}, {op: "take", warm: 9, taken: 7}, {op: "take", warm: 4, asleep: true},
		{op: "take", warm: 2, shut: true},
		{op: "shutdown"}, {op: "shutdown", warm: 4}, {op: "shutdown", asleep: true},
		{op: "get", shut: true}, {op: "tryget", warm: 5, taken: 5, shut: true},
		{op: "get", writer: true}, {op: "take", writer: true}, {op: "getbatch", warm: 5, taken: 5, writer: true},
		{op: "get", warm: 1, reader: true}, {op: "take", warm: 1, reader: true}, {op: "tryget", warm: 6, taken: 5, reader: true},
		{op: "getbatch", warm: 3, reader: true}, {op: "get", warm: 1, reader: true, shut: true},
		{op: "put", warm: 2, reader: true}, {op: "tryput", writer: true},
		{op: "put", warm: 4, steps: 20_000}, {op: "get", warm: 2, taken: 2, steps: 20_000}, {op: "take", steps: 20_000},
	}
	every, turn := 4, int(time.Now().UnixNano()>>10) // a usual run does a quarter of them, by turns
	switch {
	case os.Getenv("SHMKIT_KILLS") != "":
		every = 1
	case testing.Short():
		every = 8
	}
	for i, s := range plots {
		if (i+turn)%every != 0 {
			continue
		}
		t.Run(s.String(), s.play)
	}
}
