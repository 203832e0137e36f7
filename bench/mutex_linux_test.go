package bench

import (
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// counted is a number and its lock.
type counted struct {
	Mu sem.Mutex
	_  [124]byte
	N  uint64
}

func newCounted(tb testing.TB) *shm.Var[counted] {
	v, err := shm.New[counted]()
	must(tb, err)
	tb.Cleanup(func() { v.Close() })
	return v
}

// BenchmarkMutex is one goroutine that nobody is in the way of.
func BenchmarkMutex(b *testing.B) {
	b.Run("shmkit", func(b *testing.B) { lockAlone(b, &newCounted(b).Ptr().Mu) })
	b.Run("sync", func(b *testing.B) { lockAlone(b, new(sync.Mutex)) })
	b.Run("flock", func(b *testing.B) {
		f, err := os.CreateTemp(b.TempDir(), "")
		must(b, err)
		defer f.Close()
		fd := int(f.Fd())
		for b.Loop() {
			must(b, unix.Flock(fd, unix.LOCK_EX))
			must(b, unix.Flock(fd, unix.LOCK_UN))
		}
	})
}

// lockAlone is instantiated for each lock, so that calls of it are direct.
func lockAlone[L sync.Locker](b *testing.B, l L) {
	for b.Loop() {
		l.Lock()
		//lint:ignore SA2001 the pair is what is measured
		l.Unlock()
	}
}

// BenchmarkMutexGoroutines is GOMAXPROCS goroutines of one process.
func BenchmarkMutexGoroutines(b *testing.B) {
	run := func(b *testing.B, l sync.Locker) {
		n := 0
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Lock()
				n++
				l.Unlock()
			}
		})
	}
	b.Run("shmkit", func(b *testing.B) { run(b, &newCounted(b).Ptr().Mu) })
	b.Run("sync", func(b *testing.B) { run(b, new(sync.Mutex)) })
}

var _ = proctest.Register("mutex.lock", func(args []string) int {
	var v shm.Var[counted]
	if err := v.UnmarshalText([]byte(args[0])); err != nil {
		return fail(err)
	}
	proctest.Say("ready")
	for c := v.Ptr(); ; {
		c.Mu.Lock()
		c.N++
		c.Mu.Unlock()
	}
})

// BenchmarkMutexProcesses is two processes that both want it all the time.
func BenchmarkMutexProcesses(b *testing.B) {
	v := newCounted(b)
	p := proctest.Start(b, "mutex.lock", text(b, v))
	p.Expect("ready")
	c := v.Ptr()
	for b.Loop() {
		c.Mu.Lock()
		c.N++
		c.Mu.Unlock()
	}
	p.Kill()
}

// The other process of the benchmark locks the same lock: both together count
// to what is there, and its death does not keep it.
func TestMutexProcesses(t *testing.T) {
	v := newCounted(t)
	p := proctest.Start(t, "mutex.lock", text(t, v))
	p.Expect("ready")
	c := v.Ptr()
	for before := uint64(0); ; {
		c.Mu.Lock()
		n := c.N
		c.Mu.Unlock()
		if before > 0 && n > before {
			break // it counts, and not only once
		}
		before = n
	}
	p.Kill()
	c.Mu.Lock()
	//lint:ignore SA2001 that it can be had is all that is asked
	c.Mu.Unlock()
}
