package bench

import (
	"sync"
	"testing"

	"github.com/shmkit/shmkit/sem"
)

// BenchmarkOnce asks for what has been done.
func BenchmarkOnce(b *testing.B) {
	n := 0
	b.Run("shmkit", func(b *testing.B) {
		o := newVar[sem.Once](b, nil).Ptr()
		f := func() error { n++; return nil }
		for b.Loop() {
			must(b, o.Do(ctx, f))
		}
	})
	b.Run("sync", func(b *testing.B) {
		f := func() { n++ }
		for o := new(sync.Once); b.Loop(); {
			o.Do(f)
		}
	})
}

// BenchmarkWaitGroup counts up and down, and waits for nobody.
func BenchmarkWaitGroup(b *testing.B) {
	group := func(b *testing.B) *sem.WaitGroup { return newVar[sem.WaitGroup](b, nil).Ptr() }
	b.Run("shmkit/AddDone", func(b *testing.B) {
		for g := group(b); b.Loop(); {
			g.Add(1)
			g.Done()
		}
	})
	b.Run("shmkit/EnterLeave", func(b *testing.B) {
		for g := group(b); b.Loop(); {
			g.Enter()
			g.Leave()
		}
	})
	b.Run("shmkit/Wait", func(b *testing.B) {
		for g := group(b); b.Loop(); {
			must(b, g.Wait(ctx))
		}
	})
	b.Run("sync/AddDone", func(b *testing.B) {
		for g := new(sync.WaitGroup); b.Loop(); {
			g.Add(1)
			g.Done()
		}
	})
	b.Run("sync/Wait", func(b *testing.B) {
		for g := new(sync.WaitGroup); b.Loop(); {
			g.Wait()
		}
	})
}
