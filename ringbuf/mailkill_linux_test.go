package ringbuf_test

import (
	"bytes"
	"context"
	"encoding/binary"
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

func mailMake(n uint64) []byte {
	size := 24
	if n%2 == 0 {
		size = 200 + int(n%100)
	}
	b := letter(n, size)
	binary.NativeEndian.PutUint64(b, n)
	return b
}

func mailNumber(b []byte) (uint64, error) {
	if len(b) < 8 {
		return 0, fmt.Errorf("torn message %x", b)
	}
	n := binary.NativeEndian.Uint64(b)
	if !bytes.Equal(b, mailMake(n)) {
		return 0, fmt.Errorf("torn message %x", b)
	}
	return n, nil
}

// A mailPlot is one call of a victim, and the world that it enters: warm are the numbers of the messages that were put, the first
// taken ones of them were taken.
type mailPlot struct {
	op     string
	next   uint64 // the first number that the victim puts
	warm   []uint64
	taken  int
	writer bool // a dead one's claim, with a block, behind them
	reader bool // the first one left is with a dead reader
	litter bool // all blocks are garbage
	shut   bool
	asleep bool // this process waits: for messages, or for room for one that needs a block
	steps  int  // the region has no end: so many instructions of it
	pre    int  // calls of its own before
	whole  bool // more points
}

func (s mailPlot) String() string {
	name := fmt.Sprintf("%s %d/%v-%d", s.op, s.next, s.warm, s.taken)
	for _, x := range []struct {
		is   bool
		name string
	}{{s.writer, "dead writer"}, {s.reader, "dead reader"}, {s.litter, "litter"}, {s.shut, "shut"}, {s.asleep, "asleep"}, {s.steps > 0, "waiting"}} {
		if x.is {
			name += " " + x.name
		}
	}
	return name
}

func (s mailPlot) puts() bool {
	return strings.Contains(s.op, "put") || s.op == "reserve" || s.op == "abort"
}

// mailCall is a call by its name. Those that put begin with the number n.
func mailCall(r *ringbuf.MPMC[[]byte], op string, n uint64) func() error {
	ctx := context.Background()
	buf := make([]byte, mailLimit)
	batch := [][]byte{make([]byte, mailLimit), make([]byte, mailLimit), make([]byte, mailLimit)}
	vs := [][]byte{mailMake(n), mailMake(n + 1), mailMake(n + 2)}
	return map[string]func() error{
		"put":      func() error { return r.Put(ctx, vs[0]) },
		"tryput":   func() error { return r.TryPut(vs[0]) },
		"putbatch": func() error { _, err := r.PutBatch(ctx, vs); return err },
		"reserve": func() error {
			s, err := ringbuf.ReserveSlot(ctx, r, len(vs[0]))
			copy(s.B, vs[0])
			s.Commit()
			return err
		},
		"abort": func() error {
			s, err := ringbuf.ReserveSlot(ctx, r, len(vs[0]))
			s.Abort()
			return err
		},
		"get":      func() error { _, err := ringbuf.GetBytes(ctx, r, buf); return err },
		"tryget":   func() error { _, err := r.TryGet(); return err },
		"getbatch": func() error { _, err := r.GetBatch(ctx, batch); return err },
		"take":     func() error { x, err := ringbuf.TakeBytes(ctx, r); x.Release(); return err },
		"shutdown": r.Shutdown,
	}[op]
}

var _ = proctest.Register("one of the mail", func(args []string) int {
	var r ringbuf.MPMC[[]byte]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	var next, pre, parks uint64
	fmt.Sscan(args[2], &next)
	fmt.Sscan(args[3], &pre)
	fmt.Sscan(args[4], &parks)
	call := mailCall(&r, args[1], next)
	for range pre {
		if err := call(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	for st := r.Stats(); st.PutParks+st.GetParks < parks; st = r.Stats() {
		time.Sleep(100 * time.Microsecond)
	}
	if parks > 0 {
		time.Sleep(time.Millisecond) // from "parks" to being asleep
	}
	killstep.Begin()
	err := call()
	killstep.End()
	if err != nil && err != io.EOF && err != io.ErrClosedPipe {
		fmt.Println(err)
		return 1
	}
	return 0
})

// mailScene is one ring and this process's part on it.
type mailScene struct {
	mailPlot
	r           *ringbuf.MPMC[[]byte]
	far         chan error
	got         []uint64
	queue, held []uint64
	stop        context.CancelFunc
}

func (c *mailScene) set(t *testing.T) []string {
	c.strike()
	r, err := ringbuf.MPMCConfig[[]byte]{Cap: mailCap, MaxMessage: mailLimit}.New()
	if err != nil {
		t.Fatal(err)
	}
	c.r, c.got, c.held = r, nil, nil
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range c.warm {
		if i >= mailBlocks && i-mailBlocks < c.taken {
			_, err := r.TryGet()
			must(err)
		}
		must(r.TryPut(mailMake(n)))
	}
	for i := max(len(c.warm)-mailBlocks, 0); i < c.taken; i++ {
		_, err := r.TryGet()
		must(err)
	}
	c.queue = c.warm[c.taken:]
	if c.writer {
		_, err := ringbuf.ReserveSlot(ctx, r, mailLimit)
		must(err)
		must(r.TryPut(mailMake(501)))
		ringbuf.Bury(r, abi.SlotWriting, nobody)
		c.queue = append(slices.Clone(c.queue), 501)
	}
	if c.reader {
		_, err := ringbuf.TakeBytes(ctx, r)
		must(err)
		ringbuf.Bury(r, abi.SlotReading, nobody)
		c.held, c.queue = c.queue[:1], c.queue[1:]
	}
	if c.litter { // one who died filling it, one who died between the slot and the block
		for i, w := range ringbuf.BlockWords(r) {
			if *w == abi.BlockFree {
				*w = []uint64{nobody<<abi.SlotShift | abi.BlockHeld, *ringbuf.Words(r)[5] | abi.BlockQueued}[i%2]
			}
		}
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
	return []string{string(text), c.op, fmt.Sprint(c.next), fmt.Sprint(c.pre), fmt.Sprint(parks)}
}

func (c *mailScene) strike() {
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

const mailMarker = 1000

// wait is what this process does meanwhile: it takes all up to the marker, or puts the marker, for which there is no block.
func (c *mailScene) wait(ctx context.Context) error {
	if !c.puts() && c.op != "shutdown" {
		return c.r.Put(ctx, mailMake(mailMarker))
	}
	for {
		b, err := c.r.Get(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := mailNumber(b)
		if err != nil {
			return err
		}
		if c.got = append(c.got, n); n == mailMarker {
			return nil
		}
	}
}

func (c *mailScene) drain() error {
	for {
		b, err := c.r.TryGet()
		if err == ringbuf.ErrEmpty || err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := mailNumber(b)
		if err != nil {
			return err
		}
		c.got = append(c.got, n)
	}
}

func (c *mailScene) check(at killstep.Point) error {
	err := c.survive()
	if err == nil {
		err = c.judge(at)
	}
	if err == nil && !c.shut && c.op != "shutdown" {
		err = c.refill()
	}
	if err != nil {
		return fmt.Errorf("%w; got %v; %+v; %d blocks in use", err, c.got, c.r.Stats(), ringbuf.BlocksInUse(c.r))
	}
	return nil
}

// survive does what a survivor does: takes all, puts the marker, takes it.
func (c *mailScene) survive() error {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	reader := c.asleep && (c.puts() || c.op == "shutdown")
	if !reader {
		if err := c.drain(); err != nil {
			return err
		}
	}
	if !c.asleep || reader {
		if err := c.r.Put(ctx, mailMake(mailMarker)); err != nil && (err != io.ErrClosedPipe || !c.shut && c.op != "shutdown") {
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
	return c.drain()
}

// outcomes are the queues that the victim may leave, in the order of its progress.
func (c *mailScene) outcomes() (all [][]uint64) {
	q, held, n := c.queue, c.held, c.next
	add := func(queue, held []uint64) { all = append(all, slices.Concat(queue, held)) }
	add(q, held)
	each := 1
	if strings.HasSuffix(c.op, "batch") {
		each = 3
	}
	for range each {
		switch {
		case c.steps != 0 || c.op == "shutdown" || c.op == "abort" || c.puts() && c.shut:
		case c.puts():
			q = append(slices.Clone(q), n)
			n++
		case len(q) > 0:
			add(q[1:], append(slices.Clone(held), q[0])) // in place, or as it copies: it comes again
			q = q[1:]
		case len(held) > 0:
			held = held[1:]
		}
		add(q, held)
	}
	return all
}

func (c *mailScene) judge(at killstep.Point) error {
	allowed := c.outcomes()
	if at.Ended {
		allowed = allowed[len(allowed)-1:]
	}
	got := slices.DeleteFunc(slices.Clone(c.got), func(n uint64) bool { return n == mailMarker })
	if c.pre == 0 && !slices.ContainsFunc(allowed, func(a []uint64) bool { return slices.Equal(a, got) }) {
		return fmt.Errorf("want one of %v", allowed)
	}
	if marked := slices.Contains(c.got, mailMarker); !marked && !c.shut && c.op != "shutdown" {
		return errors.New("the survivor's message is missing")
	}
	if s := c.r.Stats(); s.Skipped > 2 || s.Writing+s.Reading != 0 || c.r.Len() != 0 || s.Redelivered > 2 {
		return errors.New("the ring is not as it should be")
	}
	return nil
}

// refill says whether every block has come back.
func (c *mailScene) refill() error {
	for i := range mailBlocks + 1 {
		switch err := c.r.TryPut(mailMake(2)); {
		case i < mailBlocks && err != nil:
			return fmt.Errorf("block %d of %d: %w", i, mailBlocks, err)
		case i == mailBlocks && err != ringbuf.ErrFull:
			return fmt.Errorf("more blocks than there are: %v", err)
		}
	}
	if err := c.drain(); err != nil {
		return err
	}
	if ringbuf.BlocksInUse(c.r) != 0 {
		return errors.New("a block is lost")
	}
	return nil
}

func (s mailPlot) play(t *testing.T) {
	c := &mailScene{mailPlot: s}
	defer c.strike()
	seed := uint64(time.Now().UnixNano())
	points, sample := []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(2), seed)}, 6
	switch {
	case s.steps != 0 && race.Enabled:
		t.Skip("the detector's instructions are most of a wait; the run without it does this")
	case s.steps != 0:
		points = []killstep.Points{waits(2)}
	case os.Getenv("SHMKIT_KILLS") != "":
		points, sample = []killstep.Points{killstep.All}, -1
	case race.Enabled:
		points = []killstep.Points{killstep.Random(2, seed)}
	case (s.writer || s.reader) && s.op != "tryget": // it spins first
		points = []killstep.Points{killstep.Random(killstep.Budget(4), seed)}
	case s.whole:
		points = []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(20), seed)}
	}
	for _, p := range points {
		sweepInTime(t, killstep.Config{
			Victim: "one of the mail", Points: p, MaxSteps: s.steps, Sample: sample,
			Prepare: func() []string { return c.set(t) },
			Watch:   func() []byte { return ringbuf.SlotsAndWords(c.r) },
			Check:   c.check,
		})
	}
}

// Every operation of a ring of messages, killed anywhere, with a block and without, on a ring that is empty, has no block
// left, has wrapped around, is shut down; with somebody asleep; and as it repairs what another death has left.
func TestMailKillAnywhere(t *testing.T) {
	wrapped := []uint64{0, 2, 4, 6, 8, 1, 10}
	plots := []mailPlot{
		{op: "put", next: 100, whole: true}, {op: "put", next: 101}, {op: "put", next: 100, warm: []uint64{0, 1}},
		{op: "put", next: 100, warm: wrapped, taken: 6}, {op: "put", next: 100, asleep: true}, {op: "put", next: 101, asleep: true},
		{op: "put", next: 100, shut: true}, {op: "put", next: 100, litter: true}, {op: "put", next: 100, warm: []uint64{0}, litter: true},
		{op: "tryput", next: 100, litter: true}, {op: "tryput", next: 101},
		{op: "putbatch", next: 100}, {op: "putbatch", next: 101, asleep: true}, {op: "putbatch", next: 100, litter: true},
		{op: "reserve", next: 100}, {op: "reserve", next: 101}, {op: "reserve", next: 100, warm: wrapped, taken: 6},
		{op: "reserve", next: 100, asleep: true}, {op: "reserve", next: 100, litter: true},
		{op: "abort", next: 100}, {op: "abort", next: 101}, {op: "abort", next: 100, asleep: true}, {op: "abort", next: 100, warm: []uint64{0}},
		{op: "get", warm: []uint64{0}, whole: true}, {op: "get", warm: []uint64{1}}, {op: "get", warm: []uint64{0, 1, 2}},
		{op: "get", warm: wrapped, taken: 6}, {op: "get", warm: []uint64{0, 2}, asleep: true}, {op: "get", warm: []uint64{2, 1}, shut: true},
		{op: "tryget", warm: []uint64{0}}, {op: "tryget", warm: []uint64{1, 0}},
		{op: "getbatch", warm: []uint64{0, 1, 2}}, {op: "getbatch", warm: []uint64{0, 2, 1}, asleep: true},
		{op: "take", warm: []uint64{0}}, {op: "take", warm: []uint64{1}}, {op: "take", warm: wrapped, taken: 5},
		{op: "take", warm: []uint64{0, 2}, asleep: true}, {op: "take", warm: []uint64{0}, shut: true},
		{op: "shutdown", warm: []uint64{0, 2}}, {op: "shutdown", asleep: true},
		{op: "tryget", writer: true}, {op: "get", writer: true}, {op: "take", writer: true}, {op: "getbatch", warm: []uint64{0}, writer: true},
		{op: "tryget", warm: []uint64{0}, reader: true}, {op: "get", warm: []uint64{0}, reader: true}, {op: "take", warm: []uint64{0}, reader: true}, {op: "getbatch", warm: []uint64{0, 1}, reader: true},
		{op: "put", next: 100, warm: []uint64{0}, reader: true},
		{op: "put", next: 100, warm: []uint64{0, 2}, steps: 20_000}, {op: "reserve", next: 100, warm: []uint64{0, 2}, steps: 20_000},
		{op: "get", steps: 20_000},
	}
	every, turn := 8, int(time.Now().UnixNano()>>10) // a usual run does an eighth of them, by turns
	switch {
	case os.Getenv("SHMKIT_KILLS") != "":
		every = 1
	case testing.Short():
		every = 16
	}
	for i, s := range plots {
		if (i+turn)%every != 0 {
			continue
		}
		t.Run(s.String(), s.play)
	}
}
