package ringbuf_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edsrzf/mmap-go"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/ringbuf"
)

// A tally is a file that all map: for each producer how many puts have returned and then how often each of its
// items was got.
const tallyItems = 1 << 20

func openTally(path string, producers int) mmap.MMap {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(producers * (8 + tallyItems))); err != nil {
		panic(err)
	}
	m, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		panic(err)
	}
	return m
}

func rowOf(tally []byte, p int) []byte { return tally[p*(8+tallyItems):][:8+tallyItems] }

var _ = proctest.Register("crowd member", func(args []string) int {
	var r ringbuf.MPMC[[2]uint64]
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
		err = memberPut(&r, rowOf(tally, int(me)), me, upTo)
	} else {
		err = memberGet(&r, tally, args[2])
	}
	fmt.Fprintln(os.Stderr, err)
	if err != nil {
		return 1
	}
	return 0
})

// memberPut goes on behind the last put that its predecessor may have made.
func memberPut(r *ringbuf.MPMC[[2]uint64], row []byte, me, upTo uint64) error {
	ctx := context.Background()
	for n := load(row, 0); n < upTo; n++ {
		store(row, 0, n+1)
		if n%7 == 0 {
			s, err := r.Reserve(ctx)
			if err != nil {
				return err
			}
			*s.V = [2]uint64{me, n}
			s.Commit()
		} else if err := r.Put(ctx, [2]uint64{me, n}); err != nil {
			return err
		}
	}
	return nil
}

func memberGet(r *ringbuf.MPMC[[2]uint64], tally []byte, how string) error {
	ctx := context.Background()
	var last [2]uint64
	late := uint64(0) // what a Get, which does not say so, has taken over from the dead
	note := func(v [2]uint64, again bool) error {
		if v[1]+1 <= last[v[0]] && !again {
			if late++; late > r.Stats().Redelivered {
				return fmt.Errorf("producer %d: %d behind %d", v[0], v[1], last[v[0]]-1)
			}
		}
		last[v[0]] = max(last[v[0]], v[1]+1)
		rowOf(tally, int(v[0]))[8+v[1]]++
		return nil
	}
	batch := make([][2]uint64, 5)
	for n := 0; ; n++ {
		k, err := 1, error(nil)
		switch {
		case how == "take":
			var x ringbuf.Taken[[2]uint64]
			if x, err = r.Take(ctx); err == nil {
				err = note(*x.V, x.Redelivered())
				x.Release()
				k = 0
			}
		case n%3 == 0:
			k, err = r.GetBatch(ctx, batch)
		default:
			batch[0], err = r.Get(ctx)
		}
		if err == io.EOF {
			return nil
		}
		for _, v := range batch[:k] {
			if err == nil {
				err = note(v, false)
			}
		}
		if err != nil {
			return err
		}
	}
}

// Two processes put and two take: each item comes once, each producer's in its order, and both are told the end.
func TestMPMCProcesses(t *testing.T) {
	for _, capacity := range []int{1, 2, 64} {
		r := newMPMC[[2]uint64](t, capacity)
		each := 20_000
		if race.Enabled || testing.Short() || capacity < 64 {
			each = 2000
		}
		path := filepath.Join(t.TempDir(), "tally")
		tally := openTally(path, 2)
		defer tally.Unmap()
		text, _ := r.MarshalText()
		member := func(how string, me int) *proctest.Proc {
			return proctest.Start(t, "crowd member", string(text), path, how, fmt.Sprint(me), fmt.Sprint(each))
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
					t.Fatalf("capacity %d: item %d of producer %d came %d times", capacity, n, p, times)
				}
			}
		}
		if s := r.Stats(); s.Put != uint64(2*each) || s.Got != s.Put || s.Skipped+s.Redelivered != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// Producers and consumers are killed at random and started again. Nothing that was put is missing but what a killed
// consumer had just taken, a killed producer's one put under way is there or not, and nothing comes twice but what
// was in place with a dead one.
func TestMPMCStorm(t *testing.T) { inRounds(t, killstep.Budget(60), stormOfMany) }

func stormOfMany(t *testing.T, most int) (made int) {
	r := newMPMC[[2]uint64](t, 16)
	path := filepath.Join(t.TempDir(), "tally")
	tally := openTally(path, 2)
	defer tally.Unmap()
	text, _ := r.MarshalText()
	roles := [][2]string{{"put", "0"}, {"put", "1"}, {"get", "0"}, {"take", "0"}}
	upTo := fmt.Sprint(tallyItems)
	start := func(i int) *proctest.Proc {
		return proctest.Start(t, "crowd member", string(text), path, roles[i][0], roles[i][1], upTo)
	}
	procs := make([]*proctest.Proc, len(roles))
	for i := range procs {
		procs[i] = start(i)
	}
	kills, rng := [4]int{}, rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	room := func() bool { return load(rowOf(tally, 0), 0) < tallyItems/2 && load(rowOf(tally, 1), 0) < tallyItems/2 }
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
				t.Fatalf("after %v kills nothing flows: %+v", kills, r.Stats())
			}
		}
		procs[i] = start(i)
	}
	for i := range 2 {
		procs[i].Kill()
		kills[i]++
	}
	r.Shutdown()
	for i := 2; i < 4; i++ {
		if code := procs[i].Wait(); code != 0 {
			t.Errorf("a consumer: exit code %d", code)
		}
	}
	missing, twice, s := 0, 0, r.Stats()
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
	if most := kills[0] + kills[1] + 5*kills[2] + kills[3]; missing > most {
		t.Errorf("%d missing, at most %d of the killed's: %+v", missing, most, s)
	}
	if twice > int(s.Redelivered) || int(s.Redelivered) > kills[3]+kills[2] || int(s.Skipped) > kills[0]+kills[1] {
		t.Errorf("%d came twice after %v kills: %+v", twice, kills, s)
	}
	t.Logf("%v kills; %d missing, %d twice; %+v", kills, missing, twice, s)
	return made
}

// A member that stands still, between any two instructions, holds up what is behind it and is robbed of nothing, while
// the others go on for as many laps as they can; then it goes on.
func TestMPMCFrozenAnywhere(t *testing.T) {
	for _, op := range []string{"tryput", "reserve", "tryget", "take"} {
		t.Run(op, func(t *testing.T) { freezeCrowd(t, op) })
	}
}

func freezeCrowd(t *testing.T, op string) {
	var r *ringbuf.MPMC[item]
	var got map[uint64]int
	next := uint64(0)
	take := func() error {
		n, err := items.number2(r.TryGet())
		if err == nil {
			got[n]++
		}
		return err
	}
	points := []killstep.Points{killstep.Distinct, killstep.Random(killstep.Budget(10), uint64(time.Now().UnixNano()))}
	for _, p := range points {
		killstep.Run(t, killstep.Config{
			Victim: "one of many", Points: p, Action: killstep.Freeze, Sample: 4,
			Watch: func() []byte { return ringbuf.PayloadMPMC(r) },
			Prepare: func() []string {
				if r != nil {
					r.Close()
				}
				r, got, next = newMPMC[item](t, 2), map[uint64]int{}, 1
				r.TryPut(items.make(0))
				text, _ := r.MarshalText()
				return []string{string(text), op, "1000", "0", "0"}
			},
			Check: func(killstep.Point) error {
				for range 100 {
					if r.TryPut(items.make(next)) == nil {
						next++
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
				for take() == nil {
				}
				missing, own := 0, 0
				for n := range next {
					switch got[n] {
					case 0:
						missing++
					case 1:
					default:
						return fmt.Errorf("item %d came %d times", n, got[n])
					}
				}
				own = got[1000]
				s := r.Stats()
				// What the victim put is there, what it took is missing; or it found the ring full, or empty, as it was.
				if missing > 1 || own > 1 || s.Skipped+s.Redelivered != 0 || s.Put != s.Got {
					return fmt.Errorf("%d missing, its own %d times: %+v", missing, own, s)
				}
				return nil
			},
		})
	}
	r.Close()
}
