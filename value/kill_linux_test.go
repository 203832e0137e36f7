package value_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/value"
)

// short is the slice of all processes of a test that kills: a death is noticed one slice later.
const short = 5 * time.Millisecond

// vdeeds are what a victim does to a value that is 1: it is 2 afterwards.
var vdeeds = map[string]func(n *value.Value[int64], w *value.Value[wide]){
	"add":        func(n *value.Value[int64], _ *value.Value[wide]) { value.Add(n, 1) },
	"store":      func(n *value.Value[int64], _ *value.Value[wide]) { n.Store(2) },
	"swap":       func(n *value.Value[int64], _ *value.Value[wide]) { n.Swap(2) },
	"cas":        func(n *value.Value[int64], _ *value.Value[wide]) { value.CompareAndSwap(n, 1, 2) },
	"update":     func(n *value.Value[int64], _ *value.Value[wide]) { n.Update(func(x *int64) { *x++ }) },
	"store 64":   func(_ *value.Value[int64], w *value.Value[wide]) { w.Store(all(2)) },
	"swap 64":    func(_ *value.Value[int64], w *value.Value[wide]) { w.Swap(all(2)) },
	"cas 64":     func(_ *value.Value[int64], w *value.Value[wide]) { value.CompareAndSwap(w, all(1), all(2)) },
	"update 64":  func(_ *value.Value[int64], w *value.Value[wide]) { w.Update(func(x *wide) { *x = all(2) }) },
	"load 64":    func(_ *value.Value[int64], w *value.Value[wide]) { w.Load(); w.Store(all(2)) },
	"add, rings": func(n *value.Value[int64], _ *value.Value[wide]) { value.Add(n, 1) },
}

var _ = proctest.Register("value victim", func(args []string) int {
	park.SetSlice(short)
	n, w := new(value.Value[int64]), new(value.Value[wide])
	if n.UnmarshalText([]byte(args[0])) != nil || w.UnmarshalText([]byte(args[1])) != nil {
		return 1
	}
	n.Load()
	w.Load()
	killstep.Begin()
	vdeeds[args[2]](n, w)
	killstep.End()
	return 0
})

// Killed at any instruction the value is old or new, who waits for the new one gets it, and the next one goes on at once.
func TestKill(t *testing.T) {
	vslice(t)
	for deed := range vdeeds {
		t.Run(deed, func(t *testing.T) {
			n, w := vnew(t, int64(1)), vnew(t, all(1))
			var got chan error
			rings := deed == "add, rings"
			killstep.Run(t, killstep.Config{
				Victim: "value victim",
				Points: vpoints(30),
				Args:   []string{vtext(t, n), vtext(t, w), deed},
				Prepare: func() []string {
					n.Store(1)
					w.Store(all(1))
					if got = make(chan error, 1); rings {
						go func() { got <- vawait(n, 2) }()
						time.Sleep(2 * time.Millisecond)
					}
					return nil
				},
				Check: func(at killstep.Point) error { return vcheck(n, w, got, rings) },
			})
		})
	}
}

func vcheck(n *value.Value[int64], w *value.Value[wide], got chan error, rings bool) error {
	x, y := n.Load(), w.Load()
	if x != 1 && x != 2 || !y.whole() || y[0] != 1 && y[0] != 2 {
		return fmt.Errorf("%d and %v", x, y)
	}
	if rings && x == 2 {
		if err := <-got; err != nil {
			return fmt.Errorf("who waited for %d: %w", x, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), ever/3)
	defer cancel()
	if err := w.UpdateContext(ctx, func(z *wide) { *z = all(z[0] + 10) }); err != nil {
		return fmt.Errorf("the next Update: %w", err)
	}
	if err := n.UpdateContext(ctx, func(z *int64) { *z += 10 }); err != nil {
		return fmt.Errorf("the next Update: %w", err)
	}
	if n.Load() != x+10 || w.Load() != all(y[0]+10) {
		return fmt.Errorf("%d and %v after the next Update", n.Load(), w.Load())
	}
	if rings && x == 1 {
		n.Store(2)
		return <-got
	}
	return nil
}

func vawait(n *value.Value[int64], want int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), ever/3)
	defer cancel()
	_, err := n.Wait(ctx, func(x int64) bool { return x == want })
	return err
}

func vslice(t testing.TB) {
	old := park.Slice()
	park.SetSlice(short)
	t.Cleanup(func() { park.SetSlice(old) })
}

// One who dies in f leaves the old value, and whoever waits for the lock gets it.
func TestKillInUpdate(t *testing.T) {
	vslice(t)
	w := vnew(t, all(1))
	p := proctest.Start(t, "value in f", vtext(t, w))
	p.Expect("in f")
	got := make(chan wide)
	go func() {
		var was wide
		w.Update(func(x *wide) { was = *x; *x = all(3) })
		got <- was
	}()
	time.Sleep(20 * time.Millisecond)
	if w.Load() != all(1) {
		t.Errorf("f works on the value itself: %v", w.Load())
	}
	p.Kill()
	select {
	case was := <-got:
		if was != all(1) || w.Load() != all(3) {
			t.Errorf("%v, then %v", was, w.Load())
		}
	case <-time.After(ever):
		t.Fatal("the lock of the dead")
	}
}

var _ = proctest.Register("value in f", func(args []string) int {
	w := new(value.Value[wide])
	if w.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	w.Update(func(x *wide) {
		*x = all(2)
		proctest.Say("in f")
		select {}
	})
	return 0
})

// Many are killed at any moment, while others go on: nothing is torn, nobody hangs, and no step is lost that was done.
func TestKillStorm(t *testing.T) {
	vslice(t)
	w := vnew(t, wide{})
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	for i := range rounds {
		p := proctest.Start(t, "value storm", vtext(t, w))
		p.Expect("on")
		time.Sleep(time.Duration(i%7) * time.Millisecond)
		p.Kill()
		before := w.Load()
		ctx, cancel := context.WithTimeout(context.Background(), ever)
		if err := w.UpdateContext(ctx, func(x *wide) { *x = all(x[0] + 1) }); err != nil {
			t.Fatal(err)
		}
		cancel()
		if x := w.Load(); !x.whole() || x[0] != before[0]+1 {
			t.Fatalf("%v after %v", x, before)
		}
	}
}

var _ = proctest.Register("value storm", func(args []string) int {
	park.SetSlice(short)
	w := new(value.Value[wide])
	if w.UnmarshalText([]byte(args[0])) != nil {
		return 1
	}
	proctest.Say("on")
	for n := int64(0); ; n++ {
		w.Update(func(x *wide) { *x = all(x[0] + 1) })
		w.Swap(all(n))
		w.Store(all(n))
		if x := w.Load(); !x.whole() {
			panic(fmt.Sprint("torn: ", x))
		}
	}
})

// vpoints are n points by chance; in the long form (SHMKIT_KILLS) every instruction.
func vpoints(n int) killstep.Points {
	if os.Getenv("SHMKIT_KILLS") != "" {
		return killstep.All
	}
	return killstep.Random(killstep.Budget(n), rand.Uint64())
}
