package sem_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/sem"
)

// signalled waits for one signal, and counts itself.
func (y *desk) signalled() error {
	y.Mu.Lock()
	defer y.Mu.Unlock()
	err := y.Cond.Wait(context.Background(), &y.Mu)
	y.Home.Add(1)
	return err
}

// item waits until there is one, and takes it.
func (y *desk) item() error {
	y.Mu.Lock()
	defer y.Mu.Unlock()
	err := y.Cond.WaitFor(context.Background(), &y.Mu, func() bool { return y.Items.Load() > 0 })
	if err == nil {
		y.Items.Add(-1)
		y.Home.Add(1)
	}
	return err
}

// asleep is n processes that wait for the same.
func asleep(t *testing.T, y *desk, handle, what string, n int) (ps []*proctest.Proc) {
	t.Helper()
	for range n {
		p := proctest.Start(t, "python peer")
		p.Send(handle)
		p.Send(what)
		p.Expect("waits")
		ps = append(ps, p)
	}
	return ps
}

func (y *desk) returned(t *testing.T, n int64) {
	t.Helper()
	if !until(func() bool { return y.Home.Load() >= n }) {
		t.Fatalf("%d have returned, want %d", y.Home.Load(), n)
	}
}

// Condition.wait and notify without the lock: AssertionError. Here Wait panics; Signal needs no lock, as
// sync.Cond's does not. Python's wait gives up all levels of an RLock; here a Cond goes with a Mutex alone.
func TestPythonConditionUnowned(t *testing.T) {
	y, p := peer(t, short)
	tell(t, p, "lock", "<nil>")
	mustPanic(t, "Wait with the lock in another process", func() { y.Cond.Wait(ended(), &y.Mu) })
	y.Cond.Signal(1)
	y.Cond.Broadcast()
	tell(t, p, "unlock", "false")
	mustPanic(t, "Wait with the lock free", func() { y.Cond.Wait(ended(), &y.Mu) })
}

// Condition.wait(timeout): False on timeout alone, and the lock is held again. During the wait it is free.
func TestPythonConditionTimeout(t *testing.T) {
	y, p := peer(t, time.Hour) // no slice ends a Wait
	y.Mu.Lock()
	ctx, cancel := context.WithCancel(context.Background())
	got := background(func() error { return y.Cond.Wait(ctx, &y.Mu) })
	allParked(t, 1)
	tell(t, p, "lock", "<nil>")
	tell(t, p, "unlock", "false")
	cancel()
	if err := <-got; err != context.Canceled {
		t.Error(err)
	}
	tell(t, p, "try lock", "false")
	y.Mu.Unlock()
	p.Send("wait for a signal")
	p.Expect("waits")
	y.Cond.Signal(1)
	p.Expect("<nil>")
}

// Condition.wait_for returns the last value of the predicate, which is called with the lock held.
func TestPythonConditionWaitFor(t *testing.T) {
	y, p := peer(t, short)
	p.Send("wait for an item")
	p.Expect("waits")
	y.Mu.Lock()
	if err := y.Cond.WaitFor(briefly(), &y.Mu, func() bool { return false }); err != context.Canceled {
		t.Errorf("the predicate is false, and its time is over: %v", err)
	}
	if err := y.Cond.WaitFor(ended(), &y.Mu, func() bool { return true }); err != nil {
		t.Errorf("the predicate is true, although its time is over: %v", err)
	}
	y.Items.Store(1)
	y.Cond.Signal(1)
	y.Mu.Unlock()
	p.Expect("<nil>")
}

// Condition.notify(n) wakes n at most, and blocks until each has said so. Here Signal(n) wakes n at least, if
// so many wait, and does not wait for them; notify_all is Broadcast.
func TestPythonConditionNotify(t *testing.T) {
	y, handle := newDesk(t, time.Hour)
	ps := asleep(t, y, handle, "wait for a signal", 4)
	y.Cond.Signal(0)
	y.Cond.Signal(1)
	y.returned(t, 1)
	y.Cond.Signal(2)
	y.returned(t, 3)
	y.Cond.Broadcast()
	for _, p := range ps {
		p.Expect("<nil>")
	}
	y.returned(t, 4)
}

// A killed waiter hangs Python's notify for ever. Here it returns, and the living one gets what there is, be it
// that the signal was for the dead one.
func TestPythonConditionWaiterKilled(t *testing.T) {
	y, handle := newDesk(t, short)
	ps := asleep(t, y, handle, "wait for an item", 2)
	ps[0].Kill()
	y.Mu.Lock()
	y.Items.Store(1)
	y.Cond.Signal(1)
	y.Mu.Unlock()
	ps[1].Expect("<nil>")
}

// Event: set, clear, is_set, and wait(timeout).
func TestPythonEvent(t *testing.T) {
	y, p := peer(t, short)
	if err := y.Event.Wait(briefly()); err != context.Canceled || y.Event.IsSet() {
		t.Errorf("%v, and nobody has set it", err)
	}
	got := background(func() error { return y.Event.Wait(within(t)) })
	tell(t, p, "set", "true")
	if err := <-got; err != nil || !y.Event.IsSet() {
		t.Errorf("%v, set %v", err, y.Event.IsSet())
	}
	if err := y.Event.Wait(ended()); err != nil {
		t.Errorf("it is set: %v", err)
	}
	tell(t, p, "clear", "false")
	if y.Event.IsSet() || y.Event.Wait(ended()) == nil {
		t.Error("set, and another process has cleared it")
	}
}

// A set with clear at once may be missed by Python's waiters. Here it ends every Wait that has begun.
func TestPythonEventPulse(t *testing.T) {
	y, handle := newDesk(t, time.Hour)
	ps := asleep(t, y, handle, "wait for the event", 2)
	ps[0].Stop()
	y.Event.Set()
	y.Event.Clear()
	ps[1].Expect("<nil>")
	ps[0].Cont()
	ps[0].Expect("<nil>")
}

// A killed waiter hangs Python's set for ever. Here set returns, and the others come home.
func TestPythonEventWaiterKilled(t *testing.T) {
	y, handle := newDesk(t, time.Hour)
	ps := asleep(t, y, handle, "wait for the event", 2)
	ps[0].Kill()
	y.Event.Set()
	ps[1].Expect("<nil>")
}

// Barrier.wait returns 0 … n−1, another number to each, and the action runs once, in one of the processes, before
// any returns; many times over.
func TestPythonBarrier(t *testing.T) {
	y, p := peer(t, short)
	if y.B.Parties() != parties || y.B.Waiting() != 0 || y.B.Broken() {
		t.Errorf("%d parties, %d wait, broken %v", y.B.Parties(), y.B.Waiting(), y.B.Broken())
	}
	const rounds = 20
	acts := 0
	for range rounds {
		p.Send("meet")
		p.Expect("waits")
		if n := y.B.Waiting(); n != 1 {
			t.Errorf("%d wait", n)
		}
		i, err := y.B.Wait(within(t), func() error { acts++; return nil })
		if err != nil || i < 0 || i >= parties {
			t.Errorf("number %d, %v", i, err)
		}
		p.Expect("<nil>")
	}
	if acts != rounds {
		t.Errorf("%d actions in %d rounds", acts, rounds)
	}
	var seen [parties]int
	var all sync.WaitGroup
	for range parties {
		all.Go(func() {
			if i, err := y.B.Wait(within(t), nil); err != nil {
				t.Error(err)
			} else {
				seen[i]++
			}
		})
	}
	if all.Wait(); seen != [parties]int{1, 1} {
		t.Errorf("numbers given out: %v", seen)
	}
}

// An action that raises breaks the barrier: its process gets the error, the others BrokenBarrierError.
func TestPythonBarrierAction(t *testing.T) {
	y, p := peer(t, short)
	p.Send("meet")
	p.Expect("waits")
	bad := errors.New("bad")
	if _, err := y.B.Wait(within(t), func() error { return bad }); err != bad || !y.B.Broken() {
		t.Errorf("%v, broken %v", err, y.B.Broken())
	}
	p.Expect(sem.ErrBroken.Error())
}

// Timeout and abort break it for all who wait, and all who come, until reset. The timeout is each Wait's own.
func TestPythonBarrierBreaks(t *testing.T) {
	y, p := peer(t, short)
	for _, c := range []struct{ how, answer string }{
		{"meet", sem.ErrBroken.Error()},
		{"meet, for a short time", context.Canceled.Error()},
	} {
		p.Send(c.how)
		p.Expect("waits")
		if c.how == "meet" {
			y.B.Abort()
		}
		p.Expect(c.answer)
		if _, err := y.B.Wait(within(t), nil); err != sem.ErrBroken || !y.B.Broken() {
			t.Errorf("%s: %v, broken %v", c.how, err, y.B.Broken())
		}
		y.B.Reset()
		y.meet(t, p)
	}
}

func (y *desk) meet(t *testing.T, p *proctest.Proc) {
	t.Helper()
	p.Send("meet")
	p.Expect("waits")
	if _, err := y.B.Wait(within(t), nil); err != nil {
		t.Error(err)
	}
	p.Expect("<nil>")
}

// Reset breaks those who wait, and makes it usable again; nobody has to have broken it.
func TestPythonBarrierReset(t *testing.T) {
	y, p := peer(t, short)
	p.Send("meet")
	p.Expect("waits")
	y.B.Reset()
	p.Expect(sem.ErrBroken.Error())
	if y.B.Broken() {
		t.Error("broken after Reset")
	}
	y.meet(t, p)
}

// Who is killed on the way to a barrier leaves the others waiting for ever. Here they are told, if it had joined
// or was there already.
func TestPythonBarrierPartyKilled(t *testing.T) {
	y, p := peer(t, short)
	tell(t, p, "join", "<nil>")
	got := background(func() error { _, err := y.B.Wait(within(t), nil); return err })
	if !until(func() bool { return y.B.Waiting() == 1 }) || y.B.Broken() {
		t.Errorf("%d wait, broken %v, and all live", y.B.Waiting(), y.B.Broken())
	}
	p.Kill()
	if err := <-got; err != sem.ErrBroken {
		t.Error(err)
	}
}

// A Barrier of less than one party is made, and waits for ever. Here it is refused. One party need not wait.
func TestPythonBarrierParties(t *testing.T) {
	y, p := peer(t, short)
	for _, n := range []int{-1, 0, sem.MaxParties + 1} {
		mustPanic(t, fmt.Sprint("Init with ", n), func() { new(sem.Barrier).Init(n) })
	}
	b := newBarrier(1)
	if i, err := b.Wait(ended(), nil); i != 0 || err != nil {
		t.Errorf("alone: %d, %v", i, err)
	}
	y.meet(t, p)
}
