package value_test

import (
	"math"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/value"
)

// The tests TestPython… are what Python's multiprocessing documents, or does, for its Value and RawValue, between two
// processes. They say where this package does otherwise, and mean to.

var _ = proctest.Register("value peer", func(args []string) int {
	n, w := new(value.Value[int32]), new(value.Value[wide])
	if n.UnmarshalText([]byte(args[0])) != nil || w.UnmarshalText([]byte(args[1])) != nil {
		return 1
	}
	for {
		switch proctest.Hear() {
		case "count":
			for range 20000 {
				value.Add(n, 1)
				w.Update(func(x *wide) { *x = all(x[0] + 1) })
			}
		case "max":
			n.Store(math.MaxInt32)
		}
		proctest.Say("done")
	}
})

func vpeer(t *testing.T) (*value.Value[int32], *value.Value[wide], *proctest.Proc) {
	n, w := vnew(t, int32(0)), vnew(t, wide{})
	return n, w, proctest.Start(t, "value peer", vtext(t, n), vtext(t, w))
}

// v.value += 1 is two steps in Python, and loses counts. Add and Update are one.
func TestPythonIncrementIsOneStep(t *testing.T) {
	n, w, p := vpeer(t)
	p.Send("count")
	for range 20000 {
		value.Add(n, 1)
		w.Update(func(x *wide) { *x = all(x[0] + 1) })
	}
	p.Expect("done")
	if n.Load() != 40000 || w.Load() != all(40000) {
		t.Error(n.Load(), w.Load())
	}
}

// What another process sets is seen; integers wrap around on overflow, as in Python.
func TestPythonValueAcrossProcesses(t *testing.T) {
	n, _, p := vpeer(t)
	p.Send("max")
	p.Expect("done")
	if n.Load() != math.MaxInt32 || value.Add(n, 1) != math.MinInt32 {
		t.Error(n.Load())
	}
}

// With a plain Lock, reading v.value inside of `with v.get_lock()` waits for itself in Python. Load needs no lock.
func TestPythonReadUnderTheLock(t *testing.T) {
	_, w, _ := vpeer(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Update(func(x *wide) { *x = all(w.Load()[0] + 1) })
	}()
	select {
	case <-done:
	case <-time.After(ever):
		t.Error("Load in Update waits for itself")
	}
}

// sharedctypes.copy is an independent snapshot; so is what Load returns.
func TestPythonCopyIsIndependent(t *testing.T) {
	_, w, _ := vpeer(t)
	x := w.Load()
	w.Store(all(5))
	if x != (wide{}) {
		t.Error(x)
	}
}
