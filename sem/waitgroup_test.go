package sem_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
)

// panics reports whether f does.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestWaitGroupCounts(t *testing.T) {
	var g sem.WaitGroup
	over := func(want bool) {
		t.Helper()
		if err := g.Wait(ended()); (err == nil) != want || err != nil && err != context.Canceled {
			t.Errorf("over: %v; want %v", err, want)
		}
	}
	over(true)
	for _, s := range []struct {
		name string
		f    func()
		over bool
	}{
		{"Add(2)", func() { g.Add(2) }, false},
		{"Done", g.Done, false},
		{"Add(0)", func() { g.Add(0) }, false},
		{"Done", g.Done, true},
		{"Enter", g.Enter, false},
		{"Enter", g.Enter, false},
		{"Leave", g.Leave, false},
		{"Add(1)", func() { g.Add(1) }, false},
		{"Leave", g.Leave, false},
		{"Enter", g.Enter, false},
		{"Add(-1)", func() { g.Add(-1) }, false},
		{"Leave", g.Leave, true},
	} {
		s.f()
		if over(s.over); t.Failed() {
			t.Fatal(s.name)
		}
	}
}

func TestWaitGroupPanics(t *testing.T) {
	var g sem.WaitGroup
	g.Add(math.MaxInt32 - 1)
	for name, f := range map[string]func(){
		"Add above": func() { g.Add(2) },
		"Add far":   func() { g.Add(math.MaxInt) },
		"Add below": func() { g.Add(-math.MaxInt32) },
		"Add least": func() { g.Add(math.MinInt) },
		"Leave":     g.Leave,
	} {
		if !panics(f) {
			t.Errorf("%s does not panic", name)
		}
	}
	g.Add(1)
	g.Add(-math.MaxInt32) // nothing has changed
	if err := g.Wait(ended()); err != nil {
		t.Error(err)
	}
	if !panics(g.Done) || g.Wait(ended()) != nil {
		t.Error("Done below zero does not panic, or changes something")
	}
}

func TestWaitGroupAllocates(t *testing.T) {
	var g sem.WaitGroup
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { g.Add(1); g.Enter(); g.Leave(); g.Done(); g.Wait(ctx) }); n != 0 && !race.Enabled {
		t.Errorf("%v allocations", n)
	}
}

// Many wait for many.
func TestWaitGroupManyWait(t *testing.T) {
	var g sem.WaitGroup
	for range 100 {
		done := 0 // written by workers under mu, read by waiters without: Wait orders that
		var mu sync.Mutex
		var all sync.WaitGroup
		g.Add(2)
		for i := range 2 {
			all.Go(func() {
				if i == 0 {
					g.Enter()
				}
				mu.Lock()
				done++
				mu.Unlock()
				g.Done()
				if i == 0 {
					g.Leave()
				}
			})
		}
		for range 3 {
			all.Go(func() {
				if err := g.Wait(within(t)); err != nil || done != 2 {
					t.Errorf("%v, and %d of 2 are done", err, done)
				}
			})
		}
		all.Wait()
	}
}

// Work goes from hand to hand, so that somebody is inside at all times: Wait does not return before the end.
func TestWaitGroupHandOver(t *testing.T) {
	var g sem.WaitGroup
	rounds := 20000
	if testing.Short() {
		rounds = 2000
	}
	var over atomic.Bool
	var all sync.WaitGroup
	g.Enter()
	for range 2 {
		all.Go(func() {
			for !over.Load() {
				if err := g.Wait(ended()); err == nil && !over.Load() {
					t.Error("Wait returns, and somebody is inside or counted")
					return
				}
			}
			if err := g.Wait(within(t)); err != nil {
				t.Error(err)
			}
		})
	}
	for range rounds { // always the one before the other has gone
		g.Add(1)
		g.Leave()
		g.Enter()
		g.Done()
	}
	over.Store(true)
	g.Leave()
	all.Wait()
}
