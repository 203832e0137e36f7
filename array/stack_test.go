package array_test

import (
	"sync"
	"testing"

	"github.com/shmkit/shmkit/array"
)

type pair struct{ A, B int64 }

// behind loads an element behind n frames, large ones or not, and m small ones, on a stack that is about to grow.
//
//go:noinline
func behind(n, m int, a *array.Array[pair]) pair {
	if n == 0 {
		return behindSmall(m, a)
	}
	var pad [16]int64
	pad[n%16] = 1
	p := behind(n-1, m, a)
	_ = pad
	return p
}

//go:noinline
func behindSmall(m int, a *array.Array[pair]) pair {
	if m == 0 {
		return a.Load(3)
	}
	return behindSmall(m-1, a)
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
					if p := behind(big, 2*(n-big)+m, a); p != want {
						t.Errorf("behind %d and %d frames: %v", big, 2*(n-big)+m, p)
					}
				})
			}
			wg.Wait()
		}
	}
}
