package value_test

import (
	"os"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/value"
)

// vloads is how many loads are looked at: a hundred million in the long form.
func vloads() int {
	switch {
	case os.Getenv("SHMKIT_KILLS") != "":
		return 1e8
	case testing.Short():
		return 2e5
	}
	return 2e6
}

var _ = proctest.Register("value stores", func(args []string) int {
	w, n := new(value.Value[wide]), new(value.Value[int64])
	if w.UnmarshalText([]byte(args[0])) != nil || n.UnmarshalText([]byte(args[1])) != nil {
		return 1
	}
	proctest.Say("on")
	for i := int64(1); ; i++ {
		w.Store(all(i))
		if i%1024 == 0 {
			value.Add(n, 1024)
		}
	}
})

// Another process stores at full speed: no load is torn, none goes back in time, and the writer goes on meanwhile. Loads through one
// handle would keep off the writer; through many in turn they do not, and meet a store as often as can be.
func TestNeverTorn(t *testing.T) {
	w, n := vnew(t, wide{}), vnew(t, int64(0))
	handles := []*value.Value[wide]{w}
	for range 31 {
		handles = append(handles, vagain(t, w))
	}
	p := proctest.Start(t, "value stores", vtext(t, w), vtext(t, n))
	p.Expect("on")
	time.Sleep(50 * time.Millisecond)
	alone, start := n.Load(), time.Now()
	time.Sleep(300 * time.Millisecond)
	rate := float64(n.Load()-alone) / time.Since(start).Seconds()

	var last, found int64
	before, start := n.Load(), time.Now()
	count := vloads()
	for i := range count {
		x := handles[i%len(handles)].Load()
		if !x.whole() {
			t.Fatalf("torn: %v", x)
		}
		if x[0] < last {
			t.Fatalf("%d after %d", x[0], last)
		}
		if x[0] > last {
			found++
		}
		last = x[0]
	}
	took := time.Since(start)
	beside := float64(n.Load()-before) / took.Seconds()
	t.Logf("%d loads in %v, %v each, %d of a new value; %.1f M stores a second alone, %.1f M beside them", count, took, took/time.Duration(count), found, rate/1e6, beside/1e6)
	if last == 0 {
		t.Error("the writer did not write")
	}
}
