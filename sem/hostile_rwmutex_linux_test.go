package sem_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// scribble puts a value of a broken or hostile peer into one of the words.
func (l *rwlab) scribble(r *rand.Rand) {
	ws := boundaries()
	w := ws[r.IntN(len(ws))]
	cell := uint64(ws[r.IntN(len(ws))]) | uint64([]uint32{0, 1, 2, 1<<32 - 1, 1 << 31}[r.IntN(5)])<<32
	switch r.IntN(6) {
	case 0:
		atomic.StoreUint32(l.word(), w)
	case 1:
		atomic.StoreUint32(l.drain(), w)
	case 2:
		atomic.StoreUint64(l.place(r.IntN(rwPlaces)), cell)
	case 3:
		atomic.StoreUint32(l.permits(), []uint32{0, 1, 3, 64, 65, 1 << 31, 1<<32 - 1, w}[r.IntN(8)])
	case 4:
		atomic.StoreUint32(l.bell(), w)
	case 5:
		atomic.StoreUint64(l.permit(r.IntN(sem.MaxPermits)), cell)
	}
}

// tolerate calls what may panic when a peer has scribbled over the words.
func tolerate(f func()) {
	defer func() { recover() }()
	f()
}

// use calls everything once, with deadlines. None is exceeded, nothing crashes.
func (l *rwlab) use(t *testing.T) {
	if waitWithDeadline(t, "LockContext", l.RW.LockContext) == nil {
		tolerate(l.RW.Repaired)
		tolerate(l.RW.Unlock)
	}
	if waitWithDeadline(t, "RLockContext", l.RW.RLockContext) == nil {
		tolerate(l.RW.RUnlock)
	}
	l.permitWithDeadline(t)
	if l.RW.TryLock() {
		tolerate(l.RW.Unlock)
	}
	if l.RW.TryRLock() {
		tolerate(l.RW.RUnlock)
	}
	if n := l.Bo.Value(); n < 0 || n > sem.MaxPermits {
		t.Errorf("%d permits", n)
	}
	l.Bo.TryAcquire()
	l.Bo.Release()
}

func (l *rwlab) permitWithDeadline(t *testing.T) {
	start := time.Now()
	c, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := l.Bo.Acquire(c)
	if d := time.Since(start); d > patience+time.Second {
		t.Errorf("Acquire ended %v after its deadline", d-patience)
	}
	switch {
	case err == nil:
		l.Bo.Release()
	case c.Err() == nil && !errors.Is(err, sem.ErrUninitialized) && !errors.Is(err, shm.ErrCorrupt):
		t.Errorf("Acquire: %v", err)
	}
}

// Any values are there while others wait.
func TestHostileRWWords(t *testing.T) {
	l, _ := newRWLab(t)
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 60
	if testing.Short() {
		rounds = 6
	}
	for range rounds {
		l.reset(0, 2)
		for range r.IntN(6) {
			l.scribble(r)
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { l.use(t) })
		}
		time.Sleep(patience / 4)
		l.scribble(r)
		all.Wait()
	}
}

// A peer scribbles all the time, as fast as it can.
func TestHostileRWScribbler(t *testing.T) {
	l, _ := newRWLab(t)
	l.reset(0, 2)
	var stop atomic.Bool
	var all, users sync.WaitGroup
	all.Go(func() {
		for r := rand.New(rand.NewPCG(3, 4)); !stop.Load(); {
			l.scribble(r)
		}
	})
	for range 3 {
		users.Go(func() {
			for range 10 {
				l.use(t)
			}
		})
	}
	users.Wait()
	stop.Store(true)
	all.Wait()
}

// A number of permits that no Init has given is told, and nothing beyond the table is touched.
func TestBoundedCorrupt(t *testing.T) {
	l, _ := newRWLab(t)
	for _, n := range []uint32{sem.MaxPermits + 1, 1 << 31, 1<<32 - 1} {
		l.reset(0, 1)
		atomic.StoreUint32(l.permits(), n)
		if err := l.Bo.Acquire(ended()); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("Acquire of %d: %v", n, err)
		}
		if err := l.Bo.Release(); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("Release of %d: %v", n, err)
		}
		if l.Bo.TryAcquire() || l.Bo.Value() != 0 || l.Bo.Cap() != 0 {
			t.Errorf("permits of %d", n)
		}
	}
}

// Permits move from cell to cell as fast as they can, and one is always free: TryAcquire never says no.
func TestBoundedTryIsExact(t *testing.T) {
	l, _ := newRWLab(t)
	const n = sem.MaxPermits
	l.reset(0, n)
	for i := range n - 1 {
		atomic.StoreUint64(l.permit(i), claim(owner.ID()<<ownerAt, 0))
	}
	var stop atomic.Bool
	var all sync.WaitGroup
	all.Go(func() { // gives one back before it takes one
		r := rand.New(rand.NewPCG(5, 6))
		for free := n - 1; !stop.Load(); {
			given := l.givePermit(r)
			for !l.takePermit(free) {
				free = r.IntN(n)
			}
			free = given
		}
	})
	r := rand.New(rand.NewPCG(7, 8))
	for i := range killstep.Budget(400_000) {
		if !l.Bo.TryAcquire() {
			t.Errorf("call %d: no permit, and there was one all the time", i)
			break
		}
		l.givePermit(r) // not Release, which would keep the one free that is tried first
	}
	stop.Store(true)
	all.Wait()
}

// givePermit gives any one back.
func (l *rwlab) givePermit(r *rand.Rand) int {
	for {
		i := r.IntN(sem.MaxPermits)
		p := l.permit(i)
		if v := atomic.LoadUint64(p); uint32(v) != 0 && atomic.CompareAndSwapUint64(p, v, v-uint64(owner.ID()<<ownerAt)+1<<32) {
			return i
		}
	}
}

// takePermit takes a certain one.
func (l *rwlab) takePermit(i int) bool {
	v := atomic.LoadUint64(l.permit(i))
	return uint32(v) == 0 && atomic.CompareAndSwapUint64(l.permit(i), v, v|uint64(owner.ID()<<ownerAt))
}
