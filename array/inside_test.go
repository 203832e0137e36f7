package array_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/array"
)

// f of an Update may load any element: also one of a stripe whose holder waits for that of the Update.
func TestInsideUpdateLoadsWhatIsBusy(t *testing.T) {
	type large [1024]byte
	a := amake(t, array.Config[large]{Len: 2, Stripes: 2})
	var over atomic.Bool
	busy := []func(){
		func() { a.Update(1, func(x *large) { x[0]++; x[1] = a.Load(0)[1] }) },
		func() { a.Store(0, large{}) },
		func() { a.Store(0, large{}) },
		func() { through(a) },
		func() { a.WriteAt(make([]large, 2), 0) },
	}
	left := make(chan bool, len(busy))
	for _, do := range busy {
		go func() {
			for !over.Load() {
				do()
			}
			left <- true
		}()
	}
	time.Sleep(time.Second)
	over.Store(true)
	for range busy {
		select {
		case <-left:
		case <-time.After(ever):
			t.Fatal("they wait for each other")
		}
	}
}

// What is so large that it is stored past the cache is seen whole too.
func TestSnapshotOfMuch(t *testing.T) {
	const n = 256 << 10
	type huge [n]int64
	a := amake(t, array.Config[huge]{Len: 1})
	var over atomic.Bool
	done := make(chan bool)
	go func() {
		defer close(done)
		xs := make([]huge, 1)
		for k := int64(1); !over.Load(); k++ {
			for i := range xs[0] {
				xs[0][i] = k
			}
			a.WriteAt(xs, 0)
		}
	}()
	xs := make([]huge, 1)
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		if _, err := a.ReadAt(xs, 0); err != nil {
			t.Fatal(err)
		}
		for i, x := range xs[0] {
			if x != xs[0][0] {
				t.Fatalf("element %d is %d, the first %d", i, x, xs[0][0])
			}
		}
	}
	over.Store(true)
	<-done
}
