package ringbuf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// What is checked is what MPMC's documentation states. A put is two moments: it claims the next place, and it commits.
// A place is claimed in order, and when the one a lap before has been released. A get takes the oldest place if it
// is committed; ErrEmpty is right while it is not; ErrFull while the next place has not been released. A take
// is a get whose release is a moment of its own. Whoever was killed may have come to any of its moments, or
// not; the place of a dead claim may be skipped, and a dead taker's item delivered once more.
type step int

const (
	stepClaim step = iota
	stepCommit
	stepFull
	stepTake    // and not yet released
	stepRelease //
	stepGet     // taken and released
	stepEmpty
	stepSkip    // of a dead claim
	stepLost    // a dead one's get, of whatever was the oldest
	stepDropped // a dead one's take
)

type move struct {
	step
	v    uint16
	dead bool // it may have happened, or not
	cap  int
}

// A linearState is the places from the first one that is not released, two numbers each: what was put there, and
// what has become of it.
const (
	placeClaimed = iota
	placeReady
	placeTaken
	placeOrphaned
	placeFree
)

func (m move) apply(s string) (bool, string) {
	p := []rune(s)
	at := func(state ...rune) int { // the place that holds v, in one of these states
		for i := 0; i < len(p); i += 2 {
			if p[i] == rune(m.v) && slices.Contains(state, p[i+1]) {
				return i
			}
		}
		return -1
	}
	oldest := 0
	for oldest < len(p) && p[oldest+1] >= placeTaken {
		oldest += 2
	}
	ready := oldest < len(p) && p[oldest+1] == placeReady
	set := func(i int, state rune) (bool, string) {
		if i < 0 {
			return m.dead, s
		}
		p[i+1] = state
		for len(p) > 0 && p[1] == placeFree {
			p = p[2:]
		}
		return true, string(p)
	}
	if ready && m.step != stepLost && m.step != stepDropped && p[oldest] != rune(m.v) || !ready {
		oldest = -1
	}
	switch m.step {
	case stepClaim:
		if len(p) == 2*m.cap {
			return m.dead, s
		}
		return true, s + string([]rune{rune(m.v), placeClaimed})
	case stepCommit:
		return set(at(placeClaimed), placeReady)
	case stepFull:
		return len(p) == 2*m.cap, s
	case stepEmpty:
		return !ready, s
	case stepTake:
		if oldest < 0 {
			oldest = at(placeOrphaned)
		}
		if m.dead { // it may come again, unless it was released
			return set(oldest, placeOrphaned)
		}
		return set(oldest, placeTaken)
	case stepGet:
		if oldest < 0 {
			oldest = at(placeOrphaned)
		}
		return set(oldest, placeFree)
	case stepRelease:
		return set(at(placeTaken, placeOrphaned), placeFree)
	case stepSkip:
		i := at(placeClaimed)
		for k := 0; k < i; k += 2 {
			if p[k+1] < placeTaken {
				return true, s
			}
		}
		return set(i, placeFree)
	case stepLost:
		return set(oldest, placeFree)
	default:
		return set(oldest, placeOrphaned)
	}
}

var linearModel = porcupine.Model{
	Init:              func() any { return "" },
	Step:              func(s, in, _ any) (bool, any) { return in.(move).apply(s.(string)) },
	DescribeOperation: func(in, _ any) string { return fmt.Sprintf("%+v", in) },
}

// A record is what a worker writes down about one call, before it and after it, in memory that outlives it.
const (
	recordOp  = iota * 8 // 1 + which call, and what it puts
	recordIn             // when it began
	recordOut            // when it had returned
	recordGot            // 1 + what it got; or 0: full, or empty
	recordMid            // of a take: when its release began
	recordSize
	perClient = 64

	linearClients = 3 // processes; and the test itself
)

const (
	callPut = iota
	callGet
	callTake
	callReserve
)

func openLog(path string) mmap.MMap {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if err := f.Truncate((linearClients + 1) * perClient * recordSize); err != nil {
		panic(err)
	}
	m, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		panic(err)
	}
	return m
}

// tick is a moment that all processes agree on.
func tick() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return uint64(ts.Nano())
}

var _ = proctest.Register("linear", func(args []string) int {
	var me int
	fmt.Sscan(args[1], &me)
	log := openLog(args[0])
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), tick()))
	for {
		r := new(ringbuf.MPMC[item])
		if err := r.UnmarshalText([]byte(proctest.Hear())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		proctest.Say("ready")
		var begin uint64
		fmt.Sscan(proctest.Hear(), &begin)
		for tick() < begin { // all at once
		}
		for k := range perClient {
			v := uint64(1 + me*perClient + k)
			if err := linearCall(r, log[(me*perClient+k)*recordSize:], rng.IntN(8), v); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		r.Close()
		proctest.Say("done")
	}
})

// linearCall makes one call and writes it down.
func linearCall(r *ringbuf.MPMC[item], rec []byte, dice int, v uint64) (err error) {
	what := []uint64{callPut, callPut, callPut, callReserve, callGet, callGet, callTake, callGet}[dice]
	store(rec, recordIn, tick())
	store(rec, recordOp, 1+what+v<<8)
	ctx, stop := context.WithCancel(context.Background())
	stop() // it takes what is there, or its context has ended
	var got item
	ok := true
	switch what {
	case callPut:
		err = r.TryPut(items.make(v))
	case callReserve:
		var s ringbuf.Slot[item]
		if s, err = r.Reserve(ctx); err == nil {
			*s.V = items.make(v)
			s.Commit()
		}
	case callGet:
		got, err = r.TryGet()
	case callTake:
		var x ringbuf.Taken[item]
		if x, err = r.Take(ctx); err == nil {
			got = *x.V
			store(rec, recordGot, 1+got[0])
			store(rec, recordMid, tick())
			x.Release()
		}
	}
	if err == ringbuf.ErrFull || err == ringbuf.ErrEmpty || err == context.Canceled {
		ok, err = false, nil
	}
	if err != nil {
		return err
	}
	if what == callGet || what == callTake {
		if _, err := items.number(got); ok && err != nil {
			return err
		}
		v = got[0]
	}
	if ok {
		store(rec, recordGot, 1+v)
	}
	store(rec, recordOut, tick())
	return nil
}

const eternity = int64(1<<62 - 1)

// moves are the moments of a call that a record tells of.
func moves(rec []byte, client, capacity int) (ops []porcupine.Operation) {
	op, in, out := load(rec, recordOp), int64(load(rec, recordIn)), int64(load(rec, recordOut))
	if op == 0 {
		return nil
	}
	dead, got := out == 0, load(rec, recordGot)
	if dead {
		out = eternity
	}
	add := func(s step, v uint64, from, to int64, dead bool) {
		ops = append(ops, porcupine.Operation{ClientId: client, Input: move{s, uint16(v), dead, capacity}, Call: from, Return: to})
	}
	what, v := (op-1)&0xff, (op-1)>>8
	switch put := what == callPut || what == callReserve; {
	case put && (dead || got != 0):
		add(stepClaim, v, in, out, dead)
		add(stepCommit, v, in, out, dead)
		if dead {
			add(stepSkip, v, in, out, true)
		}
	case put:
		add(stepFull, 0, in, out, false)
	case what == callGet && dead:
		add(stepLost, 0, in, out, true)
	case what == callTake && dead && got == 0:
		add(stepDropped, 0, in, out, true)
		// killed behind its release: nothing comes again; before: a get of it does
		add(stepLost, 0, in, out, true)
	case what == callTake && got != 0:
		mid := int64(load(rec, recordMid))
		if dead { // killed as it read, or as it released
			add(stepTake, got-1, in, tickNow(), true)
			add(stepRelease, got-1, in, out, true)
			return ops
		}
		add(stepTake, got-1, in, mid, false)
		add(stepRelease, got-1, mid, out, false)
	case got != 0:
		add(stepGet, got-1, in, out, false)
	default:
		add(stepEmpty, 0, in, out, false)
	}
	return ops
}

func tickNow() int64 { return int64(tick()) }

func TestMPMCLinear(t *testing.T) {
	rounds := 600
	switch {
	case race.Enabled:
		rounds = 40
	case testing.Short():
		rounds = 100
	case os.Getenv("SHMKIT_KILLS") != "":
		rounds = max(6000, killstep.Budget(0))
	}
	path := filepath.Join(t.TempDir(), "log")
	log := openLog(path)
	defer log.Unmap()
	procs := make([]*proctest.Proc, linearClients)
	start := func(i int) { procs[i] = proctest.Start(t, "linear", path, fmt.Sprint(i)) }
	for i := range procs {
		start(i)
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	total, kills, lost := 0, 0, 0
	for round := range rounds {
		capacity := 1 + rng.IntN(6)
		r, err := ringbuf.NewMPMC[item](capacity)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := r.MarshalText()
		clear(log)
		for _, p := range procs {
			p.Send(string(text))
		}
		for _, p := range procs {
			p.Expect("ready")
		}
		begin := tick() + uint64(200*time.Microsecond)
		for _, p := range procs {
			p.Send(fmt.Sprint(begin))
		}
		victim := -1
		if round%8 == 0 {
			victim = rng.IntN(linearClients)
			time.Sleep(time.Duration(200+rng.IntN(150)) * time.Microsecond)
			procs[victim].Kill()
			start(victim)
			kills++
		}
		for i, p := range procs {
			if i != victim {
				p.Expect("done")
			}
		}
		for k := range perClient { // the rest, to the last
			rec := log[(linearClients*perClient+k)*recordSize:]
			if err := linearCall(r, rec, 7, 0); err != nil {
				t.Fatal(err)
			}
		}
		var history []porcupine.Operation
		for i := range (linearClients + 1) * perClient {
			rec := log[i*recordSize:]
			history = append(history, moves(rec, i/perClient, capacity)...)
			if load(rec, recordOp) != 0 {
				total++
				if load(rec, recordOut) == 0 {
					lost++
				}
			}
		}
		if res := porcupine.CheckOperationsTimeout(linearModel, history, 20*time.Second); res != porcupine.Ok {
			t.Errorf("round %d, capacity %d, victim %d: %v\n%s", round, capacity, victim, res, narrate(history))
			return
		}
		r.Close()
	}
	t.Logf("%d calls in %d rounds, %d kills, %d of them within a call", total, rounds, kills, lost)
	for _, p := range procs {
		p.Kill()
	}
}

func narrate(history []porcupine.Operation) string {
	var b strings.Builder
	slices.SortFunc(history, func(a, c porcupine.Operation) int { return int(a.Call - c.Call) })
	for _, op := range history {
		m := op.Input.(move)
		if m.step != stepEmpty {
			fmt.Fprintf(&b, "%d: [%d, %d] %+v\n", op.ClientId, op.Call%1e9, op.Return%1e9, m)
		}
	}
	return b.String()
}

// A producer that lives is taken for dead: its item is lost. The checker finds that, so its silence says something.
func TestMPMCLinearFindsAFault(t *testing.T) {
	for _, fault := range []bool{false, true} {
		r := newMPMC[item](t, 2)
		var history []porcupine.Operation
		note := func(s step, v uint16, from int64) {
			history = append(history, porcupine.Operation{Input: move{s, v, false, 2}, Call: from, Return: tickNow()})
		}
		from := tickNow()
		s, err := r.Reserve(within(t))
		if err != nil {
			t.Fatal(err)
		}
		*s.V = items.make(7)
		if fault {
			ringbuf.Bury(r, 1, nobodyAtAll)
		}
		get := func() {
			from := tickNow()
			if v, err := r.TryGet(); err == nil {
				note(stepGet, uint16(v[0]), from)
			} else {
				note(stepEmpty, 0, from)
			}
		}
		get()
		s.Commit()
		note(stepClaim, 7, from)
		note(stepCommit, 7, from)
		get()
		if ok := porcupine.CheckOperations(linearModel, history); ok == fault {
			t.Errorf("fault %v: legal %v", fault, ok)
		}
	}
}
