package bench

import (
	"sync"
	"testing"

	"github.com/shmkit/shmkit/sem"
)

// BenchmarkRWMutex is one goroutine that nobody is in the way of.
func BenchmarkRWMutex(b *testing.B) {
	b.Run("shmkit/Read", func(b *testing.B) {
		m := newVar[sem.RWMutex](b, nil).Ptr()
		for b.Loop() {
			m.RLock()
			m.RUnlock() //lint:ignore SA2001 the pair is what is measured
		}
	})
	b.Run("sync/Read", func(b *testing.B) {
		m := new(sync.RWMutex)
		for b.Loop() {
			m.RLock()
			m.RUnlock() //lint:ignore SA2001 the pair is what is measured
		}
	})
	b.Run("shmkit/Write", func(b *testing.B) { lockAlone(b, newVar[sem.RWMutex](b, nil).Ptr()) })
	b.Run("sync/Write", func(b *testing.B) { lockAlone(b, new(sync.RWMutex)) })
}

// BenchmarkRWMutexGoroutines is GOMAXPROCS goroutines of one process, which all
// read.
func BenchmarkRWMutexGoroutines(b *testing.B) {
	run := func(b *testing.B, l sync.Locker) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Lock()
				//lint:ignore SA2001 the pair is what is measured
				l.Unlock()
			}
		})
	}
	b.Run("shmkit", func(b *testing.B) { run(b, newVar[sem.RWMutex](b, nil).Ptr().RLocker()) })
	b.Run("sync", func(b *testing.B) { run(b, new(sync.RWMutex).RLocker()) })
}

// BenchmarkRMutex is one owner that nobody is in the way of.
func BenchmarkRMutex(b *testing.B) {
	b.Run("shmkit", func(b *testing.B) { lockAlone(b, newVar[sem.RMutex](b, nil).Ptr().Owner()) })
	b.Run("shmkit/Twice", func(b *testing.B) {
		o := newVar[sem.RMutex](b, nil).Ptr().Owner()
		o.Lock()
		lockAlone(b, o)
		o.Unlock()
	})
	b.Run("sync.Mutex", func(b *testing.B) { lockAlone(b, new(sync.Mutex)) })
}
