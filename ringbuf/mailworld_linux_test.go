package ringbuf_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// A post is a message of the storm: who sent it, its number, and bytes that follow from both.
func post(buf []byte, me, n uint64) []byte {
	sizes := []int{16, 100, 150, 300, 700, 1500, 4000, 4096}
	b := buf[:sizes[(n*7+n/11)%uint64(len(sizes))]]
	fillLetter(b, me<<32|n)
	binary.NativeEndian.PutUint64(b, me)
	binary.NativeEndian.PutUint64(b[8:], n)
	return b
}

func readPost(b, scratch []byte) (me, n uint64, err error) {
	if len(b) < 16 {
		return 0, 0, fmt.Errorf("torn: %d bytes", len(b))
	}
	me, n = binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:])
	if me > 1 || n > tallyItems || string(post(scratch, me, n)) != string(b) {
		return 0, 0, fmt.Errorf("torn: %d bytes of %d's message %d", len(b), me, n)
	}
	return me, n, nil
}

var _ = proctest.Register("mail member", func(args []string) int {
	var r ringbuf.MPMC[[]byte]
	if err := r.UnmarshalText([]byte(args[0])); err != nil {
		fmt.Println(err)
		return 1
	}
	tally := openTally(args[1], 2)
	var me, upTo uint64
	fmt.Sscan(args[3], &me)
	fmt.Sscan(args[4], &upTo)
	var err error
	if args[2] == "put" {
		err = mailPut(&r, rowOf(tally, int(me)), me, upTo)
	} else {
		err = mailGet(&r, tally, args[2])
	}
	fmt.Fprintln(os.Stderr, err)
	if err != nil {
		return 1
	}
	return 0
})

// mailPut goes on behind the last put that its predecessor may have made.
func mailPut(r *ringbuf.MPMC[[]byte], row []byte, me, upTo uint64) error {
	ctx := context.Background()
	buf := make([]byte, 4096)
	for n := load(row, 0); n < upTo; n++ {
		store(row, 0, n+1)
		b := post(buf, me, n)
		if n%7 != 0 {
			if err := r.Put(ctx, b); err != nil {
				return err
			}
			continue
		}
		if n%3 == 0 {
			s, err := ringbuf.ReserveSlot(ctx, r, 3000)
			if err != nil {
				return err
			}
			s.Abort()
		}
		s, err := ringbuf.ReserveSlot(ctx, r, len(b))
		if err != nil {
			return err
		}
		copy(s.B, b)
		s.Commit()
	}
	return nil
}

func mailGet(r *ringbuf.MPMC[[]byte], tally []byte, how string) error {
	ctx := context.Background()
	var last [2]uint64
	buf, scratch := make([]byte, 4096), make([]byte, 4096)
	note := func(b []byte, mayRepeat bool) error {
		me, n, err := readPost(b, scratch)
		if err != nil {
			return err
		}
		if n+1 <= last[me] && !mayRepeat {
			return fmt.Errorf("producer %d: %d behind %d", me, n, last[me]-1)
		}
		last[me] = max(last[me], n+1)
		rowOf(tally, int(me))[8+n]++
		return nil
	}
	batch := [][]byte{make([]byte, 4096), make([]byte, 4096), make([]byte, 4096)}
	for n := 0; ; n++ {
		var err error
		switch {
		case how == "take":
			var x ringbuf.BytesTaken
			if x, err = ringbuf.TakeBytes(ctx, r); err == nil {
				err = note(x.B, x.Redelivered())
				x.Release()
			}
		case n%3 == 0:
			var k int
			k, err = r.GetBatch(ctx, batch)
			for _, b := range batch[:k] {
				if err == nil {
					err = note(b, true)
				}
			}
		default:
			if buf, err = ringbuf.GetBytes(ctx, r, buf); err == nil {
				err = note(buf, true)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Two processes put messages of all sizes and two take: each comes once, whole, and all are told the end.
func TestMailProcesses(t *testing.T) {
	for _, capacity := range []int{4096, 16 << 10, 256 << 10} {
		r := newMail(t, capacity, 4096)
		each := 10_000
		if race.Enabled || testing.Short() || capacity < 16<<10 {
			each = 1500
		}
		path := filepath.Join(t.TempDir(), "tally")
		tally := openTally(path, 2)
		defer tally.Unmap()
		text, _ := r.MarshalText()
		member := func(how string, me int) *proctest.Proc {
			return proctest.Start(t, "mail member", string(text), path, how, fmt.Sprint(me), fmt.Sprint(each))
		}
		gets := []*proctest.Proc{member("get", 0), member("take", 0)}
		puts := []*proctest.Proc{member("put", 0), member("put", 1)}
		for _, p := range puts {
			if code := p.Wait(); code != 0 {
				t.Fatalf("a producer: exit code %d", code)
			}
		}
		r.Shutdown()
		for _, p := range gets {
			if code := p.Wait(); code != 0 {
				t.Fatalf("a consumer: exit code %d", code)
			}
		}
		for p := range 2 {
			for n, times := range rowOf(tally, p)[8:][:each] {
				if times != 1 {
					t.Fatalf("capacity %d: message %d of producer %d came %d times", capacity, n, p, times)
				}
			}
		}
		aborted := uint64(2 * ((each + 20) / 21))
		if s := r.Stats(); s.Put != uint64(2*each) || s.Got != s.Put || s.Skipped != aborted || s.Redelivered != 0 || ringbuf.BlocksInUse(r) != 0 {
			t.Errorf("%+v; %d blocks in use", s, ringbuf.BlocksInUse(r))
		}
	}
}

// Producers and consumers are killed at random and started again. Nothing that was put is missing but what a killed
// consumer had just taken, nothing comes twice but what was in place with a dead one; and every block comes back.
func TestMailStorm(t *testing.T) { inRounds(t, killstep.Budget(60), stormOfMail) }

func stormOfMail(t *testing.T, most int) (made int) {
	r := newMail(t, 16<<10, 4096)
	path := filepath.Join(t.TempDir(), "tally")
	tally := openTally(path, 2)
	defer tally.Unmap()
	text, _ := r.MarshalText()
	roles := [][2]string{{"put", "0"}, {"put", "1"}, {"get", "0"}, {"take", "0"}}
	start := func(i int) *proctest.Proc {
		return proctest.Start(t, "mail member", string(text), path, roles[i][0], roles[i][1], fmt.Sprint(tallyItems))
	}
	procs := make([]*proctest.Proc, len(roles))
	for i := range procs {
		procs[i] = start(i)
	}
	kills, rng := [4]int{}, rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	room := func() bool {
		return load(rowOf(tally, 0), 0) < tallyItems*3/4 && load(rowOf(tally, 1), 0) < tallyItems*3/4
	}
	for range most {
		if !room() {
			break
		}
		got := r.Stats().Got
		i := rng.IntN(4)
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Microsecond)
		procs[i].Kill()
		kills[i]++
		made++
		for begin := time.Now(); room() && r.Stats().Got < got+20; time.Sleep(200 * time.Microsecond) {
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("after %v kills nothing flows: %+v; %d blocks in use", kills, r.Stats(), ringbuf.BlocksInUse(r))
			}
		}
		procs[i] = start(i)
	}
	for i := range procs {
		procs[i].Kill()
		kills[i]++
	}
	missing, twice := 0, 0
	scratch := make([]byte, 4096)
	for b, err := r.TryGet(); err != ringbuf.ErrEmpty; b, err = r.TryGet() {
		me, n, torn := readPost(b, scratch)
		if err != nil || torn != nil {
			t.Fatal(err, torn)
		}
		rowOf(tally, int(me))[8+n]++
	}
	s := r.Stats()
	for p := range 2 {
		row := rowOf(tally, p)
		for _, times := range row[8:][:load(row, 0)] {
			if times == 0 {
				missing++
			} else {
				twice += int(times) - 1
			}
		}
	}
	if most := kills[0] + kills[1] + 3*kills[2] + kills[3]; missing > most {
		t.Errorf("%d missing, at most %d of the killed's: %+v", missing, most, s)
	}
	if twice > int(s.Redelivered) || int(s.Redelivered) > kills[3]+kills[2] {
		t.Errorf("%d came twice after %v kills: %+v", twice, kills, s)
	}
	for i := range 4 { // all of the largest
		if err := r.TryPut(scratch); err != nil {
			t.Errorf("block %d: %v", i, err)
		}
	}
	if err := r.TryPut(make([]byte, 200)); err != nil { // and of others
		t.Error(err)
	}
	t.Logf("%v kills; %d missing, %d twice; %+v", kills, missing, twice, s)
	return made
}

// A member that stands still, between any two instructions, is robbed of nothing, not of its block either, while
// the others go on for as many laps as they can; then it goes on.
func TestMailFrozenAnywhere(t *testing.T) {
	for _, op := range []string{"tryput", "reserve", "tryget", "take"} {
		t.Run(op, func(t *testing.T) { freezeMail(t, op) })
	}
}

func freezeMail(t *testing.T, op string) {
	var r *ringbuf.MPMC[[]byte]
	var got map[uint64]int
	next := uint64(0)
	take := func() error {
		b, err := r.TryGet()
		if err != nil {
			return err
		}
		n, err := mailNumber(b)
		if err == nil {
			got[n]++
		}
		return err
	}
	points := []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(8), uint64(time.Now().UnixNano()))}
	for _, p := range points {
		killstep.Run(t, killstep.Config{
			Victim: "one of the mail", Points: p, Action: killstep.Freeze, Sample: 4,
			Watch: func() []byte { return ringbuf.SlotsAndWords(r) },
			Prepare: func() []string {
				if r != nil {
					r.Close()
				}
				r, got, next = newMail(t, mailCap, mailLimit), map[uint64]int{}, 2
				r.TryPut(mailMake(0))
				text, _ := r.MarshalText()
				return []string{string(text), op, "1000", "0", "0"}
			},
			Check: func(killstep.Point) error {
				for range 40 {
					if err := r.TryPut(mailMake(next)); err == nil {
						next++
					} else if err != ringbuf.ErrFull {
						return err
					}
					if err := take(); err != nil && err != ringbuf.ErrEmpty {
						return err
					}
				}
				if s := r.Stats(); s.Skipped+s.Redelivered != 0 {
					return fmt.Errorf("a living one was robbed: %+v", s)
				}
				return nil
			},
			After: func(at killstep.Point) error {
				for {
					if err := take(); err == ringbuf.ErrEmpty {
						break
					} else if err != nil {
						return err
					}
				}
				missing := 0
				for n := range next {
					switch {
					case n == 1:
					case got[n] == 0:
						missing++
					case got[n] > 1:
						return fmt.Errorf("message %d came %d times", n, got[n])
					}
				}
				s := r.Stats()
				if missing > 1 || got[1000] > 1 || s.Skipped+s.Redelivered != 0 || s.Put != s.Got || ringbuf.BlocksInUse(r) != 0 {
					return fmt.Errorf("%d missing, its own %d times; %d blocks in use: %+v", missing, got[1000], ringbuf.BlocksInUse(r), s)
				}
				return nil
			},
		})
	}
	r.Close()
}
