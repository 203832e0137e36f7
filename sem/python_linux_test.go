package sem_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
)

// The tests TestPython… are what Python's multiprocessing documents, or does, for its synchronisation, each
// between two processes. They say where this package does otherwise, and mean to.

// desk has one of each, and is shared with a peer that does as it is told.
type desk struct {
	Mu    sem.Mutex
	R     sem.RMutex
	Sem   sem.Semaphore
	Bo    sem.BoundedSemaphore
	Cond  sem.Cond
	Event sem.Event
	B     sem.Barrier
	Slow  atomic.Uint32 // the slice of both processes, in milliseconds
	Items atomic.Int64  // guarded by Mu
	Home  atomic.Int64
}

// parties and permits are those of a desk.
const (
	parties = 2
	permits = 2
)

func newDesk(t *testing.T, d time.Duration) (*desk, string) {
	t.Helper()
	slice(t, d)
	c := shm.Config[desk]{Init: func(y *desk) { y.B.Init(parties); y.Bo.Init(permits) }}
	v, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	v.Ptr().Slow.Store(uint32(d / time.Millisecond))
	return v.Ptr(), text(t, v)
}

// peer is a second process at a new desk.
func peer(t *testing.T, d time.Duration) (*desk, *proctest.Proc) {
	t.Helper()
	y, handle := newDesk(t, d)
	p := proctest.Start(t, "python peer")
	p.Send(handle)
	return y, p
}

// tell gives an order, and wants the answer.
func tell(t *testing.T, p *proctest.Proc, order, want string) {
	t.Helper()
	p.Send(order)
	if got := p.Recv(); got != want {
		t.Errorf("the peer was told to %s: %s, want %s", order, got, want)
	}
}

// The peer hears a handle, and then orders. Of what waits it says when it is asleep.
var _ = proctest.Register("python peer", func([]string) int {
	v := new(shm.Var[desk])
	if err := v.UnmarshalText([]byte(proctest.Hear())); err != nil {
		panic(err)
	}
	y := v.Ptr()
	park.SetSlice(time.Duration(y.Slow.Load()) * time.Millisecond)
	o := y.R.Owner()
	for {
		order := proctest.Hear()
		if f, ok := waiting[order]; ok {
			got := background(func() error { return f(y) })
			until(func() bool { return parked() > 0 || len(got) > 0 })
			proctest.Say("waits")
			proctest.Say(fmt.Sprint(<-got))
			continue
		}
		proctest.Say(fmt.Sprint(orders[order](y, o)))
	}
})

// orders are what does not wait, or not for long.
var orders = map[string]func(y *desk, o *sem.Owner) any{
	"lock":       func(y *desk, _ *sem.Owner) any { return y.Mu.LockContext(context.Background()) },
	"try lock":   func(y *desk, _ *sem.Owner) any { return y.Mu.TryLock() },
	"unlock":     func(y *desk, _ *sem.Owner) any { return panics(y.Mu.Unlock) },
	"rlock":      func(_ *desk, o *sem.Owner) any { o.Lock(); return o.Depth() },
	"try rlock":  func(_ *desk, o *sem.Owner) any { return o.TryLock() },
	"runlock":    func(_ *desk, o *sem.Owner) any { return panics(o.Unlock) },
	"acquire":    func(y *desk, _ *sem.Owner) any { return y.Sem.TryAcquire() },
	"release":    func(y *desk, _ *sem.Owner) any { return y.Sem.Release(1) },
	"bo acquire": func(y *desk, _ *sem.Owner) any { return y.Bo.TryAcquire() },
	"bo release": func(y *desk, _ *sem.Owner) any { return y.Bo.Release() == nil },
	"set":        func(y *desk, _ *sem.Owner) any { y.Event.Set(); return y.Event.IsSet() },
	"join":       func(y *desk, _ *sem.Owner) any { return y.B.Join() },
	"clear":      func(y *desk, _ *sem.Owner) any { y.Event.Clear(); return y.Event.IsSet() },
}

// waiting are what waits until this process, or time, comes to help.
var waiting = map[string]func(y *desk) error{
	"wait for the lock":      func(y *desk) error { defer y.Mu.Unlock(); return y.Mu.LockContext(context.Background()) },
	"wait for a token":       func(y *desk) error { return y.Sem.Acquire(context.Background()) },
	"wait for a permit":      func(y *desk) error { return y.Bo.Acquire(context.Background()) },
	"wait for the event":     func(y *desk) error { return y.Event.Wait(context.Background()) },
	"wait for a signal":      (*desk).signalled,
	"wait for an item":       (*desk).item,
	"meet":                   func(y *desk) error { _, err := y.B.Wait(context.Background(), nil); return err },
	"meet, for a short time": func(y *desk) error { _, err := y.B.Wait(briefly(), nil); return err },
}

// briefly is a context that ends in a moment.
func briefly() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(5*time.Millisecond, cancel)
	return ctx
}

// Lock.acquire(block=False), acquire(timeout=…), and timeout < 0, which is 0. What times out has taken nothing.
// Python counts the timeout by the wall clock; a context counts by the monotonic one.
func TestPythonLock(t *testing.T) {
	y, p := peer(t, short)
	tell(t, p, "lock", "<nil>")
	if y.Mu.TryLock() {
		t.Error("two processes hold the lock")
	}
	for _, ctx := range []context.Context{briefly(), ended()} {
		if err := y.Mu.LockContext(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	tell(t, p, "unlock", "false")
	y.Mu.Lock()
	tell(t, p, "try lock", "false")
	p.Send("wait for the lock")
	p.Expect("waits")
	y.Mu.Unlock()
	p.Expect("<nil>")
}

// Lock.release of what is not locked: ValueError; here a panic. Python lets any process release; here it is
// the holder's, any goroutine of it, and who tries otherwise panics and changes nothing.
func TestPythonLockRelease(t *testing.T) {
	y, p := peer(t, short)
	mustPanic(t, "Unlock of what is not locked", y.Mu.Unlock)
	tell(t, p, "lock", "<nil>")
	mustPanic(t, "Unlock of what another process holds", y.Mu.Unlock)
	tell(t, p, "unlock", "false")
	y.Mu.Lock()
	tell(t, p, "unlock", "true")
	released := make(chan bool)
	go func() { y.Mu.Unlock(); close(released) }()
	<-released
	tell(t, p, "try lock", "true")
}

// A Lock whose owner was killed stays locked for ever. Here the next one takes over, and is told.
func TestPythonLockOwnerKilled(t *testing.T) {
	y, p := peer(t, short)
	tell(t, p, "lock", "<nil>")
	p.Kill()
	if err := y.Mu.LockContext(within(t)); err != nil || !y.Mu.Abandoned() {
		t.Errorf("%v, abandoned %v", err, y.Mu.Abandoned())
	}
}

// RLock counts, and lets others in after the last release. Python's owner is a process and a thread; goroutines
// have no identity, so here it is an Owner. Release by another: AssertionError; here a panic.
func TestPythonRLock(t *testing.T) {
	y, p := peer(t, short)
	tell(t, p, "rlock", "1")
	tell(t, p, "rlock", "2")
	tell(t, p, "try rlock", "true")
	o := y.R.Owner()
	mustPanic(t, "Unlock by who does not hold it", o.Unlock)
	for range 3 {
		if o.TryLock() {
			t.Error("two owners hold it")
		}
		tell(t, p, "runlock", "false")
	}
	tell(t, p, "runlock", "true")
	o.Lock()
	tell(t, p, "try rlock", "false")
	if y.R.Owner().TryLock() {
		t.Error("two owners of one process hold it")
	}
	o.Unlock()
}

// An RLock whose owner was killed stays locked. Here the next takes over, at the first level.
func TestPythonRLockOwnerKilled(t *testing.T) {
	y, p := peer(t, short)
	tell(t, p, "rlock", "1")
	tell(t, p, "rlock", "2")
	p.Kill()
	o := y.R.Owner()
	if err := o.LockContext(within(t)); err != nil || !o.Abandoned() || o.Depth() != 1 {
		t.Errorf("%v, abandoned %v, depth %d", err, o.Abandoned(), o.Depth())
	}
	o.Unlock()
}

// Semaphore: any process releases what any has acquired, and above what there was at first. get_value is there
// on every system; a timeout takes nothing; and there is a Release of several.
func TestPythonSemaphore(t *testing.T) {
	y, p := peer(t, short)
	if err := y.Sem.Release(2); err != nil {
		t.Fatal(err)
	}
	tell(t, p, "acquire", "true")
	tell(t, p, "acquire", "true")
	if y.Sem.TryAcquire() || y.Sem.Acquire(briefly()) == nil || y.Sem.Value() != 0 {
		t.Error("more tokens than there are")
	}
	tell(t, p, "release", "<nil>")
	if err := y.Sem.Release(2); err != nil || y.Sem.Value() != 3 {
		t.Errorf("%v, %d tokens of two at first, want 3", err, y.Sem.Value())
	}
	for range 3 {
		tell(t, p, "acquire", "true")
	}
	p.Send("wait for a token")
	p.Expect("waits")
	if err := y.Sem.Release(1); err != nil {
		t.Error(err)
	}
	p.Expect("<nil>")
}

// A negative value: OSError; release above SEM_VALUE_MAX: ValueError. Here both are an error that changes nothing.
func TestPythonSemaphoreLimits(t *testing.T) {
	y, p := peer(t, short)
	if err := y.Sem.Release(-1); err == nil || y.Sem.Value() != 0 {
		t.Errorf("Release(-1): %v, value %d", err, y.Sem.Value())
	}
	if err := y.Sem.Release(sem.MaxValue); err != nil {
		t.Fatal(err)
	}
	if err := y.Sem.Release(1); err == nil || y.Sem.Value() != sem.MaxValue {
		t.Errorf("Release above the limit: %v, value %d", err, y.Sem.Value())
	}
	tell(t, p, "acquire", "true")
	tell(t, p, "release", "<nil>")
}

// What a killed process has acquired of a Semaphore is gone, in Python and here. A killed waiter takes nothing.
func TestPythonSemaphoreKilled(t *testing.T) {
	y, p := peer(t, short)
	if err := y.Sem.Release(1); err != nil {
		t.Fatal(err)
	}
	tell(t, p, "acquire", "true")
	p.Send("wait for a token")
	p.Expect("waits")
	p.Kill()
	if y.Sem.Value() != 0 || y.Sem.TryAcquire() {
		t.Error("a token of the dead has come back")
	}
	if err := y.Sem.Release(1); err != nil {
		t.Error(err)
	}
	if err := y.Sem.Acquire(within(t)); err != nil {
		t.Errorf("after the death of a waiter: %v", err)
	}
}

// BoundedSemaphore: one release too many is a ValueError, by a check that others may pass at the same time; here
// it is an error that changes nothing. Python lets any process release; here it must have acquired.
func TestPythonBoundedSemaphore(t *testing.T) {
	y, p := peer(t, short)
	if err := y.Bo.Release(); err == nil || y.Bo.Value() != permits {
		t.Errorf("one release too many: %v, %d free", err, y.Bo.Value())
	}
	tell(t, p, "bo acquire", "true")
	if err := y.Bo.Release(); err == nil || y.Bo.Value() != permits-1 {
		t.Errorf("release of another one's: %v, %d free", err, y.Bo.Value())
	}
	if !y.Bo.TryAcquire() || y.Bo.TryAcquire() || y.Bo.Acquire(briefly()) == nil {
		t.Error("not two permits")
	}
	p.Send("wait for a permit")
	p.Expect("waits")
	if err := y.Bo.Release(); err != nil {
		t.Error(err)
	}
	p.Expect("<nil>")
	tell(t, p, "bo release", "true")
	tell(t, p, "bo release", "true")
	tell(t, p, "bo release", "false")
}

// What a killed process has acquired is gone for ever. Here it comes back.
func TestPythonBoundedSemaphoreKilled(t *testing.T) {
	y, p := peer(t, short)
	for range permits {
		tell(t, p, "bo acquire", "true")
	}
	p.Kill()
	for range permits {
		if err := y.Bo.Acquire(within(t)); err != nil {
			t.Error(err)
		}
	}
}

// All of Python's reach another process by inheritance alone; elsewhere pickling is a RuntimeError. Here a
// handle is text: it reaches a process that runs already, and from that the next one.
func TestPythonSharing(t *testing.T) {
	y, handle := newDesk(t, short)
	for range 2 {
		p := proctest.Start(t, "python peer")
		p.Send(handle)
		tell(t, p, "set", "true")
		if !y.Event.IsSet() {
			t.Error("the peer is at another desk")
		}
		y.Event.Clear()
	}
}
