package fence_test

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/fence"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
)

// duel is the race between a publisher and one who goes to sleep, round after round.
type duel struct {
	_      [128]byte
	index  uint64 // published, and monotone: the number of the round
	_      [120]byte
	asleep atomic.Uint64 // the round in which the sleeper has announced itself
	_      [120]byte
	ready  [2]struct {
		round atomic.Uint64
		_     [120]byte
	}
	noise [64][128]byte // stores that the publisher's own has to queue behind
}

// meet lets both sides begin round r at the same moment, as nearly as two CPUs can.
func (d *duel) meet(side int, r uint64) {
	d.ready[side].round.Store(r)
	for n := 0; d.ready[1-side].round.Load() < r; n++ {
		if n > 1000 { // the other has no CPU
			runtime.Gosched()
		}
	}
}

// fight returns the number of rounds, of which in lost neither side saw the other: then the sleeper sleeps,
// and the publisher wakes nobody.
func (d *duel) fight(limit time.Duration, order func(), heavy func()) (rounds, lost int) {
	const most = 50_000
	var sawSleeper [most + 1]bool
	var sawIndex [most + 1]bool
	var last atomic.Uint64
	last.Store(most)
	end := time.Now().Add(limit)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer pin(0)()
		for r := uint64(1); r <= last.Load(); r++ {
			d.meet(0, r)
			for i := range d.noise {
				d.noise[i][0] = byte(r)
			}
			fence.Publish(&d.index, r)
			order()
			sawSleeper[r] = d.asleep.Load() == r
		}
	})
	wg.Go(func() {
		defer pin(1)()
		for r := uint64(1); r <= last.Load(); r++ {
			if r%64 == 0 && time.Now().After(end) {
				last.Store(r)
			}
			d.meet(1, r)
			for i := range d.noise { // takes the lines away
				_ = atomic.LoadUint64(&d.index) + uint64(d.noise[i][64])
			}
			d.asleep.Store(r)
			heavy()
			sawIndex[r] = atomic.LoadUint64(&d.index) == r
		}
	})
	wg.Wait()
	rounds = int(last.Load())
	for r := 1; r <= rounds; r++ {
		if !sawSleeper[r] && !sawIndex[r] {
			lost++
		}
	}
	return rounds, lost
}

// pin keeps the goroutine on one CPU, so that the two are on different ones.
func pin(cpu int) (undo func()) {
	runtime.LockOSThread()
	var old, set unix.CPUSet
	if unix.SchedGetaffinity(0, &old) != nil || old.Count() < 2 {
		return runtime.UnlockOSThread
	}
	for i, n := 0, 0; i < 1024; i++ {
		if old.IsSet(i) {
			if n == cpu {
				set.Set(i)
			}
			n++
		}
	}
	unix.SchedSetaffinity(0, &set)
	return func() {
		unix.SchedSetaffinity(0, &old)
		runtime.UnlockOSThread()
	}
}

func needTwoCPUs(t *testing.T) {
	t.Helper()
	if runtime.NumCPU() < 2 {
		t.Skip("one CPU shows its stores to itself in order")
	}
}

func TestNoAnnouncementIsLost(t *testing.T) {
	needTwoCPUs(t)
	fence.Register()
	heavy := func() { fence.Heavy() }
	order := func() {}
	switch {
	case !fence.Heavy(): // then every publisher that is denied it too publishes with a full barrier
		order = fence.Full
	case !fence.Ordered():
		t.Fatal("membarrier works, but is not registered for")
	}
	rounds, lost := new(duel).fight(time.Second, order, heavy)
	if lost > 0 {
		t.Errorf("%d of %d announcements lost", lost, rounds)
	}
	t.Logf("%d rounds", rounds)
}

// The barrier is there for a reason: without it the same duel loses announcements.
func TestWithoutTheBarrier(t *testing.T) {
	needTwoCPUs(t)
	if !fence.PlainStore {
		t.Skip("this build publishes by atomic store: race detector, or no amd64")
	}
	nothing := func() {}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if rounds, lost := new(duel).fight(time.Second, nothing, nothing); lost > 0 {
			t.Logf("%d of %d announcements lost", lost, rounds)
			return
		}
	}
	t.Error("the duel loses nothing without a barrier: then it does not test the barrier")
}

// A publisher that was denied membarrier, against a sleeper that may or may not call it.
func TestFullSuffices(t *testing.T) {
	needTwoCPUs(t)
	if rounds, lost := new(duel).fight(300*time.Millisecond, fence.Full, func() {}); lost > 0 {
		t.Errorf("%d of %d announcements lost", lost, rounds)
	}
}

func TestPublishCounts(t *testing.T) {
	var p uint64
	for v := range uint64(1000) {
		fence.Publish(&p, v+1)
		if got := atomic.LoadUint64(&p); got != v+1 {
			t.Fatalf("published %d, reads %d", v+1, got)
		}
	}
}

func TestPlainStoreOnlyWhereItIsOrdered(t *testing.T) {
	if want := runtime.GOARCH == "amd64" && !race.Enabled; fence.PlainStore != want {
		t.Errorf("PlainStore is %v on %s, race %v", fence.PlainStore, runtime.GOARCH, race.Enabled)
	}
}

var _ = proctest.Register("denied", func([]string) int {
	code := 0
	fence.Register()
	if fence.Ordered() != !fence.PlainStore { // an atomic store needs nobody's permission
		code |= 1
	}
	if fence.Heavy() != (runtime.GOARCH != "amd64") {
		code |= 2
	}
	return code
})

func TestDenied(t *testing.T) {
	if code := proctest.StartWith(t, proctest.Attr{Deny: []uintptr{unix.SYS_MEMBARRIER}}, "denied").Wait(); code != 0 {
		t.Errorf("code %b", code)
	}
	if os.Getenv("SHMKIT_TEST_DENY") == "" && !fence.Heavy() {
		t.Error("membarrier is denied here: then nothing else was tested")
	}
}

func BenchmarkHeavy(b *testing.B) {
	for b.Loop() {
		fence.Heavy()
	}
}

var _ = proctest.Register("unregistered", func([]string) int {
	if fence.Ordered() == fence.PlainStore {
		return 1
	}
	if fence.Register(); !fence.Ordered() {
		return 2
	}
	return 0
})

// A process that opens no ring does not pay for the registration, and until then knows that it must use Full.
func TestRegisterIsAsked(t *testing.T) {
	if !fence.Heavy() {
		t.Skip("membarrier is denied here")
	}
	if code := proctest.Start(t, "unregistered").Wait(); code != 0 {
		t.Errorf("code %d", code)
	}
}
