package sem_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/internal/owner"
)

// boundaries are words that a broken or hostile peer may leave.
func boundaries() (ws []uint32) {
	for _, w := range []uint32{0, 1 << 3, owner.ID() << ownerAt, ghost(), 1 << 31, 1<<31 - 8, 1<<32 - 8, 0xdeadbee8, 0x55555550} {
		for bits := range uint32(8) {
			ws = append(ws, w|bits)
		}
	}
	return ws
}

const patience = 10 * time.Millisecond

// waitWithDeadline calls f with a deadline and fails the test when f ends much later.
func waitWithDeadline(t *testing.T, what string, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	err := f(ctx)
	if d := time.Since(start); d > patience+time.Second {
		t.Errorf("%s ended %v after its deadline", what, d-patience)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v", what, err)
	}
	return err
}

// unlock gives back what a peer may have scribbled over: then it panics, as documented.
func unlock(l *lab) {
	defer func() { recover() }()
	l.Mu.Unlock()
}

// Two wait with a deadline in each of the words, and others scribble it while they do.
func TestHostileWords(t *testing.T) {
	l, _ := newLab(t)
	for _, w := range boundaries() {
		for _, from := range []uint32{w, owner.ID()<<ownerAt | bitW, ghost()} {
			l.reset(from, w&^1)
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					if waitWithDeadline(t, "LockContext", l.Mu.LockContext) == nil {
						unlock(l)
					}
				})
				all.Go(func() { waitWithDeadline(t, "Acquire", l.Sem.Acquire) })
			}
			time.Sleep(patience / 4)
			l.setMu(w)
			l.setSem(w)
			l.Mu.TryLock()
			l.Mu.Abandoned()
			unlock(l)
			if n := l.Sem.Value(); n < 0 {
				t.Errorf("word %#x: %d tokens", w, n)
			}
			l.Sem.Release(1)
			all.Wait()
			if testing.Short() {
				break
			}
		}
	}
	l.setSem(1<<32 - 1)
	if err := l.Sem.Release(1); err == nil {
		t.Error("Release above the limit")
	}
}

// A peer scribbles all the time, as fast as it can.
func TestHostileScribbler(t *testing.T) {
	l, _ := newLab(t)
	var stop atomic.Bool
	var all sync.WaitGroup
	ws := boundaries()
	all.Go(func() {
		for i := 0; !stop.Load(); i++ {
			l.setMu(ws[i%len(ws)])
			l.setSem(ws[i*7%len(ws)])
		}
	})
	var waits sync.WaitGroup
	for range 3 {
		waits.Go(func() {
			for range 20 {
				if waitWithDeadline(t, "LockContext", l.Mu.LockContext) == nil {
					unlock(l)
				}
				waitWithDeadline(t, "Acquire", l.Sem.Acquire)
				if l.Mu.TryLock() {
					unlock(l)
				}
				l.Sem.Release(1)
			}
		})
	}
	waits.Wait()
	stop.Store(true)
	all.Wait()
}
