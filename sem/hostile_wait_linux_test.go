package sem_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// waits are the calls that must end at their deadlines, whatever the words say.
func (y *yard) waits() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Event.Wait": y.Event.Wait,
		"Cond.Wait": func(ctx context.Context) error {
			y.Mu.Lock()
			defer y.Mu.Unlock()
			return y.Cond.Wait(ctx, &y.Mu)
		},
		"Once.Do":     func(ctx context.Context) error { return y.Once.Do(ctx, func() error { return nil }) },
		"LockContext": func(ctx context.Context) error { return y.rlock(ctx) },
	}
}

// rlock locks and unlocks; a word that a peer has scribbled over in between makes Unlock panic, as documented.
func (y *yard) rlock(ctx context.Context) error {
	o := y.R.Owner()
	if err := o.LockContext(ctx); err != nil {
		return err
	}
	defer func() { recover() }()
	o.Unlock()
	return nil
}

func (y *yard) scribble(w uint32) {
	for _, i := range []int{condAt, eventAt, onceAt, rmutexAt, depthAt} {
		y.set(i, w)
	}
}

// Each waits with a deadline in each of the words, while others scribble it.
func TestHostileWaits(t *testing.T) {
	y, _ := newYard(t, short)
	for i, w := range boundaries() {
		if testing.Short() && i%8 != 0 {
			continue
		}
		y.scribble(w)
		var all sync.WaitGroup
		for name, wait := range y.waits() {
			all.Go(func() { waitWithDeadline(t, name, wait) })
		}
		y.scribble(w ^ 1)
		y.Event.Set()
		y.Event.Clear()
		y.Cond.Signal(1)
		y.Cond.Broadcast()
		all.Wait()
	}
}

// A peer scribbles all the time, as fast as it can.
func TestHostileWaitsScribbled(t *testing.T) {
	y, _ := newYard(t, short)
	var stop atomic.Bool
	var all, waits sync.WaitGroup
	ws := boundaries()
	all.Go(func() {
		for i := 0; !stop.Load(); i++ {
			y.scribble(ws[i%len(ws)])
		}
	})
	for name, wait := range y.waits() {
		waits.Go(func() {
			for range 15 {
				waitWithDeadline(t, name, wait)
				y.Event.Set()
				y.Event.Clear()
				y.Cond.Signal(2)
				y.Cond.Broadcast()
			}
		})
	}
	waits.Wait()
	stop.Store(true)
	all.Wait()
}
