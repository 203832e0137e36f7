package park

import (
	"testing"
	"time"
)

// It gives way a few times at most, and ends as soon as there is something.
func TestTurnsEnd(t *testing.T) {
	var turns Turns
	never, asked := func() bool { return false }, 0
	for range 100 {
		if turns.Yield(never, never) {
			t.Fatal("what never comes has come")
		}
	}
	at2 := func() bool { asked++; return asked == 2 }
	for range 10_000 { // it may be shy just now: somebody else computes on this CPU
		if asked = 0; turns.Yield(at2, never) {
			if asked != 2 {
				t.Errorf("asked %d times", asked)
			}
			return
		}
	}
	t.Error("it never gives way again")
}

// Who gave way to somebody who does not give it back at once keeps off that for a while.
func TestTurnsAreShy(t *testing.T) {
	var turns Turns
	always, never := func() bool { return true }, func() bool { return false }
	defer func(old func()) { giveWay = old }(giveWay)
	giveWay = func() { time.Sleep(2 * time.Millisecond) }
	if !turns.Yield(always, never) {
		t.Fatal("what is there has not come")
	}
	asked := 0
	count := func() bool { asked++; return true }
	for range 256 {
		turns.Yield(count, never)
	}
	if asked != 0 {
		t.Errorf("gave way %d times", asked)
	}
	if !turns.Yield(count, never) || asked != 1 {
		t.Errorf("then asked %d times, want 1", asked)
	}
}

// A long turn in which much has come is no reason to keep off the next.
func TestTurnsThatPay(t *testing.T) {
	var turns Turns
	defer func(old func()) { giveWay = old }(giveWay)
	gone := 0
	giveWay = func() { gone++; time.Sleep(2 * time.Millisecond) }
	always := func() bool { return true }
	for range 3 {
		if !turns.Yield(always, always) {
			t.Fatal("what is there has not come")
		}
	}
	if gone != 3 {
		t.Errorf("gave way %d times, want 3", gone)
	}
}
