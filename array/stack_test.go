package array_test

import (
	"sync"
	"testing"

	"github.com/shmkit/shmkit/array"
)

type pair struct{ A, B int64 }

// loadAt loads an element behind n frames of some size and m small ones, on a stack that is about to grow.
//
//go:noinline
func loadAt(n, m int, a *array.Array[pair]) pair {
	switch {
	case n > 0:
		var pad [16]int64
		pad[n%16] = 1
		p := loadAt(n-1, m, a)
		_ = pad
		return p
	case m > 0:
		return loadAt(0, m-1, a)
	}
	return a.Load(3)
}

// An element may be loaded and stored at any depth of a stack, which may move in the midst of it. (With the race detector too, which adds calls of its own.)
func TestAtAnyDepth(t *testing.T) {
	a, err := array.New[pair](8)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	want := pair{1, 2}
	a.Store(3, want)
	for n := range 200 {
		for m := range 8 {
			var wg sync.WaitGroup
			for _, big := range []int{n, 0} { // on stacks of their own, which begin small
				wg.Go(func() {
					if p := loadAt(big, m, a); p != want {
						t.Errorf("behind %d and %d frames: %v", big, m, p)
					}
				})
			}
			wg.Wait()
		}
	}
}
