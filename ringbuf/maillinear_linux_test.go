package ringbuf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// What is checked of messages is what is checked of items, by the same model (see linear_linux_test.go): it is the slots' order.
// That a put of a long message is refused for want of a block says nothing of slots, and is not written down; a
// get of one takes it in place, and releases it in a moment of its own.

const mailBegun = 1 << 7 // in a record's call: of a message that needs a block

// mailSizeOf is the size of message v: half of them need a block.
func mailSizeOf(v uint64) int {
	if v%2 == 0 {
		return 113 + int(v%188)
	}
	return 8 + int(v%105)
}

var _ = proctest.Register("linear mail", func(args []string) int {
	var me int
	fmt.Sscan(args[1], &me)
	log := openLog(args[0])
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), tick()))
	for {
		r := new(ringbuf.MPMC[[]byte])
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
			if err := linearMail(r, log[(me*perClient+k)*recordSize:], rng.IntN(8), v); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		r.Close()
		proctest.Say("done")
	}
})

// linearMail makes one call and writes it down.
func linearMail(r *ringbuf.MPMC[[]byte], rec []byte, dice int, v uint64) (err error) {
	what := []uint64{callPut, callPut, callPut, callReserve, callGet, callGet, callTake, callGet}[dice]
	call := what
	if (what == callPut || what == callReserve) && mailSizeOf(v) > 112 {
		call |= mailBegun
	}
	store(rec, recordIn, tick())
	store(rec, recordOp, 1+call+v<<8)
	var got []byte
	switch what {
	case callPut:
		err = r.TryPut(letterOf(v))
	case callReserve:
		var s ringbuf.BytesSlot
		if s, err = ringbuf.ReserveSlot(ended(), r, mailSizeOf(v)); err == nil {
			copy(s.B, letterOf(v))
			s.Commit()
		}
	case callGet:
		got, err = r.TryGet()
	case callTake:
		var x ringbuf.BytesTaken
		if x, err = ringbuf.TakeBytes(ended(), r); err == nil {
			got = append(got, x.B...)
			n := load(got, 0)
			store(rec, recordGot, 1+n)
			store(rec, recordMid, tick())
			x.Release()
		}
	}
	ok := err == nil
	if err == ringbuf.ErrFull || err == ringbuf.ErrEmpty || err == context.Canceled {
		err = nil
	}
	if err != nil {
		return err
	}
	if what == callGet || what == callTake {
		if v = 0; ok {
			if v = load(got, 0); string(got) != string(letterOf(v)) {
				return fmt.Errorf("torn: %d bytes of message %d", len(got), v)
			}
		}
	}
	if ok {
		store(rec, recordGot, 1+v)
	}
	store(rec, recordOut, tick())
	return nil
}

func letterOf(v uint64) []byte {
	b := letter(v, mailSizeOf(v))
	store(b, 0, v)
	return b
}

// mailMoves are the moments of a call that a record tells of.
func mailMoves(rec []byte, client, capacity int) (ops []porcupine.Operation) {
	op, in, out, got := load(rec, recordOp), int64(load(rec, recordIn)), int64(load(rec, recordOut)), load(rec, recordGot)
	if op == 0 {
		return nil
	}
	call, dead := (op-1)&0xff, out == 0
	long := call&mailBegun != 0
	what := call &^ mailBegun
	add := func(s step, v uint64, dead bool) {
		if dead {
			out = eternity
		}
		ops = append(ops, porcupine.Operation{ClientId: client, Input: move{s, uint16(v), dead, capacity}, Call: in, Return: out})
	}
	switch {
	case long && !dead && got == 0: // no block, perhaps
		return nil
	case what == callGet && dead: // killed as it copied, or not
		add(stepLost, 0, true)
		add(stepDropped, 0, true)
		return ops
	case what == callGet && got != 0 && mailSizeOf(got-1) > 112:
		add(stepTake, got-1, false)
		add(stepRelease, got-1, false)
		return ops
	}
	if long {
		rec = append([]byte(nil), rec[:recordSize]...)
		store(rec, recordOp, op-mailBegun)
	}
	return moves(rec, client, capacity)
}

func TestMailLinear(t *testing.T) {
	rounds := 300
	switch {
	case race.Enabled:
		rounds = 30
	case testing.Short():
		rounds = 60
	case os.Getenv("SHMKIT_KILLS") != "":
		rounds = max(6000, killstep.Budget(0))
	}
	path := filepath.Join(t.TempDir(), "log")
	log := openLog(path)
	defer log.Unmap()
	procs := make([]*proctest.Proc, linearClients)
	start := func(i int) { procs[i] = proctest.Start(t, "linear mail", path, fmt.Sprint(i)) }
	for i := range procs {
		start(i)
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	total, kills := 0, 0
	for round := range rounds {
		r, err := ringbuf.MPMCConfig[[]byte]{Cap: mailLimit * (1 + rng.IntN(2)), MaxMessage: mailLimit}.New()
		if err != nil {
			t.Fatal(err)
		}
		slots := ringbuf.SlotsOf(r)
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
			if err := linearMail(r, log[(linearClients*perClient+k)*recordSize:], 7, 0); err != nil {
				t.Fatal(err)
			}
		}
		var history []porcupine.Operation
		for i := range (linearClients + 1) * perClient {
			rec := log[i*recordSize:]
			history = append(history, mailMoves(rec, i/perClient, slots)...)
			if load(rec, recordOp) != 0 {
				total++
			}
		}
		if res := porcupine.CheckOperationsTimeout(linearModel, history, 20*time.Second); res != porcupine.Ok {
			t.Errorf("round %d, %d slots, victim %d: %v\n%s", round, slots, victim, res, narrate(history))
			return
		}
		r.Close()
	}
	t.Logf("%d calls in %d rounds, %d kills", total, rounds, kills)
	for _, p := range procs {
		p.Kill()
	}
}
