package lab

import (
	"testing"
	"time"
)

// testNever waits for what does not come.
var testNever = NewRole("test.never", func(w *Worker) error {
	return w.Turns(0, func() error { time.Sleep(time.Hour); return nil }, nil)
})

// testSlowTurn takes some time to get what it wants.
var testSlowTurn = NewRole("test.slow-turn", func(w *Worker) error {
	return w.Turns(time.Microsecond,
		func() error { time.Sleep(3 * time.Millisecond); return nil },
		func() error { return nil })
})

// Who never gets the lock counts, as one who gets nothing done and waits for
// as long as the sample lasts.
func TestTurnsOfTheStarving(t *testing.T) {
	l := testLab(t)
	window := Turns.Window(l.Window)
	if window <= l.Window {
		t.Errorf("the window is %v", window)
	}
	p := Procs{Label: "x", Roles: []Role{testSlowTurn, testNever, testSlowTurn}}
	v, err := p.Sample(t.Context(), l, Turns)
	if err != nil {
		t.Fatal(err)
	}
	if v["throughput"] <= 0 || v["fairness"] != 0 || time.Duration(v["worst"]) < window {
		t.Errorf("one of three waits for ever, within %v: %v", window, v)
	}
}

// It holds what it has got and keeps off it, so that it cannot take more turns
// than there are waits of 3 ms in the window, and one at its edge.
func TestTurns(t *testing.T) {
	l := testLab(t)
	for range 20 {
		v, err := Procs{Label: "x", Roles: []Role{testSlowTurn}}.Sample(t.Context(), l, Turns)
		if err != nil {
			t.Fatal(err)
		}
		if v["fairness"] != 1 || v["throughput"] > 400 {
			t.Errorf("turns that take 3 ms to get: %v", v)
		}
		if v["worst"] >= 3e6 {
			return
		}
	}
	t.Error("no wait of 3 ms is seen in any of 20 samples")
}
