package ringbuf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// dead is an id that no process has.
const dead = 0x1abcde1

// name writes an end's word: who has it.
func name(ctl []byte, at int, id uint32) { binary.NativeEndian.PutUint32(ctl[at:], id<<3) }

// claimant claims an end that nobody has, or that a dead process has, and closes it again if it is told to.
var _ = proctest.Register("claimant", func(args []string) int {
	var r ringbuf.SPSC[item]
	err := r.UnmarshalText([]byte(args[0]))
	if err != nil {
		return 1
	}
	var end interface{ Close() error }
	killstep.Begin()
	if args[1] == "producer" {
		end, err = r.Producer()
	} else {
		end, err = r.Consumer()
	}
	if err == nil && args[2] == "and closes" {
		err = end.Close()
	}
	killstep.End()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// Who takes over may be killed while it does, and the third one goes on as the second one would have. What
// the first consumer had taken and not handed back is room again.
func TestKillDuringTakeover(t *testing.T) {
	every, turn := 3, int(time.Now().UnixNano()>>10) // a usual run does a third of them, by turns
	if all() {
		every = 1
	}
	for _, end := range []string{"producer", "consumer"} {
		for _, holder := range []string{"nobody", "dead"} {
			for _, then := range []string{"and stays", "and closes"} {
				if turn++; turn%every == 0 {
					t.Run(end+"/"+holder+"/"+then, func(t *testing.T) { takeOver(t, end, holder, then) })
				}
			}
		}
	}
}

// takeOverPoints are all states, or with the detector, which makes the way long, some instructions.
func takeOverPoints() killstep.Points {
	if race.Enabled {
		return killstep.Random(2, uint64(time.Now().UnixNano()))
	}
	return killstep.Distinct
}

func takeOver(t *testing.T, end, holder, then string) {
	st := &stage[item]{f: items, s: scene{op: "put", warm: 7, taken: 2}}
	if end == "consumer" {
		st.s.op = "get"
	}
	defer st.strike(t)
	killstep.Run(t, killstep.Config{
		Victim: "claimant", Points: takeOverPoints(), Sample: 5,
		Watch: func() []byte { return ringbuf.Payload(st.r) },
		Prepare: func() []string {
			args := st.set(t)
			ctl := ringbuf.Payload(st.r)
			if at := map[string]int{"producer": atProducer, "consumer": atConsumer}[end]; holder == "dead" {
				name(ctl, at, dead)
			}
			store(ctl, atLimit, load(ctl, atLimit)-2) // as if the two had not been handed back
			return []string{args[0], end, then}
		},
		Check: func(at killstep.Point) (err error) {
			if end == "producer" {
				st.p, err = within100ms(st.r.Producer)
			} else {
				st.c, err = within100ms(st.r.Consumer)
			}
			if err != nil {
				return err
			}
			next, err := items.fill(st.p, 7)
			if err != nil || next != 2+16 {
				return fmt.Errorf("filled it up to %d: %w", next, err)
			}
			got, err := items.drain(st.c, next)
			if err != nil || !slices.Equal(got, count(18)[2:]) {
				return fmt.Errorf("got %d: %w", got, err)
			}
			return nil
		},
	})
}

// A live process, stopped wherever it may be, keeps its end; nothing of its item is seen before it is
// whole; and when it goes on its call ends well.
func TestFrozenAnywhere(t *testing.T) {
	for _, s := range []scene{
		{op: "put", warm: 2, pre: 1}, {op: "reserve", warm: 2}, {op: "put", asleep: true},
		{op: "get", warm: 4, pre: 1}, {op: "next", warm: 5}, {op: "get", warm: items.fits, asleep: true},
	} {
		t.Run("items/"+s.String(), func(t *testing.T) { freeze(t, items, s) })
	}
	for _, s := range []scene{{op: "put", warm: 4, taken: 3}, {op: "get", warm: 4}} {
		t.Run("messages/"+s.String(), func(t *testing.T) { freeze(t, messages, s) })
	}
}

func freeze[T any](t *testing.T, f form[T], s scene) {
	st := &stage[T]{f: f, s: s}
	defer st.strike(t)
	var before []uint64
	claim := func() (err error) {
		if s.produces() {
			_, err = st.r.Producer()
		} else {
			_, err = st.r.Consumer()
		}
		return err
	}
	killstep.Run(t, killstep.Config{
		Victim: f.end, Action: killstep.Freeze, Points: killstep.Random(killstep.Budget(8), 3),
		Prepare: func() []string { return st.set(t) },
		Check: func(at killstep.Point) error {
			before = nil
			if !at.Frozen {
				return nil
			}
			for range 3 {
				if err := claim(); !errors.Is(err, ringbuf.ErrClaimed) {
					return fmt.Errorf("claim of a stopped process's end: %v", err)
				}
				time.Sleep(2 * time.Millisecond)
			}
			if !s.produces() || s.asleep {
				return nil
			}
			var err error
			before, err = f.drain(st.c, marker)
			return err
		},
		After: func(at killstep.Point) error {
			// The victim has ended, its end is free: the survivor sees what the whole call has done.
			at.Ended = true
			if err := st.check(at); len(before) == 0 || err == nil {
				return err
			}
			if all := append(before, st.got...); !slices.Equal(all, count(s.warm+s.pre+s.parts(f.name)[len(s.parts(f.name))-1], marker)[s.taken:]) {
				return fmt.Errorf("got %v while it stood, %v after", before, st.got)
			}
			return nil
		},
	})
}

// The same with SIGSTOP, and a holder that is killed while it is stopped.
func TestStopped(t *testing.T) {
	x := newPair[item](t, 8)
	x.p.Close()
	text, err := x.r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	p := proctest.Start(t, "holder", string(text))
	p.Expect("holds")
	p.Stop()
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := x.r.Producer(); !errors.Is(err, ringbuf.ErrClaimed) {
			t.Fatalf("the end of a stopped process: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := x.c.Get(ctx); err != context.DeadlineExceeded {
		t.Errorf("Get: %v", err)
	}
	p.Cont()
	p.Send("put")
	p.Expect("put")
	if n, err := items.get(within(t), x.c); n != 0 || err != nil {
		t.Error(n, err)
	}
	p.Stop()
	p.Zombie() // dead, not reaped: the end is free all the same
	if _, err := within100ms(x.r.Producer); err != nil {
		t.Error(err)
	}
}

// holder claims the producer's end and puts an item whenever it is told to.
var _ = proctest.Register("holder", func(args []string) int {
	var r ringbuf.SPSC[item]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	p, err := r.Producer()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	proctest.Say("holds")
	for n := uint64(0); proctest.Hear() == "put"; n++ {
		if err := p.Put(context.Background(), items.make(n)); err != nil {
			fmt.Println(err)
			return 1
		}
		proctest.Say("put")
	}
	return 0
})
