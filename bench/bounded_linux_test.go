package bench

import (
	"testing"

	"github.com/shmkit/shmkit/sem"
)

// BenchmarkBoundedSemaphore takes the one permit, or one of many, and gives it
// back.
func BenchmarkBoundedSemaphore(b *testing.B) {
	for name, n := range map[string]int{"shmkit/1": 1, "shmkit/64": 64} {
		b.Run(name, func(b *testing.B) {
			s := newVar(b, func(s *sem.BoundedSemaphore) { s.Init(n) }).Ptr()
			for b.Loop() {
				must(b, s.Acquire(ctx))
				must(b, s.Release())
			}
		})
	}
	b.Run("channel", func(b *testing.B) {
		c := make(chan struct{}, 1)
		for b.Loop() {
			c <- struct{}{}
			<-c
		}
	})
}
