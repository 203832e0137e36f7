package value_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/value"
)

// Whatever a peer has written into the words: who has a deadline keeps it, and nothing outside of the object is touched.
func TestHostileWords(t *testing.T) {
	vslice(t)
	w := vnew(t, all(1))
	ctl := value.Ctl(w)
	for _, mutex := range []uint32{0, 1, 2, 4, 7, 0xdeadbeef, 1<<32 - 1} {
		for _, version := range []uint64{0, 1, 3, 1 << 63, 1<<64 - 1} {
			atomic.StoreUint32(&ctl.Mutex, mutex)
			atomic.StoreUint64(&ctl.Word, version)
			atomic.StoreUint32(&ctl.Changed, rand.Uint32())
			start := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
			w.Load()
			_ = w.UpdateContext(ctx, func(x *wide) { *x = all(2) })
			_, _ = w.Wait(ctx, func(x wide) bool { return x[0] == 3 })
			cancel()
			if took := time.Since(start); took > ever/2 {
				t.Errorf("%#x, %#x: %v", mutex, version, took)
			}
		}
	}
}

// A peer that scribbles over everything all the time: loads and waits end.
func TestHostileScribbler(t *testing.T) {
	vslice(t)
	w := vnew(t, all(1))
	ctl := value.Ctl(w)
	stop := make(chan struct{})
	var g sync.WaitGroup
	g.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				atomic.StoreUint64(&ctl.Word, rand.Uint64())
				atomic.StoreUint32(&ctl.Changed, rand.Uint32())
				if rand.IntN(100) == 0 {
					atomic.StoreUint32(&ctl.Mutex, 0) // else a Load that has been lapped would wait for whom the peer names
				}
			}
		}
	})
	start := time.Now()
	for time.Since(start) < 200*time.Millisecond {
		w.Load()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		_, _ = w.Wait(ctx, func(wide) bool { return false })
		cancel()
	}
	close(stop)
	g.Wait()
}
