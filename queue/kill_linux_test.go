package queue_test

import (
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

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/queue"
)

// Messages are a number, and for those of the tail much behind it.
func message(n uint64, big bool) []byte {
	b := binary.NativeEndian.AppendUint64(nil, n)
	if big {
		b = append(b, make([]byte, 9000)...)
	}
	return b
}

func numberOf(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }

const nobody = 0x155_5555

type victimQueue = queue.JoinableQueue[[]byte]

// work takes one task and ends it.
func work(q *victimQueue, end func(queue.Task[[]byte]) error) error {
	x, err := q.TryGet()
	if err != nil {
		return err
	}
	return end(x)
}

var victimCalls = map[string]func(q *victimQueue) error{
	"put":     func(q *victimQueue) error { return q.TryPut(message(9, false)) },
	"put big": func(q *victimQueue) error { return q.Put(context.Background(), message(9, true)) },
	"done":    func(q *victimQueue) error { return work(q, queue.Task[[]byte].Done) },
	"fail": func(q *victimQueue) error {
		return work(q, func(x queue.Task[[]byte]) error { x.Fail(); return nil })
	},
	"sweep":    func(q *victimQueue) error { q.Sweep(); return nil },
	"shutdown": func(q *victimQueue) error { return q.Shutdown() },
	"unfinished": func(q *victimQueue) error {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := q.Join(ctx); err != nil && err != context.Canceled {
			return err
		}
		return nil
	},
}

var _ = proctest.Register("queue victim", func(args []string) int {
	var q victimQueue
	if err := q.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	call := victimCalls[args[1]]
	killstep.Begin()
	err := call(&q)
	killstep.End()
	if err != nil && err != queue.ErrEmpty { // frozen, while this process took all
		fmt.Println(err)
		return 1
	}
	return 0
})

// A drama is one call of a victim on a queue of tasks, and the world that it enters: tasks 1 and 2, of which the first is
// long, and may have been failed; or was in hand, or in the making, of a dead one.
type drama struct {
	op       string
	failed   bool // task 1 was returned
	dead     bool // a dead one has task 1, and is putting one
	attempts int
}

// share is how many of the usual kills a drama gets: some are long.
func (d drama) share() int {
	if d.attempts > 0 || d.op == "unfinished" {
		return 1
	}
	return 5
}

func (d drama) String() string {
	s := d.op
	if d.failed {
		s += " returned"
	}
	if d.dead {
		s += " dead"
	}
	if d.attempts > 0 {
		s += " spent"
	}
	return s
}

type stage struct {
	drama
	t      *testing.T
	q      *victimQueue
	grave  *queue.Queue[[]byte]
	before int64
	cells  int
}

func (s *stage) set() []string {
	s.strike()
	c := queue.JoinableConfig[[]byte]{Cap: 4, Inline: 32}
	if s.attempts > 0 {
		c.MaxAttempts, c.Dead = s.attempts, "kill.grave"
	}
	q, err := c.New()
	if err != nil {
		s.t.Fatal(err)
	}
	s.q = q
	if s.attempts > 0 {
		if s.grave, err = queue.Open[[]byte]("kill.grave"); err != nil {
			s.t.Fatal(err)
		}
	}
	s.before, s.cells = q.Used(), q.Stats().Free
	if err := errors.Join(q.TryPut(message(1, true)), q.TryPut(message(2, false))); err != nil {
		s.t.Fatal(err)
	}
	if s.failed || s.dead {
		x, err := q.TryGet()
		if err != nil {
			s.t.Fatal(err)
		}
		if s.failed {
			x.Fail()
		} else {
			q.Bury(nobody)
		}
	}
	text, err := q.MarshalText()
	if err != nil {
		s.t.Fatal(err)
	}
	return []string{string(text), s.op}
}

func (s *stage) strike() {
	if s.q == nil {
		return
	}
	s.q.Close()
	s.q = nil
	if s.grave != nil {
		s.grave.Unlink()
		s.grave.Close()
	}
}

// check is what a survivor finds: no task is lost but one that was done, none is there twice, and in the end all cells are free and
// no memory is taken.
func (s *stage) check(at killstep.Point) error {
	got, err := s.survive(at.Frozen)
	if err != nil {
		return fmt.Errorf("%w; got %v, %+v", err, got, s.q.Stats())
	}
	slices.Sort(got)
	want := []uint64{1, 2}
	if strings.HasPrefix(s.op, "put") {
		got = slices.DeleteFunc(got, func(n uint64) bool { return n == 9 && !at.Ended })
		if at.Ended {
			want = append(want, 9)
		}
	}
	if s.op == "done" || s.op == "fail" && at.Frozen {
		// One may be done, or in the hands of the frozen.
		if len(got) == 1 && (got[0] == 1 || got[0] == 2) && !(s.op == "done" && at.Steps == 0) {
			return nil
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("got %v, want %v; %+v", got, want, s.q.Stats())
	}
	return nil
}

func (s *stage) survive(frozen bool) (got []uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for clean := 0; clean < 2; {
		s.q.Sweep()
		x, err := s.q.TryGet()
		switch {
		case err == queue.ErrEmpty || err == io.EOF:
			clean++
			continue
		case err != nil:
			return got, err
		}
		clean = 0
		got = append(got, numberOf(x.Value))
		if err := x.Done(); err != nil {
			return got, err
		}
	}
	if s.grave != nil {
		last := uint64(0)
		for {
			b, err := s.grave.TryGet()
			if err != nil {
				break
			}
			if n := numberOf(b); n != last { // twice is allowed there
				got = append(got, n)
				last = n
			}
		}
	}
	if frozen {
		return got, nil
	}
	if s.op != "shutdown" {
		if err := s.q.Put(ctx, message(77, true)); err != nil {
			return got, err
		}
		x, err := s.q.Get(ctx)
		if err != nil || numberOf(x.Value) != 77 || x.Attempt != 1 {
			return got, fmt.Errorf("a task later: %v, %v", x.Attempt, err)
		}
		if err := x.Done(); err != nil {
			return got, err
		}
	}
	if err := s.q.Join(ctx); err != nil {
		return got, err
	}
	if st := s.q.Stats(); st.Free != s.cells || s.q.Used() != s.before {
		return got, fmt.Errorf("%d of %d cells are free, %d bytes of memory in use, and %d before", st.Free, s.cells, s.q.Used(), s.before)
	}
	return got, nil
}

func TestKillAtEachStep(t *testing.T) {
	for _, d := range []drama{
		{op: "put"}, {op: "put big"}, {op: "done"}, {op: "fail"}, {op: "shutdown"}, {op: "unfinished"},
		{op: "done", failed: true}, {op: "fail", failed: true}, {op: "sweep", dead: true}, {op: "done", dead: true},
		{op: "done", failed: true, attempts: 1},
	} {
		t.Run(d.String(), func(t *testing.T) {
			s := &stage{drama: d, t: t}
			defer s.strike()
			killstep.Run(t, killstep.Config{
				Victim: "queue victim", Prepare: s.set, Check: s.check, Points: killstep.Random(killstep.Budget(d.share()), 5),
			})
		})
	}
}

// Each change of the memory, and each system call.
func TestKillAtEachChange(t *testing.T) {
	if race.Enabled {
		t.Skip("the steps of a race build are other ones; the random kills sample them")
	}
	dramas := []drama{{op: "put"}, {op: "put big"}, {op: "done"}, {op: "fail"}, {op: "sweep", dead: true}}
	if os.Getenv("SHMKIT_KILLS") != "" {
		dramas = append(dramas, drama{op: "fail", failed: true}, drama{op: "done", failed: true, attempts: 1})
	}
	for _, d := range dramas {
		t.Run(d.String(), func(t *testing.T) {
			s := &stage{drama: d, t: t}
			defer s.strike()
			killstep.Run(t, killstep.Config{
				Victim: "queue victim", Prepare: s.set, Check: s.check, Points: killstep.Distinct,
				Watch: func() []byte { return s.q.Payload() },
			})
		})
	}
}

// One that stands still has what it has: nobody takes that, and nobody is held up by it but for its own task.
func TestFreeze(t *testing.T) {
	for _, d := range []drama{{op: "done"}, {op: "fail"}, {op: "done", failed: true}} {
		t.Run(d.String(), func(t *testing.T) {
			s := &stage{drama: d, t: t}
			defer s.strike()
			after := func(killstep.Point) error {
				s.q.Sweep()
				for {
					x, err := s.q.TryGet()
					if err != nil {
						break
					}
					if err := x.Done(); err != nil {
						return err
					}
				}
				if n := s.q.Unfinished(); n != 0 {
					return fmt.Errorf("%d unfinished", n)
				}
				return nil
			}
			killstep.Run(t, killstep.Config{
				Victim: "queue victim", Action: killstep.Freeze, Prepare: s.set, Check: s.check, After: after, Points: killstep.Random(killstep.Budget(4), 6),
			})
		})
	}
}
