package park

import (
	"testing"
)

// after returns a ready that is true from the n'th look on, and counts looks.
func after(n uint32) (ready func() bool, looks *uint32) {
	looks = new(uint32)
	return func() bool { *looks++; return *looks > n }, looks
}

func noReply() bool { return false }

func needSpin(t *testing.T) uint32 {
	t.Helper()
	if pauses() == 0 {
		t.Skip("one CPU: nobody spins")
	}
	return pauses()
}

func TestSpinGivesUp(t *testing.T) {
	all := needSpin(t)
	var s Site
	if ready, looks := after(1 << 30); s.Spin(ready) || *looks != all {
		t.Errorf("%d looks, want %d", *looks, all)
	}
	for range 20 {
		s.Spin(noReply)
	}
	if n := s.limit(); n > all/32 {
		t.Errorf("after a row of failures it still looks %d times of %d", n, all)
	}
}

func TestSpinLearnsHowLongItTakes(t *testing.T) {
	all := needSpin(t)
	var s Site
	if ready, looks := after(2); !s.Spin(ready) || *looks != 3 {
		t.Errorf("%d looks, want 3", *looks)
	}
	if n := s.limit(); n < 8 || n > all/4 {
		t.Errorf("a reply after 3 looks: it will look %d times of %d", n, all)
	}
	if ready, _ := after(1 << 30); s.Spin(ready) {
		t.Error("a reply that never came")
	}
}

// A site that has given up tries the full length now and then, and comes back when it pays.
func TestSpinTriesAgain(t *testing.T) {
	all := needSpin(t)
	var s Site
	for range 20 {
		s.Spin(noReply)
	}
	reply := all / 8 // much later than a site that has given up would look
	for n := range 2 * retry {
		if ready, _ := after(reply); s.Spin(ready) {
			if got := s.limit(); got < reply {
				t.Errorf("it will look %d times, and the reply takes %d", got, reply)
			}
			t.Logf("back after %d waits", n)
			return
		}
	}
	t.Error("it never tried again")
}

func TestPauses(t *testing.T) {
	if n := pauses(); onlineCPUs() > 1 && (n < 64 || n > 100_000) {
		t.Errorf("%d looks in %v", n, maxSpin)
	}
	Pause(0) // ends
	Pause(1000)
}
