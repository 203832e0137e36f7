package park

import "testing"

// Each watch is ended once: by its stop, or with all; and none begins on what is closed.
func TestWatches(t *testing.T) {
	var w Watches
	closed := false
	ended := make([]int, 3)
	watch := func(i int) (stop func()) {
		return w.Add(func() func() { return func() { ended[i]++ } }, func() bool { return closed })
	}
	stop := watch(0)
	watch(1)
	stop()
	closed = true
	w.End()
	w.End()
	watch(2)()
	if ended[0] != 1 || ended[1] != 1 || ended[2] != 0 {
		t.Errorf("ended %v times, want [1 1 0]", ended)
	}
}
