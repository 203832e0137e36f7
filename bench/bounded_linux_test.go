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

// BenchmarkBounded is the same in a segment of its own, and what it costs to say that none is free.
func BenchmarkBounded(b *testing.B) {
	for name, n := range map[string]int{"65": 65, "1000": 1000, "65536": sem.MaxBounded} {
		s, err := sem.NewBounded(n)
		must(b, err)
		b.Run("pair/"+name, func(b *testing.B) {
			for b.Loop() {
				must(b, s.Acquire(ctx))
				must(b, s.Release())
			}
		})
		b.Run("hundred/"+name, func(b *testing.B) { // of them, one after the other
			for b.Loop() {
				for range min(n, 100) {
					must(b, s.Acquire(ctx))
				}
				for range min(n, 100) {
					must(b, s.Release())
				}
			}
		})
		for s.TryAcquire() {
		}
		b.Run("full/"+name, func(b *testing.B) {
			for b.Loop() {
				if s.TryAcquire() {
					b.Fatal("a permit too many")
				}
			}
		})
		must(b, s.Close())
	}
}
