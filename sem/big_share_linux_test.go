package sem_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/internal/race"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// bighoarder takes all permits, and waits to be killed.
var _ = bigHelper("bighoarder", func(l *biglab, args []string) {
	for range l.Cap() {
		if err := l.Acquire(context.Background()); err != nil {
			proctest.Say(err.Error())
			return
		}
	}
	proctest.Say("has all")
	proctest.Hear()
})

func startBigHoarder(t *testing.T, texts []string) *proctest.Proc {
	h := proctest.Start(t, "bighoarder", texts...)
	h.Expect("has all")
	return h
}

// A process dies with thousands of permits, and some wait in another: they get theirs, and all the others are free.
func TestBigInheritance(t *testing.T) {
	const n, waiters = 20_000, 40
	l, texts := newBigLab(t, n)
	h := startBigHoarder(t, texts)
	ctx := within(t)
	got := make(chan error, waiters)
	for range waiters {
		go func() { got <- l.Acquire(ctx) }()
	}
	until(l.waited)
	if l.Value() != 0 || l.taken(owner.ID()) != 0 {
		t.Error("a live process was robbed")
	}
	h.Kill()
	for i := range waiters {
		if err := <-got; err != nil {
			t.Fatalf("permit %d: %v; %d are of the dead", i, err, n-l.taken(owner.ID())-l.Value())
		}
	}
	if !until(func() bool { return l.Value() == n-waiters }) {
		t.Errorf("%d are free of %d, %d taken here", l.Value(), n, l.taken(owner.ID()))
	}
	for range waiters {
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if race.Enabled {
		return
	}
	slice(t, time.Hour) // a Try inherits without a slice, and gives back the others
	h = startBigHoarder(t, texts)
	h.Kill()
	if !until(l.TryAcquire) || l.Value() != n-1 {
		t.Errorf("TryAcquire inherits, and %d of %d are free", l.Value(), n)
	}
}

// While somebody waits the last handle stays open.
func TestBigCloseBesideWaiter(t *testing.T) {
	b, err := sem.NewBounded(1)
	if err != nil || !b.TryAcquire() {
		t.Fatal(err)
	}
	l := &biglab{Bounded: b, seg: bigSegment(text(t, b))}
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan error)
	go func() { got <- b.Acquire(ctx) }()
	until(l.waited)
	if err := l.seg.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Close(); !errors.Is(err, syscall.EBUSY) || b.Cap() != 1 {
		t.Errorf("Close beside a waiter: %v, Cap %d", err, b.Cap())
	}
	cancel()
	if err := <-got; err != context.Canceled {
		t.Errorf("the waiter: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// bigworker takes and gives, several goroutines at once.
var _ = bigHelper("bigworker", func(l *biglab, args []string) {
	most, _ := strconv.ParseInt(args[0], 10, 64)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				if err := l.Acquire(context.Background()); err != nil {
					proctest.Say(err.Error())
				}
				if l.In.Add(1) > most {
					proctest.Say("too many")
				}
				l.In.Add(-1)
				if err := l.Release(); err != nil {
					proctest.Say(err.Error())
				}
			}
		})
	}
	all.Wait()
	proctest.Say("done")
})

// Three processes share what a fourth leaves of a thousand permits, and none is lost.
func TestBigProcesses(t *testing.T) {
	const n, left = 1000, 3
	l, texts := newBigLab(t, n)
	for range n - left {
		if err := l.Acquire(ended()); err != nil {
			t.Fatal(err)
		}
	}
	var procs []*proctest.Proc
	for range 3 {
		procs = append(procs, proctest.Start(t, "bigworker", append(texts[:2:2], strconv.Itoa(left))...))
	}
	for _, p := range procs {
		p.Expect("done")
	}
	if l.Value() != left || l.taken(owner.ID()) != n-left {
		t.Errorf("%d are free, %d are here", l.Value(), l.taken(owner.ID()))
	}
}

func (l *biglab) rival() rival {
	return rival{l.Acquire, func() {
		if rand.IntN(16) == 0 { // long enough for others to fall asleep
			time.Sleep(50 * time.Microsecond)
		}
		if err := l.Release(); err != nil {
			panic(err)
		}
	}}
}

var _ = bigHelper("big rival", func(l *biglab, args []string) {
	park.SetSlice(time.Hour)
	proctest.Say("going")
	if !l.P.patient(l.rival()) {
		proctest.Say("two have it")
	}
	proctest.Say("done")
})

// bigkeeper keeps all permits but one, until it is told to give them back.
var _ = bigHelper("bigkeeper", func(l *biglab, args []string) {
	for range l.Cap() - 1 {
		if err := l.Acquire(context.Background()); err != nil {
			proctest.Say(err.Error())
		}
	}
	proctest.Say("keeps")
	proctest.Hear()
	if err := l.drop(); err != nil {
		proctest.Say(err.Error())
	}
	proctest.Say("done")
})

// TestLockCancelStorm for the last permit of a hundred, the others of which a third process has.
func TestBigCancelStorm(t *testing.T) {
	l, texts := newBigLab(t, 100)
	slice(t, time.Hour)
	keeper := proctest.Start(t, "bigkeeper", texts...)
	keeper.Expect("keeps")
	other := proctest.Start(t, "big rival", texts...)
	other.Expect("going")
	const crowd = 4
	n := killstep.Budget(4000) / crowd
	var hasty, steady sync.WaitGroup
	var gaveUp atomic.Int64
	steady.Go(func() {
		if !l.P.patient(l.rival()) {
			t.Error("two have it")
		}
	})
	for range crowd {
		hasty.Go(func() { l.P.hasty(t, l.rival(), n, &gaveUp) })
	}
	finished := make(chan struct{})
	go func() { hasty.Wait(); l.P.Stop.Store(1); steady.Wait(); close(finished) }()
	for was, over := int64(-1), false; !over; {
		select {
		case <-finished:
			over = true
		case <-time.After(ever):
			if is := l.P.N.Load(); is != was {
				was = is
				continue
			}
			t.Fatal("somebody waits for what nobody has")
		}
	}
	other.Expect("done")
	t.Logf("%d races, %d gave up; the patient ones had it %d times", crowd*n, gaveUp.Load(), l.P.N.Load())
	keeper.Send("go")
	keeper.Expect("done")
	if l.Value() != l.Cap() {
		t.Errorf("left: %d permits", l.Value())
	}
}

// bigScribble puts a value of a broken or hostile peer into one of the words.
func (l *biglab) bigScribble(r *rand.Rand) {
	ws := boundaries()
	w := ws[r.IntN(len(ws))]
	switch r.IntN(8) {
	case 0:
		atomic.StoreUint32(l.bell(), w)
	case 1:
		atomic.StoreUint32(l.freed(), []uint32{0, uint32(l.Cap()), 1 << 31, 1<<32 - 1, w}[r.IntN(5)])
	default:
		note := uint64([]uint32{0, 1, 2, 1<<32 - 1, 1 << 31}[r.IntN(5)])
		atomic.StoreUint64(l.permit(r.IntN(l.Cap())), note<<32|uint64(ws[r.IntN(len(ws))]))
	}
}

// bigUse calls everything once, with deadlines.
func (l *biglab) bigUse(t *testing.T) {
	if waitWithDeadline(t, "Acquire", l.Acquire) == nil {
		_ = l.Release() // an error: it has been scribbled over
	}
	if l.TryAcquire() {
		_ = l.Release()
	}
	if n := l.Value(); n < 0 || n > l.Cap() {
		t.Errorf("%d permits of %d", n, l.Cap())
	}
}

// Any values are there while others wait, and while a peer scribbles as fast as it can.
func TestBigHostile(t *testing.T) {
	for _, busy := range []bool{false, true} {
		l, _ := newBigLab(t, 100)
		var stop atomic.Bool
		var peer sync.WaitGroup
		r := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			l.reset(l.but(r.IntN(100)))
			for range r.IntN(300) {
				l.bigScribble(r)
			}
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { l.bigUse(t) })
			}
			if busy {
				stop.Store(false)
				peer.Go(func() {
					for r := rand.New(rand.NewPCG(3, 4)); !stop.Load(); {
						l.bigScribble(r)
					}
				})
			}
			all.Wait()
			stop.Store(true)
			peer.Wait()
		}
	}
}

// Permits move from cell to cell as fast as they can, and one is always free: TryAcquire does not say no.
func TestBigTryIsExact(t *testing.T) {
	const n = 300
	l, _ := newBigLab(t, n)
	l.reset(l.but(n - 1))
	var stop atomic.Bool
	var all sync.WaitGroup
	all.Go(func() { // gives one back before it takes one
		r := rand.New(rand.NewPCG(5, 6))
		for free := n - 1; !stop.Load(); {
			given := l.bigGive(r)
			for !l.bigTake(free) {
				free = r.IntN(n)
			}
			free = given
		}
	})
	r := rand.New(rand.NewPCG(7, 8))
	for i := range killstep.Budget(50_000) {
		if !l.TryAcquire() {
			t.Errorf("call %d: no permit, and there was one all the time", i)
			break
		}
		l.bigGive(r)
	}
	stop.Store(true)
	all.Wait()
}

// bigGive gives any one back.
func (l *biglab) bigGive(r *rand.Rand) int {
	for {
		i := r.IntN(l.Cap())
		p := l.permit(i)
		if v := atomic.LoadUint64(p); uint32(v) != 0 && atomic.CompareAndSwapUint64(p, v, v-uint64(owner.ID()<<ownerAt)+1<<32) {
			return i
		}
	}
}

// bigTake takes a certain one.
func (l *biglab) bigTake(i int) bool {
	v := atomic.LoadUint64(l.permit(i))
	return uint32(v) == 0 && atomic.CompareAndSwapUint64(l.permit(i), v, v|uint64(owner.ID()<<ownerAt))
}

// bigcut has its file cut short, and says what each call returns.
var _ = proctest.Register("bigcut", func([]string) int {
	b, err := sem.BoundedConfig{N: 1, Mem: shm.Mem{Guard: true}}.Create("bigcut")
	if err != nil || !b.TryAcquire() {
		panic(err)
	}
	cut := func() { _ = os.Truncate(filepath.Join(os.Getenv("SHMKIT_DIR"), "bigcut"), 0) }
	time.AfterFunc(50*time.Millisecond, cut)
	ctx, cancel := context.WithTimeout(context.Background(), ever)
	defer cancel()
	for _, err := range []error{b.Acquire(ctx), b.Acquire(ctx), b.Release()} { // the first waits
		if !errors.Is(err, shm.ErrTruncated) {
			proctest.Say(fmt.Sprint("not truncated: ", err))
		}
	}
	if b.TryAcquire() || b.Value() != 0 {
		proctest.Say("a permit in memory that is gone")
	}
	if err := b.Close(); err != nil {
		proctest.Say(err.Error())
	}
	proctest.Say("lives")
	return 0
})

// A file that is cut short under a call that waits, or with Mem.Guard under any, is an error.
func TestBigTruncated(t *testing.T) {
	defer os.Remove(filepath.Join(os.Getenv("SHMKIT_DIR"), "bigcut"))
	p := proctest.Start(t, "bigcut")
	p.Expect("lives")
}
