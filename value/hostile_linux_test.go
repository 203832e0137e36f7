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

// A peer that scribbles over the version and the bell all the time: loads and waits end. (Who loses the mutex to a scribbler while it
// holds it panics in Unlock, as everywhere.)
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

// A live holder that does not let go, and a version that never stands still: who waits ends with his context, and loads once the
// version stands still.
func TestHostileHolder(t *testing.T) {
	w := vnew(t, [32 << 10]byte{})
	ctl := value.Ctl(w)
	inside, leave, gone := make(chan bool), make(chan bool), make(chan bool)
	go func() {
		w.Update(func(*[32 << 10]byte) { inside <- true; <-leave })
		close(gone)
	}()
	<-inside
	var stop atomic.Bool
	var g sync.WaitGroup
	for range 2 {
		g.Go(func() {
			for !stop.Load() {
				atomic.AddUint64(&ctl.Word, 5)
			}
		})
	}
	ended, loaded := make(chan error), make(chan bool)
	go func() {
		var err error
		for range 20 {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			_, err = w.Wait(ctx, func([32 << 10]byte) bool { return false })
			cancel()
		}
		ended <- err
	}()
	go func() {
		for range 100 {
			w.Load()
		}
		close(loaded)
	}()
	select {
	case err := <-ended:
		if err != context.DeadlineExceeded {
			t.Error(err)
		}
	case <-time.After(ever):
		t.Error("Wait has not kept its deadline")
	}
	stop.Store(true)
	g.Wait()
	select {
	case <-loaded:
	case <-time.After(ever):
		t.Error("Load waits for f of an Update")
	}
	close(leave)
	<-gone
}
