package process

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// hall has one of each primitive; sums are equal when nobody is inside.
type hall struct {
	Mutex     sem.Mutex
	A, B      int64
	RMutex    sem.RMutex
	RWMutex   sem.RWMutex
	C, D      int64
	Semaphore sem.Semaphore
	Bounded   sem.BoundedSemaphore
	Event     sem.Event
	Cond      sem.Cond
	Barrier   sem.Barrier
	Joins     atomic.Int64 // of the child: a party whose death breaks the round. Between Wait and Join it is none
	Met       int64        // rounds of the parent
	Once      sem.Once
	WaitGroup sem.WaitGroup
}

const permits = 3

type hallArgs struct {
	Hall  *shm.Var[hall]
	Up    *ringbuf.SPSC[int64]  // from the child
	Down  *ringbuf.SPSC[[]byte] // to it
	Tools []string              // handles of tools
}

// usesAll uses every primitive until it is killed.
var usesAll = Register("usesAll", func(ctx context.Context, a hallArgs) error {
	h := a.Hall.Ptr()
	up, err := a.Up.Producer()
	if err != nil {
		return err
	}
	down, err := a.Down.Consumer()
	if err != nil {
		return err
	}
	var steps []step
	for i, text := range a.Tools {
		s, err := tools[i].child(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", tools[i].name, err)
		}
		steps = append(steps, s)
	}
	go func() { // the only one that waits for its parent
		for {
			if err := h.Barrier.Join(); err != nil {
				panic(err)
			}
			h.Joins.Add(1)
			_, _ = h.Barrier.Wait(ctx, nil)
		}
	}()
	go func() {
		for {
			_, _ = down.Get(ctx)
		}
	}()
	go func() {
		for i := int64(0); ; i++ {
			_ = up.Put(ctx, i)
		}
	}()
	for {
		h.WaitGroup.Enter()
		h.Mutex.Lock()
		h.A++
		h.B++
		h.Cond.Signal(1)
		h.Mutex.Unlock()
		o := h.RMutex.Owner()
		o.Lock()
		o.Lock()
		_ = o.Depth()
		o.Unlock()
		o.Unlock()
		h.RWMutex.Lock()
		h.C++
		h.D++
		h.RWMutex.Unlock()
		h.RWMutex.RLock()
		_ = h.C + h.D
		h.RWMutex.RUnlock()
		_ = h.Semaphore.Release(1)
		h.Semaphore.TryAcquire()
		if err := h.Bounded.Acquire(ctx); err != nil {
			return err
		}
		_ = h.Bounded.Release()
		h.Event.Set()
		h.Event.Clear()
		_ = h.Once.Do(ctx, func() error { return errors.New("again") })
		h.WaitGroup.Leave()
		for i, step := range steps {
			if err := step(); err != nil {
				return fmt.Errorf("%s: %w", tools[i].name, err)
			}
		}
	}
})

// A child is killed at any moment while it uses every primitive. The parent uses them too, before and after, and
// ends its work each time.
func TestKillChildren(t *testing.T) {
	n := kills(15, 100_000)
	var took []time.Duration
	for range n {
		took = append(took, killOne(t))
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills, %d kinds of objects beside sem; after the death the parent's work took %s", n, len(tools), quantiles(took))
}

// killOne tells how long the parent's round takes that follows the death.
func killOne(t *testing.T) time.Duration {
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	v, err1 := shm.Config[hall]{Init: func(h *hall) { h.Bounded.Init(permits); h.Barrier.Init(2) }}.New()
	up, err2 := ringbuf.NewSPSC[int64](64)
	down, err3 := ringbuf.NewSPSC[[]byte](4096)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	args := hallArgs{Hall: v, Up: up, Down: down}
	steps, buried, closeTools := takeTools(t, ctx, &args)
	defer func() {
		if err := errors.Join(up.Close(), down.Close(), v.Close(), closeTools()); err != nil {
			t.Error(err)
		}
	}()
	h := v.Ptr()
	p := launched(t, usesAll, args)
	killed := make(chan struct{})
	time.AfterFunc(rand.N(40*time.Millisecond), func() {
		p.Kill()
		close(killed)
	})
	for alive := true; alive; {
		select {
		case <-killed:
			alive = false
		default:
		}
		work(t, ctx, h, steps)
	}
	begin := time.Now() // its memory may be on the way out still: recovery waits for that
	work(t, ctx, h, steps)
	took := time.Since(begin)
	if e := wantExit(t, joined(t, p), -1); e.Signal != 9 {
		t.Fatal(e)
	}
	work(t, ctx, h, steps)
	after(t, ctx, h, up)
	if err := buried(); err != nil {
		t.Fatal(err)
	}
	return took
}

// takeTools makes one of each.
func takeTools(t *testing.T, ctx context.Context, args *hallArgs) (steps []step, buried, done func() error) {
	t.Helper()
	var made []object
	for _, x := range tools {
		o, err := x.make()
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		made = append(made, o)
		text, err := o.MarshalText()
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		args.Tools = append(args.Tools, string(text))
		s, err := x.parent(ctx, o)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		steps = append(steps, s)
	}
	buried = func() error {
		for i, o := range made {
			if m, ok := o.(mourner); ok {
				if err := m.Buried(ctx); err != nil {
					return fmt.Errorf("%s: %w", tools[i].name, err)
				}
			}
		}
		return nil
	}
	return steps, buried, func() (err error) {
		for _, o := range made {
			err = errors.Join(err, o.Close())
		}
		return err
	}
}

// work is the parent's turn with everything that the child shares with it.
func work(t *testing.T, ctx context.Context, h *hall, steps []step) {
	t.Helper()
	fatal := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	fatal("Mutex", h.Mutex.LockContext(ctx))
	if h.Mutex.Abandoned() {
		h.B = h.A
		h.Mutex.Repaired()
	}
	if h.A != h.B {
		t.Fatalf("Mutex: %d, %d", h.A, h.B)
	}
	h.Cond.Broadcast()
	h.Mutex.Unlock()
	o := h.RMutex.Owner()
	fatal("RMutex", o.LockContext(ctx))
	o.Unlock()
	fatal("RWMutex", h.RWMutex.LockContext(ctx))
	if h.RWMutex.Abandoned() {
		h.D = h.C
		h.RWMutex.Repaired()
	}
	h.RWMutex.Unlock()
	fatal("RWMutex", h.RWMutex.RLockContext(ctx))
	if h.C != h.D {
		t.Fatalf("RWMutex: %d, %d", h.C, h.D)
	}
	h.RWMutex.RUnlock()
	fatal("Semaphore", h.Semaphore.Release(1))
	h.Semaphore.TryAcquire()
	fatal("BoundedSemaphore", h.Bounded.Acquire(ctx))
	fatal("BoundedSemaphore", h.Bounded.Release())
	h.Event.IsSet()
	if h.Joins.Load() > h.Met {
		h.Met++
		if _, err := h.Barrier.Wait(ctx, nil); err != nil && !errors.Is(err, sem.ErrBroken) {
			t.Fatalf("Barrier: %v", err)
		}
	}
	fatal("Once", h.Once.Do(ctx, func() error { return nil }))
	fatal("WaitGroup", h.WaitGroup.Wait(ctx)) // the child is between two rounds, or dead
	for i, step := range steps {
		fatal(tools[i].name, step())
	}
}

// after is what must hold when the child is dead: nothing is missing and nothing is kept.
func after(t *testing.T, ctx context.Context, h *hall, up *ringbuf.SPSC[int64]) {
	t.Helper()
	for range permits {
		if err := h.Bounded.Acquire(ctx); err != nil {
			t.Fatalf("a permit is gone: %v", err)
		}
	}
	c, err := up.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	for want := int64(0); ; want++ {
		got, err := c.TryGet()
		if err == ringbuf.ErrEmpty {
			return
		}
		if err != nil || got != want {
			t.Fatalf("item %d is %d, %v", want, got, err)
		}
	}
}
