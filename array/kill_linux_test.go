package array_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
)

// short is the slice of all processes of a test that kills: a death is noticed one slice later.
const short = 5 * time.Millisecond

func aslice(t testing.TB) {
	old := park.Slice()
	park.SetSlice(short)
	t.Cleanup(func() { park.SetSlice(old) })
}

// A pair of arrays of three stripes: of cells, and of elements that are none.
type apair struct {
	n *array.Array[int32]  // 32 to a stripe
	w *array.Array[triple] // 16 to a stripe
}

const (
	cells   = 96
	triples = 48
)

func newPair(t testing.TB) apair {
	return apair{amake(t, array.Config[int32]{Len: cells, Stripes: 3}), amake(t, array.Config[triple]{Len: triples, Stripes: 3})}
}

func (p apair) texts(t testing.TB) []string { return []string{atext(t, p.n), atext(t, p.w)} }

func enterPair(args []string) apair {
	park.SetSlice(short)
	p := apair{new(array.Array[int32]), new(array.Array[triple])}
	if p.n.UnmarshalText([]byte(args[0])) != nil || p.w.UnmarshalText([]byte(args[1])) != nil {
		panic("no arrays")
	}
	return p
}

// adeeds are what a victim does to arrays of ones: some of the elements, from … to, are 2 afterwards.
var adeeds = map[string]struct {
	from, to int
	do       func(p apair)
}{
	"store": {5, 6, func(p apair) { p.n.Store(5, 2); p.w.Store(5, thrice(2)) }},
	"add":   {5, 6, func(p apair) { array.Add(p.n, 5, 1); p.w.Store(5, thrice(2)) }},
	"update": {5, 6, func(p apair) {
		p.n.Update(5, func(x *int32) { *x = 2 })
		p.w.Update(5, func(x *triple) { *x = thrice(2) })
	}},
	"write":        {3, 9, func(p apair) { p.n.WriteAt(twos(6), 3); p.w.WriteAt(twosW(6), 3) }},
	"write across": {14, 34, func(p apair) { p.n.WriteAt(twos(20), 14); p.w.WriteAt(twosW(20), 14) }},
	"lock":         {0, 0, func(p apair) { p.n.Lock(); p.n.Unlock(); p.w.Lock(); p.w.Unlock() }},
}

func twos(n int) []int32   { return slices.Repeat([]int32{2}, n) }
func twosW(n int) []triple { return slices.Repeat([]triple{thrice(2)}, n) }

var _ = proctest.Register("array victim", func(args []string) int {
	p := enterPair(args)
	killstep.Begin()
	adeeds[args[2]].do(p)
	killstep.End()
	return 0
})

// Killed at any instruction all of a range is old or all is new, in whichever stripe one looks first, and the next one goes on.
func TestKill(t *testing.T) {
	aslice(t)
	for deed, d := range adeeds {
		t.Run(deed, func(t *testing.T) {
			p := newPair(t)
			turn := 0
			killstep.Run(t, killstep.Config{
				Victim: "array victim",
				Points: apoints(40),
				Args:   append(p.texts(t), deed),
				Prepare: func() []string {
					p.n.WriteAt(slices.Repeat([]int32{1}, cells), 0)
					p.w.WriteAt(slices.Repeat([]triple{thrice(1)}, triples), 0)
					return nil
				},
				Check: func(at killstep.Point) error {
					turn++
					return p.check(d.from, d.to, turn)
				},
			})
		})
	}
}

// check touches one stripe or another first.
func (p apair) check(from, to, turn int) error {
	first := turn % 3
	for i := range 3 {
		s := (first + i) % 3
		p.w.Update(16*s+15, func(*triple) {})
		p.n.Update(32*s+31, func(*int32) {})
	}
	n, w := make([]int32, cells), make([]triple, triples)
	if _, err := p.n.ReadAt(n, 0); err != nil {
		return err
	}
	if _, err := p.w.ReadAt(w, 0); err != nil {
		return err
	}
	if err := uniform(n, from, to, 1, 2); err != nil {
		return fmt.Errorf("cells: %w", err)
	}
	if err := uniform(w, from, to, thrice(1), thrice(2)); err != nil {
		return fmt.Errorf("triples: %w", err)
	}
	for i := range n { // what follows is not overwritten by what the dead had in mind
		p.n.Store(i, 7)
	}
	p.w.WriteAt(slices.Repeat([]triple{thrice(7)}, triples), 0)
	p.n.Lock()
	p.n.Unlock()
	p.n.ReadAt(n, 0)
	p.w.ReadAt(w, 0)
	if slices.Min(n) != 7 || slices.Max(n) != 7 || slices.ContainsFunc(w, func(x triple) bool { return x != thrice(7) }) {
		return fmt.Errorf("sevens: %v, %v", n, w)
	}
	return nil
}

// uniform says that the elements from … to are all old or all new, and the others old.
func uniform[T comparable](xs []T, from, to int, old, new T) error {
	for i, x := range xs {
		want := old
		if i >= from && i < to {
			want = xs[from]
		}
		if x != want || x != old && x != new {
			return fmt.Errorf("element %d is %v: %v", i, x, xs)
		}
	}
	return nil
}

var _ = proctest.Register("array heir", func(args []string) int {
	p := enterPair(args)
	var m sem.Mutex // so that what waiting needs is there
	m.Lock()
	for range 8 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
		m.LockContext(ctx)
		cancel()
	}
	killstep.Begin()
	p.w.Update(40, func(*triple) {})
	killstep.End()
	return 0
})

// Who mends what a dead one has left, in all three stripes, is killed too: the third one does it.
func TestKillMender(t *testing.T) {
	aslice(t)
	p := newPair(t)
	n := rand.IntN(4)
	points := apoints(8)
	if os.Getenv("SHMKIT_KILLS") != "" {
		points = killstep.Distinct // each change of the memory; the waiting in between is sem's affair
	}
	killstep.Run(t, killstep.Config{
		Victim: "array heir",
		Points: points,
		Sample: -1,
		Watch:  func() []byte { return array.Words(p.w) },
		Args:   p.texts(t),
		Prepare: func() []string {
			p.n.WriteAt(slices.Repeat([]int32{1}, cells), 0)
			p.w.WriteAt(slices.Repeat([]triple{thrice(1)}, triples), 0)
			n++
			killWithin(t, p, n)
			return nil
		},
		Check: func(killstep.Point) error { return p.check(14, 44, n) },
	})
}

// killWithin leaves a WriteAt unfinished: one of many states, by turns.
func killWithin(t *testing.T, p apair, n int) {
	t.Helper()
	c := proctest.Start(t, "array half", append(p.texts(t), fmt.Sprint(n))...)
	c.Expect("done")
	c.Kill()
}

var _ = proctest.Register("array half", func(args []string) int {
	p := enterPair(args)
	var n int
	fmt.Sscan(args[2], &n)
	array.Half(p.w, twosW(30), 14, n)
	proctest.Say("done")
	select {}
})

// Writers of all kinds are killed at any moment, while others go on.
func TestKillStorm(t *testing.T) {
	aslice(t)
	p := newPair(t)
	rounds := 24
	if testing.Short() {
		rounds = 8
	}
	for i := range rounds {
		a := proctest.Start(t, "array storm", append(p.texts(t), "0")...)
		b := proctest.Start(t, "array storm", append(p.texts(t), "1")...)
		a.Expect("on")
		b.Expect("on")
		time.Sleep(time.Duration(i%5) * time.Millisecond)
		a.Kill()
		time.Sleep(time.Duration(i%3) * time.Millisecond)
		w := make([]triple, triples)
		p.w.ReadAt(w, 0)
		b.Kill()
		if err := stormed(w); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { p.w.Lock(); p.w.Unlock(); p.n.Lock(); p.n.Unlock(); close(done) }()
		select {
		case <-done:
		case <-time.After(ever):
			t.Fatal("the locks of the dead")
		}
		p.w.ReadAt(w, 0)
		if err := stormed(w); err != nil {
			t.Fatal(err)
		}
	}
}

// stormed says whether the two ranges that the storm writes are each of one write.
func stormed(w []triple) error {
	for _, r := range [][]triple{w[:20], w[28:]} {
		for _, x := range r {
			if x != r[0] || !x.whole() {
				return fmt.Errorf("torn: %v", r)
			}
		}
	}
	return nil
}

var _ = proctest.Register("array storm", func(args []string) int {
	p := enterPair(args)
	off := 0
	if args[2] == "1" {
		off = 28
	}
	proctest.Say("on")
	for n := int64(0); ; n++ {
		p.w.WriteAt(slices.Repeat([]triple{thrice(n)}, 20), off)
		p.n.WriteAt(slices.Repeat([]int32{int32(n)}, 40), off)
		p.w.Update(20+int(n%8), func(x *triple) { *x = thrice(x[0] + 1) })
		if err := stormed(func() []triple { w := make([]triple, triples); p.w.ReadAt(w, 0); return w }()); err != nil {
			panic(err)
		}
	}
})

// apoints are n points by chance; in the long form (SHMKIT_KILLS) every instruction.
func apoints(n int) killstep.Points {
	if os.Getenv("SHMKIT_KILLS") != "" {
		return killstep.All
	}
	return killstep.Random(killstep.Budget(n), rand.Uint64())
}
