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
